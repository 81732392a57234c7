// LMDBLogStore
