public import COSE
public import Governance
public import Tlog

/// An entry of a followed log, after the work that needs nothing but the entry and the keys.
public struct FollowedEntry: Sendable {
    public let index: UInt64
    public let bytes: [UInt8]
    public let leafHash: Hash
    /// Nil if the bytes are not the canonical form of a statement; the replay says why.
    public let statement: SignedStatement?
    /// False also where the key isn't known yet; then the replay verifies it, or says why not.
    let isSignatureVerified: Bool

    init(_ bytes: [UInt8], index: UInt64, keys: KeyDirectory?) {
        self.index = index
        self.bytes = bytes
        guard let statement = try? SignedStatement(decoding: bytes), statement.entryBytes == bytes else {
            self.statement = nil
            leafHash = .leaf(bytes)
            isSignatureVerified = false
            return
        }
        self.statement = statement
        leafHash = statement.leafHash
        isSignatureVerified = keys?.entry(for: statement).map { (try? statement.verify($0.key)) != nil } ?? false
    }

    /// The event that the statement carries, if it carries one.
    public var event: Event? {
        guard let statement, statement.header.contentType == Event.contentType else { return nil }
        return try? Event(decoding: statement.payload)
    }

    /// Decodes entries and verifies their signatures, side by side in groups.
    static func verified(_ entries: [[UInt8]], from first: UInt64, keys: KeyDirectory?) async -> [FollowedEntry] {
        let width = 64
        return await withTaskGroup(of: (Int, [FollowedEntry]).self) { group in
            for start in stride(from: 0, to: entries.count, by: width) {
                let part = entries[start..<min(start + width, entries.count)]
                group.addTask {
                    (
                        start,
                        part.enumerated().map { offset, bytes in
                            FollowedEntry(bytes, index: first + UInt64(start + offset), keys: keys)
                        }
                    )
                }
            }
            var parts: [Int: [FollowedEntry]] = [:]
            for await (start, part) in group { parts[start] = part }
            return parts.sorted { $0.key < $1.key }.flatMap(\.value)
        }
    }
}
