import Glibc
import LogStore
import Testing

@testable import LMDB
@testable import LMDBLogStore

/// What a return code of LMDB or of the system means for a log.
@Suite("Failures of a store")
struct FailureTests {
    @Test(
        "a failure before the commit stored nothing, whatever it was",
        arguments: [
            (Int32(-30792), StoreError.Code.full), (ENOSPC, .full), (EDQUOT, .full), (EIO, .io), (EACCES, .io),
            (-30796, .corrupt), (-30797, .corrupt), (-30793, .notAStore), (-30794, .version), (-30790, .io),
            (-30795, .syncFailed), (-30782, .closed),
        ])
    func beforeCommit(code: Int32, expected: StoreError.Code) {
        #expect(StoreError(LMDBError(code, "mdb_put")).code == expected)
    }

    @Test(
        "a failure of the commit leaves open what is on the disk, unless it was space",
        arguments: [
            (EIO, StoreError.Code.syncFailed), (EINVAL, .syncFailed), (-30795, .syncFailed), (ENOMEM, .syncFailed),
            (ENOSPC, .full), (EDQUOT, .full), (-30792, .full),
        ])
    func atCommit(code: Int32, expected: StoreError.Code) {
        #expect(StoreError(commit: LMDBError(code, "mdb_txn_commit")).code == expected)
    }

    @Test("an error carries the call, the code and the words")
    func words() {
        let error = LMDBError(-30792, "mdb_put")
        #expect(error.description.contains("mdb_put"))
        #expect(error.description.contains("-30792"))
        #expect(StoreError(error).description.hasPrefix("full: "))
        #expect(StoreError(error).description.contains("MDB_MAP_FULL"))
    }
}
