/// A key that the caller chose, as the journal's tables in memory have it: hashed once, whole words at a time, because each
/// batch looks for hundreds of them.
struct JournalKey: Hashable, Sendable {
    let bytes: [UInt8]
    private let hash: Int

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        // Swift's hasher has a seed of its own in each process: nobody can choose keys that meet.
        var hasher = Hasher()
        var word = UInt64(bytes.count)
        for (position, byte) in bytes.enumerated() {
            if position % 8 == 0 {
                hasher.combine(word)
                word = 0
            }
            word = word << 8 | UInt64(byte)
        }
        hasher.combine(word)
        hash = hasher.finalize()
    }

    func hash(into hasher: inout Hasher) { hasher.combine(hash) }

    static func == (left: JournalKey, right: JournalKey) -> Bool {
        left.hash == right.hash && left.bytes == right.bytes
    }
}
