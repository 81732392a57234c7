public import COSE
public import Governance
public import Tlog

/// An entry of a followed log, after the work that needs nothing but the entry and the keys.
public struct FollowedEntry: Sendable {
    public let index: UInt64
    let entry: VerifiedEntry

    public var bytes: [UInt8] { entry.bytes }
    public var leafHash: Hash { entry.leafHash }
    /// Nil if the bytes are not the canonical form of a statement; the replay says why.
    public var statement: SignedStatement? { entry.statement }
    /// The event that the statement carries, if it carries one.
    public var event: Event? { entry.event }

    /// Decodes entries and verifies their signatures, side by side in groups.
    static func verified(_ entries: [[UInt8]], from first: UInt64, keys: KeyDirectory?) async -> [FollowedEntry] {
        let width = 64
        let pieces = await withTaskGroup(of: (Int, [VerifiedEntry]).self) { group in
            for start in stride(from: 0, to: entries.count, by: width) {
                let part = entries[start..<min(start + width, entries.count)]
                group.addTask { (start, VerifiedEntry.all(part, keys: keys)) }
            }
            var parts: [Int: [VerifiedEntry]] = [:]
            for await (start, part) in group { parts[start] = part }
            return parts.sorted { $0.key < $1.key }.flatMap(\.value)
        }
        return pieces.enumerated().map { FollowedEntry(index: first + UInt64($0), entry: $1) }
    }
}
