internal import CLMDB

extension Transaction {
    /// The pages that the snapshot does not use and a later write may. Throws `corrupted` if the list names a page
    /// that cannot be free. For reads only: LMDB does not show the list to a write.
    ///
    /// LMDB keeps the list in its first database: the number of a transaction, and the pages it freed as native
    /// words, their count first.
    public func freePages(pageCount: Int) throws -> Set<UInt64> {
        var pages: Set<UInt64> = []
        try forEach(in: Database(name: "", handle: 0)) { _, value in
            let words = value.count / 8
            let count = words == 0 ? 0 : value.nativeWord(0)
            guard words > 0, count < UInt64(words) else {
                throw LMDBError(MDB_CORRUPTED, "mdb_cursor_get", message: "a list of free pages does not end")
            }
            for number in 0..<Int(count) {
                let page = value.nativeWord(number + 1)
                // Pages 0 and 1 say where the newest state is.
                guard page >= 2, page < UInt64(pageCount) else {
                    throw LMDBError(MDB_CORRUPTED, "mdb_cursor_get", message: "page \(page) cannot be free")
                }
                pages.insert(page)
            }
            return true
        }
        return pages
    }
}

extension Span where Element == UInt8 {
    /// The `number`-th group of eight bytes, in the byte order of this machine.
    fileprivate func nativeWord(_ number: Int) -> UInt64 {
        var word: UInt64 = 0
        for index in 0..<8 { word |= UInt64(self[8 * number + index]) << UInt64(8 * index) }
        return UInt64(littleEndian: word)
    }
}
