public import COSE
public import Tlog

/// A head that the log has committed, read back, anchored, signed and shown: what every public read is cut at.
///
/// A class, because it is shared by every reader and every registration under it.
public final class PublishedHead: Sendable {
    /// The signed checkpoint, with the cosignatures that it was published with.
    public let checkpoint: SignedCheckpoint

    /// The time of the seal that ends the tree, in milliseconds since 1970.
    public let sealTime: UInt64

    /// One receipt signature over the head: it serves every receipt under it.
    public let signedRoot: SignedRoot

    /// When the log published the head, in milliseconds since 1970 by its own clock.
    public let publishedAt: UInt64

    package init(checkpoint: SignedCheckpoint, sealTime: UInt64, signedRoot: SignedRoot, publishedAt: UInt64) {
        self.checkpoint = checkpoint
        self.sealTime = sealTime
        self.signedRoot = signedRoot
        self.publishedAt = publishedAt
    }

    public var treeHead: TreeHead { checkpoint.checkpoint.treeHead }

    /// The number of entries that readers may see.
    public var size: UInt64 { treeHead.size }
}
