/// Thirty-two bytes in line, in memory order: the storage of hashes and of public keys.
///
/// Kept as four words because comparing and hashing four words is what almost every use does.
struct Bytes32: Sendable, Hashable {
    private var words: InlineArray<4, UInt64>

    init() {
        words = InlineArray(repeating: 0)
    }

    /// Nil unless there are exactly 32 bytes. Allocates nothing for contiguous collections.
    init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        self.init()
        let copied: Void? = bytes.withContiguousStorageIfAvailable { source in
            unsafe self.fill(from: UnsafeRawBufferPointer(source))
        }
        if copied == nil {
            unsafe Swift.withUnsafeMutableBytes(of: &words) { target in
                for (offset, byte) in bytes.enumerated() { unsafe target[offset] = byte }
            }
        }
    }

    /// Copies from `source`, which must hold 32 bytes.
    mutating func fill(from source: UnsafeRawBufferPointer) {
        precondition(source.count == 32)
        unsafe Swift.withUnsafeMutableBytes(of: &words) { unsafe $0.copyMemory(from: source) }
    }

    /// Writes the 32 bytes in place.
    mutating func withUnsafeMutableBytes(_ body: (UnsafeMutableRawBufferPointer) -> Void) {
        unsafe Swift.withUnsafeMutableBytes(of: &words) { unsafe body($0) }
    }

    func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        unsafe Swift.withUnsafeBytes(of: words) { unsafe body($0) }
    }

    var array: [UInt8] { unsafe withUnsafeBytes { unsafe Array($0) } }

    func append(to bytes: inout [UInt8]) {
        unsafe withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
    }

    subscript(index: Int) -> UInt8 {
        precondition(index >= 0 && index < 32, "byte \(index) of 32")
        return unsafe withUnsafeBytes { unsafe $0[index] }
    }

    static func == (left: Bytes32, right: Bytes32) -> Bool {
        left.words[0] == right.words[0] && left.words[1] == right.words[1]
            && left.words[2] == right.words[2] && left.words[3] == right.words[3]
    }

    func hash(into hasher: inout Hasher) {
        for index in 0..<4 { hasher.combine(words[index]) }
    }

    /// Bytewise lexicographic order.
    static func precedes(_ left: Bytes32, _ right: Bytes32) -> Bool {
        for index in 0..<4 where left.words[index] != right.words[index] {
            return UInt64(bigEndian: left.words[index]) < UInt64(bigEndian: right.words[index])
        }
        return false
    }
}

extension Hash {
    /// Runs `body` on the 32 bytes in place.
    package func withBytes<R>(_ body: (Span<UInt8>) throws -> R) rethrows -> R {
        try unsafe Swift.withUnsafeBytes(of: storage) { bytes in
            try unsafe body(Span(_unsafeBytes: bytes))
        }
    }

    /// The 32 bytes from `offset` on, which must be there.
    package init(in bytes: [UInt8], at offset: Int) { self.init(in: bytes.span, at: offset) }

    /// The same.
    package init(in bytes: Span<UInt8>, at offset: Int) {
        var storage = Bytes32()
        unsafe bytes.extracting(offset..<offset + Hash.byteCount).withUnsafeBytes { unsafe storage.fill(from: $0) }
        self.init(storage: storage)
    }
}
