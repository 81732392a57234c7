internal import CLMDB
internal import Glibc

extension Span<UInt8> {
    /// Runs a call of LMDB on these bytes. LMDB does not write through the pointer, nor keep it.
    func withMDBValue(_ body: (inout MDB_val) -> Int32) -> Int32 {
        unsafe withUnsafeBytes { bytes in
            var value = unsafe MDB_val(
                mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
            return unsafe body(&value)
        }
    }
}

extension [UInt8] {
    /// The same.
    func withMDBValue(_ body: (inout MDB_val) -> Int32) -> Int32 {
        unsafe span.withMDBValue(body)
    }
}

extension MDB_val {
    /// The bytes in the map. Valid until the transaction ends, or writes.
    var bytes: UnsafeBufferPointer<UInt8> {
        unsafe UnsafeBufferPointer(start: mv_data?.assumingMemoryBound(to: UInt8.self), count: mv_size)
    }

    func hasSameBytes(as other: Span<UInt8>) -> Bool {
        unsafe other.withUnsafeBytes { other in
            guard unsafe other.count == mv_size else { return false }
            guard let mine = unsafe mv_data, let theirs = other.baseAddress else { return true }
            return unsafe memcmp(mine, theirs, other.count) == 0
        }
    }
}

extension Span where Element == UInt8 {
    /// The bytes, copied.
    public func copied() -> [UInt8] {
        unsafe withUnsafeBufferPointer { unsafe [UInt8]($0) }
    }
}
