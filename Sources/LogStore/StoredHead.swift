public import Tlog

/// What a store says of the log as a whole after its last commit.
public struct StoredHead: Sendable, Hashable {
    /// Number of entries, and the root of the tree over them.
    public let treeHead: TreeHead
    /// Time of the last seal, in milliseconds since 1970; 0 while the log is empty.
    public let sealTime: UInt64

    public init(treeHead: TreeHead, sealTime: UInt64) {
        self.treeHead = treeHead
        self.sealTime = sealTime
    }

    /// The head of a store in which nothing has been committed yet.
    public static let empty = StoredHead(treeHead: .empty, sealTime: 0)

    /// Number of entries.
    public var size: UInt64 { treeHead.size }
}
