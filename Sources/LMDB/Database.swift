internal import CLMDB

/// A named database of an environment: a sorted map of byte strings. Keys are in bytewise lexicographic order, a
/// prefix before what it begins.
///
/// A handle stays valid as long as the environment it was opened in, if the transaction that opened it committed.
public struct Database: Sendable, Hashable {
    public let name: String
    let handle: MDB_dbi
}

/// Size of a database.
public struct DatabaseStatistics: Sendable, Hashable {
    /// Number of keys.
    public let entryCount: Int
    /// Levels of the tree.
    public let depth: Int
    /// Pages of each kind.
    public let branchPageCount: Int
    public let leafPageCount: Int
    public let overflowPageCount: Int
}
