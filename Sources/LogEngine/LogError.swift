public import LogStore
public import Tlog

/// Why a log could not be created or opened. Nothing was signed.
public enum LogError: Error, Sendable, Hashable {
    /// The store already has a head, or the anchor one: a log is created once.
    case alreadyCreated(found: TreeHead)

    /// The store is empty.
    case notCreated

    /// The genesis, or the first policy in it, cannot be used.
    case badGenesis(String)

    /// A key is not the one that the policy in force names.
    case wrongKey(use: String, found: String, expected: String)

    /// The store has a head, the anchor none.
    case anchorMissing(store: TreeHead)

    /// The store is behind the head that was last signed: an old copy of the data directory, or a lost commit.
    case storeBehindAnchor(store: TreeHead, anchor: TreeHead)

    /// The store does not contain the tree that was last signed.
    case storeForked(anchor: TreeHead, root: Hash)

    /// What the store holds does not fit together.
    case damaged(String)

    /// A witness has a checkpoint with this log's own signature that this log does not contain.
    case signedElsewhere(String)

    /// No head is published yet: since the start no quorum of the witnesses has answered, and none is kept from before.
    case notPublished

    case anchor(AnchorError)

    /// The store refused to read or to write.
    case store(String)
}

extension LogError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .alreadyCreated(let found):
            "there is a log here already, at \(AnchorError.name(found)): a log is created once"
        case .notCreated: "there is no log in this store yet: create one first"
        case .badGenesis(let detail): "the genesis cannot start a log: \(detail)"
        case .wrongKey(let use, let found, let expected):
            "the \(use) key is \(found), but the policy in force names \(expected): give the log the keys it was "
                + "created with, or those that it was rotated to (next-keys)"
        case .anchorMissing(let store):
            "the store is at \(AnchorError.name(store)), but there is no anchor. If the anchor was lost and this data "
                + "directory is the newest there is, open it once with re-anchoring. If it was restored from a "
                + "copy, do not: a log that signs two histories is a fork"
        case .storeBehindAnchor(let store, let anchor):
            "the store is at \(AnchorError.name(store)), but a later head was signed: \(AnchorError.name(anchor)). "
                + "This data directory is an old copy, or lost its last commits. Bring back the newest one; what "
                + "would be signed from here is a fork"
        case .storeForked(let anchor, let root):
            "the signed head is \(AnchorError.name(anchor)), but the store's tree of that size has root \(root.hex). "
                + "This is another log's data directory, or a fork of this log: nothing can be signed from here"
        case .damaged(let detail): "the store is damaged: \(detail). Nothing was signed"
        case .signedElsewhere(let detail):
            "\(detail). This log's data and anchor are an old copy, or its key is used by another log. Bring back the "
                + "newest data; what would be signed from here is a fork"
        case .notPublished: "no head of this log is published yet: it waits for a quorum of its witnesses"
        case .anchor(let error): error.description
        case .store(let detail): "the store cannot be used: \(detail)"
        }
    }
}
