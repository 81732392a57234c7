internal import CSHA256
internal import Crypto

/// SHA-256 over bytes that arrive in parts.
///
/// Where the processor has instructions for it (x86-64 with SHA), a kernel of our own uses them, without an allocation;
/// elsewhere swift-crypto does it.
public struct SHA256Hasher: Sendable {
    private var kernel = CSHA256State()
    /// Nil where the kernel is used.
    private var library: SHA256?

    public init() { self.init(withKernel: Self.hasKernel) }

    /// - Parameter usesKernel: whether to use the kernel, which must be there: see ``hasKernel``.
    package init(withKernel usesKernel: Bool) {
        if usesKernel {
            unsafe CSHA256Begin(&kernel)
        } else {
            library = SHA256()
        }
    }

    /// Whether this processor has the kernel's instructions.
    package static var hasKernel: Bool { CSHA256IsAvailable() }

    public mutating func update(_ bytes: [UInt8]) { update(bytes.span) }

    public mutating func update(_ bytes: ArraySlice<UInt8>) { update(bytes.span) }

    public mutating func update(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBytes { unsafe update($0) }
    }

    public mutating func update(_ hash: Hash) {
        unsafe hash.storage.withUnsafeBytes { unsafe update($0) }
    }

    public mutating func update(_ byte: UInt8) {
        unsafe withUnsafeBytes(of: byte) { unsafe update($0) }
    }

    private mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard library == nil else {
            unsafe library?.update(bufferPointer: bytes)
            return
        }
        guard let start = bytes.baseAddress else { return }
        unsafe CSHA256Update(&kernel, start.assumingMemoryBound(to: UInt8.self), bytes.count)
    }

    /// The hash of everything so far; more may follow.
    public func finalize() -> Hash {
        var storage = Bytes32()
        if let library {
            // Not `Array(digest)`: that costs five allocations.
            unsafe library.finalize().withUnsafeBytes { unsafe storage.fill(from: $0) }
        } else {
            var last = kernel
            unsafe storage.withUnsafeMutableBytes { target in
                unsafe CSHA256End(&last, target.baseAddress?.assumingMemoryBound(to: UInt8.self))
            }
        }
        return Hash(storage: storage)
    }
}

extension Hash {
    public static func sha256(_ bytes: [UInt8]) -> Hash { hash(bytes.span) }

    public static func sha256(_ bytes: ArraySlice<UInt8>) -> Hash { hash(bytes.span) }

    /// SHA-256 of the parts one after the other.
    public static func sha256(parts: [UInt8]...) -> Hash {
        var hasher = SHA256Hasher()
        for part in parts { hasher.update(part) }
        return hasher.finalize()
    }

    /// RFC 6962 §2.1: "The hash of a list with one entry (also known as a leaf hash) is: MTH({d(0)}) =
    /// SHA-256(0x00 || d(0))".
    public static func leaf(_ entry: [UInt8]) -> Hash { leaf(entry.span) }

    /// The leaf hash of an entry that is part of a larger buffer, without copying it.
    public static func leaf(_ entry: ArraySlice<UInt8>) -> Hash { leaf(entry.span) }

    /// The leaf hash of an entry that lies anywhere, without copying it.
    public static func leaf(_ entry: Span<UInt8>) -> Hash { hash(prefix: 0x00, entry) }

    /// The leaf hashes of entries, in their order; two at a time, which takes much less than one after the other.
    public static func leaves(_ entries: ArraySlice<[UInt8]>) -> [Hash] {
        var hashes: [Hash] = []
        hashes.reserveCapacity(entries.count)
        var rest = entries
        while let one = rest.popFirst() {
            guard let other = rest.popFirst() else {
                hashes.append(leaf(one))
                break
            }
            let pair = leaves(one.span, other.span)
            hashes.append(pair.0)
            hashes.append(pair.1)
        }
        return hashes
    }

    /// The leaf hashes of two entries.
    package static func leaves(_ one: Span<UInt8>, _ other: Span<UInt8>) -> (Hash, Hash) {
        guard SHA256Hasher.hasKernel else { return (leaf(one), leaf(other)) }
        var pair = (Bytes32(), Bytes32())
        unsafe withUnsafeMutableBytes(of: &pair) { hashes in
            unsafe one.withUnsafeBufferPointer { one in
                unsafe other.withUnsafeBufferPointer { other in
                    unsafe CSHA256Two(
                        0x00, one.baseAddress, one.count, other.baseAddress, other.count,
                        hashes.baseAddress?.assumingMemoryBound(to: UInt8.self))
                }
            }
        }
        return (Hash(storage: pair.0), Hash(storage: pair.1))
    }

    /// RFC 6962 §2.1: "MTH(D[n]) = SHA-256(0x01 || MTH(D[0:k]) || MTH(D[k:n]))".
    ///
    /// The 65 bytes are laid out on the stack and hashed in one call: this is the inner loop of every tree.
    public static func node(_ left: Hash, _ right: Hash) -> Hash {
        node(prefix: 0x01, left, right)
    }

    /// `SHA-256(prefix || left || right)`, for trees that separate their domains by another prefix.
    public static func node(prefix: UInt8, _ left: Hash, _ right: Hash) -> Hash {
        var block = InlineArray<65, UInt8>(repeating: prefix)
        unsafe withUnsafeMutableBytes(of: &block) { target in
            unsafe left.storage.withUnsafeBytes {
                unsafe UnsafeMutableRawBufferPointer(rebasing: target[1..<33]).copyMemory(from: $0)
            }
            unsafe right.storage.withUnsafeBytes {
                unsafe UnsafeMutableRawBufferPointer(rebasing: target[33..<65]).copyMemory(from: $0)
            }
        }
        return hash(block.span)
    }

    /// The nodes over hashes that stand one after the other, at other places of the same array, or where they stand.
    ///
    /// - Parameters:
    ///   - parents: the place of the first node.
    ///   - count: how many nodes.
    ///   - children: the place of the first of twice as many hashes; `parents` is not between it and their end.
    package static func setNodes(in hashes: inout [Hash], at parents: Int, count: Int, of children: Int) {
        precondition(parents >= 0 && count >= 0 && children >= 0)
        precondition(parents + count <= hashes.count && children + 2 * count <= hashes.count)
        guard SHA256Hasher.hasKernel else {
            for index in 0..<count {
                hashes[parents + index] = node(hashes[children + 2 * index], hashes[children + 2 * index + 1])
            }
            return
        }
        unsafe hashes.withUnsafeMutableBytes { bytes in
            guard let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
            unsafe CSHA256Nodes(0x01, start + children * byteCount, count, start + parents * byteCount)
        }
    }

    private static func hash(prefix: UInt8? = nil, _ bytes: Span<UInt8>) -> Hash {
        var hasher = SHA256Hasher()
        if let prefix { hasher.update(prefix) }
        hasher.update(bytes)
        return hasher.finalize()
    }
}
