import Glibc
internal import SystemPackage

/// What tells a file apart from itself later, without reading it: it can't be written to, replaced or renamed over
/// without a change of one of these, except by somebody who may set the machine's clock.
struct FileStamp: Hashable {
    private let device: UInt64
    private let inode: UInt64
    private let size: Int64
    private let modified: Int64
    /// When the inode changed last, in ns since 1970. Unlike the time of modification nobody can set it.
    let changed: Int64

    init(_ status: Stat) {
        device = UInt64(status.deviceID.rawValue)
        inode = UInt64(status.inode.rawValue)
        size = status.size
        modified = Self.nanoseconds(status.st_mtim)
        changed = Self.nanoseconds(status.st_ctim)
    }

    /// Of no file.
    init() {
        (device, inode, size, modified, changed) = (0, 0, -1, 0, 0)
    }

    private static func nanoseconds(_ time: timespec) -> Int64 {
        Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}
