/// The state of an append-only tree: how many leaves, and the root over them.
public struct TreeHead: Sendable, Hashable {
    /// Number of leaves.
    public let size: UInt64
    /// RFC 6962's Merkle Tree Hash of the leaves.
    public let root: Hash

    public init(size: UInt64, root: Hash) {
        self.size = size
        self.root = root
    }

    /// The tree without leaves.
    public static let empty = TreeHead(size: 0, root: .emptyTree)
}
