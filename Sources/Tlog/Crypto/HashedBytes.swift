/// Bytes that something is looked up by, hashed once for all look-ups. Swift's arrays are hashed anew at each one, byte by
/// byte.
package struct HashedBytes: Sendable, Hashable {
    package let bytes: [UInt8]
    private let hash: Int

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
        // Swift's hasher has a seed of its own in each process: nobody can choose bytes that meet.
        var hasher = Hasher()
        unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        hash = hasher.finalize()
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(hash) }

    package static func == (left: HashedBytes, right: HashedBytes) -> Bool {
        left.hash == right.hash && left.bytes.span.hasSameBytes(as: right.bytes.span)
    }
}
