internal import Glibc
internal import LMDB
internal import LogStore

extension StoreError {
    /// What a failure of LMDB means for a store.
    init(_ error: LMDBError) {
        switch error.kind {
        case .mapFull, .transactionFull:
            self.init(.full, "the store has reached its map size; start again with a larger one (\(error))")
        case .system(ENOSPC), .system(EDQUOT):
            self.init(.full, "no space is left for the store (\(error))")
        case .corrupted, .pageNotFound, .noDatabase:
            self.init(.corrupt, "the store is damaged; restore it from a copy (\(error))")
        case .invalid:
            self.init(.notAStore, "data.mdb is no LMDB file (\(error))")
        case .versionMismatch, .incompatible:
            self.init(.version, "the store was written by another version of LMDB (\(error))")
        case .panic:
            self.init(.syncFailed, "an earlier write failed; stop, and verify the tail at the next start (\(error))")
        case .badTransaction:
            self.init(.closed, "a snapshot was used after its scope ended (\(error))")
        default:
            self.init(.io, "the store cannot be used (\(error))")
        }
    }

    /// What a failure of the commit itself means.
    ///
    /// LMDB answers with the errno of the write or of the sync that failed and does not say which. No space can be
    /// given again: the pages that could not be written belong to no committed state, and are written anew before
    /// they ever do. After every other failure it is open what the disk holds.
    init(commit error: LMDBError) {
        switch error.kind {
        case .system(ENOSPC), .system(EDQUOT), .mapFull, .badTransaction:
            self.init(error)
        default:
            self.init(
                .syncFailed,
                "a commit failed and may or may not be on the disk; stop, and verify at the next start (\(error))")
        }
    }

    /// What a failure of the system means.
    init(_ error: SystemCallError) {
        switch error.code {
        case ENOSPC, EDQUOT: self.init(.full, "no space is left for the store (\(error))")
        default: self.init(.io, "the store cannot be used (\(error))")
        }
    }

    static func damaged(_ what: String) -> StoreError {
        StoreError(.corrupt, "the store is damaged: \(what); restore it from a copy")
    }
}

/// Runs `body`, and passes its failures on as the store's.
func asStoreErrors<R>(_ body: () throws -> R) throws(StoreError) -> R {
    do {
        return try body()
    } catch let error as StoreError {
        throw error
    } catch let error as LMDBError {
        throw StoreError(error)
    } catch let error as SystemCallError {
        throw StoreError(error)
    } catch {
        throw StoreError(.io, "\(error)")
    }
}
