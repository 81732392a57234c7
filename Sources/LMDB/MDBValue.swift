internal import CLMDB

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
}

extension Span where Element == UInt8 {
    /// The bytes, copied.
    public func copied() -> [UInt8] {
        unsafe withUnsafeBufferPointer { unsafe [UInt8]($0) }
    }
}
