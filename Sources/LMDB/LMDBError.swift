internal import CLMDB

/// A call of LMDB that failed: its return code, which call, and what LMDB says about the code.
///
/// Absence is no error in this module: a key that is not there is nil.
public struct LMDBError: Error, Sendable, Hashable, CustomStringConvertible {
    /// LMDB's return code (negative) or the system's errno (positive).
    public let code: Int32
    /// The call that returned it, such as `mdb_put`.
    public let operation: String
    /// LMDB's or the system's words for the code.
    public let message: String

    init(_ code: Int32, _ operation: String) {
        self.code = code
        self.operation = operation
        message = unsafe String(cString: mdb_strerror(code))
    }

    init(_ code: Int32, _ operation: String, message: String) {
        self.code = code
        self.operation = operation
        self.message = message
    }

    /// What a caller can tell apart.
    public enum Kind: Sendable, Hashable {
        /// The key is there already.
        case keyExists
        /// The environment reached its map size.
        case mapFull
        /// A transaction has too many changed pages.
        case transactionFull
        /// All reader slots are taken.
        case readersFull
        /// More named databases than the environment was opened for.
        case databasesFull
        /// A page is not what its place says, or is missing.
        case corrupted
        /// A page was not found.
        case pageNotFound
        /// An earlier failure left the environment unusable for writing.
        case panic
        /// The file is no LMDB file.
        case invalid
        /// The file was written by an incompatible version of LMDB.
        case versionMismatch
        /// Another process made the environment larger than this one's map.
        case mapResized
        /// The database has other flags than those asked for.
        case incompatible
        /// The transaction has ended, or must end because of an earlier failure, or is used in a way it does not allow.
        case badTransaction
        /// The key is empty or longer than LMDB takes, or the value has a size that the database does not take.
        case badValueSize
        /// The database handle is not valid.
        case badDatabase
        /// The named database does not exist.
        case noDatabase
        /// The operating system's errno.
        case system(Int32)
        /// A code of LMDB that this list does not have.
        case other(Int32)
    }

    public var kind: Kind {
        switch code {
        case MDB_KEYEXIST: .keyExists
        case MDB_NOTFOUND: .noDatabase
        case MDB_MAP_FULL: .mapFull
        case MDB_TXN_FULL: .transactionFull
        case MDB_READERS_FULL: .readersFull
        case MDB_DBS_FULL: .databasesFull
        case MDB_CORRUPTED: .corrupted
        case MDB_PAGE_NOTFOUND: .pageNotFound
        case MDB_PANIC: .panic
        case MDB_INVALID: .invalid
        case MDB_VERSION_MISMATCH: .versionMismatch
        case MDB_MAP_RESIZED: .mapResized
        case MDB_INCOMPATIBLE: .incompatible
        case MDB_BAD_TXN: .badTransaction
        case MDB_BAD_VALSIZE: .badValueSize
        case MDB_BAD_DBI: .badDatabase
        case let code where code > 0: .system(code)
        default: .other(code)
        }
    }

    public var description: String { "\(operation): \(message) (\(code))" }

    /// Throws unless `code` says success.
    static func check(_ code: Int32, _ operation: String) throws(LMDBError) {
        guard code == MDB_SUCCESS else { throw LMDBError(code, operation) }
    }
}
