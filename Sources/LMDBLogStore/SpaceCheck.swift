internal import LMDB
internal import LogStore

/// Whether there is room for what is to be written.
///
/// A disk that fills up while LMDB writes makes a short write, which LMDB cannot tell from a failing disk: the log would stop. So
/// what might not fit is refused before it begins, and the log goes on when there is space.
struct SpaceCheck {
    let data: StorageFile
    let environment: Environment
    /// Bytes that must be left on the disk.
    let reserve: UInt64

    /// - Parameter byteCount: the most that may be written to the disk.
    /// - Throws: `full`.
    func checkDisk(for byteCount: Int) throws {
        let available = try data.availableByteCount()
        let (needed, overflow) = reserve.addingReportingOverflow(UInt64(byteCount))
        guard !overflow && available >= needed || Mutant.diskRoom.isOff else {
            throw StoreError(
                .full,
                "\(available) bytes are left on the disk of \(data.path), and a commit needs \(needed) to be safe; "
                    + "make room there")
        }
    }

    /// What is in the journal must find room in LMDB's map when it is folded. Free pages inside the map are not counted.
    func checkMap(for byteCount: Int) throws {
        let info = try environment.info()
        let unused = info.mapSize - info.pageCount * info.pageSize
        guard unused >= byteCount || Mutant.mapRoom.isOff else {
            throw StoreError(
                .full,
                "the store has reached its map size: \(unused) of \(info.mapSize) bytes are left, and a commit needs "
                    + "\(byteCount) to be safe; start again with a larger one")
        }
    }
}
