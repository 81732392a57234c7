internal import COSE
internal import LogStore
internal import Tlog

/// A head that was read back, anchored and signed by the log. Only ``Signing`` makes one.
struct SignedHead {
    let checkpoint: SignedCheckpoint
    let sealTime: UInt64

    /// The log's receipt signature over the root.
    let signedRoot: SignedRoot

    fileprivate init(checkpoint: SignedCheckpoint, sealTime: UInt64, signedRoot: SignedRoot) {
        self.checkpoint = checkpoint
        self.sealTime = sealTime
        self.signedRoot = signedRoot
    }
}

/// The fifth step: a committed tree is read back, hashed by other code than wrote it, anchored, and only then signed.
struct Signing: Sendable {
    let store: any LogStore
    let anchor: any Anchor
    /// Those that the policy in force at the head names.
    var keys: LogKeys
    let origin: Origin

    /// The tree that was last signed, hashed up from entries that were read. Whatever is signed next is this tree with
    /// entries appended, so it is consistent with every head that was signed before.
    private var frontier: Frontier

    /// Where the anchor stands; nil where there was never one.
    private var anchored: TreeHead?

    /// - Parameter frontier: the tree at the anchor; the empty tree where there is no anchor.
    init(
        store: any LogStore, anchor: any Anchor, keys: LogKeys, origin: Origin, frontier: Frontier, anchored: TreeHead?
    ) {
        self.store = store
        self.anchor = anchor
        self.keys = keys
        self.origin = origin
        self.frontier = frontier
        self.anchored = anchored
    }

    /// Signs the head of a committed tree.
    mutating func sign(_ tree: CommittedTree) throws(StopReason) -> SignedHead {
        let head = tree.head.treeHead
        frontier = try readBack(head)
        if anchored != head {
            try moveAnchor(to: head)
            anchored = head
        }
        return SignedHead(
            checkpoint: Checkpoint(origin: origin, head: head).signed(by: keys.checkpoint),
            sealTime: tree.head.sealTime,
            signedRoot: SignedRoot(head: head, origin: origin, key: keys.receipt, checkpoint: nil))
    }

    /// The tree of the committed entries: those since the last signature are read from the store and hashed.
    private func readBack(_ head: TreeHead) throws(StopReason) -> Frontier {
        var grown = frontier
        guard grown.size <= head.size else {
            throw .brokenInvariant("a tree of \(head.size) entries was to be signed after one of \(grown.size)")
        }
        do {
            try store.read { try grown.append(entriesOf: $0, upTo: head.size) }
        } catch let error as StoreError where error.code == .syncFailed {
            throw .syncFailed(error.detail)
        } catch {
            throw .readBackDiffers("entries \(grown.size)..<\(head.size) cannot be read: \(error)")
        }
        let found = grown.treeHead
        guard found == head || Mutant.readBack.isOff else {
            throw .readBackDiffers(
                "entries \(frontier.size)..<\(head.size), read back and appended to the tree last signed, have the root "
                    + "\(found.root.hex), but the root that was committed is \(head.root.hex)")
        }
        return grown
    }

    private func moveAnchor(to head: TreeHead) throws(StopReason) {
        do {
            try anchor.advance(from: anchored, to: head)
        } catch {
            switch error {
            case .moved, .backward: throw .anchorMoved("\(error)")
            case .locked, .damaged, .failed: throw .anchorFailed("\(error)")
            }
        }
    }
}

extension Frontier {
    /// Reads the entries of a store from the frontier's size on, hashes them, and appends the hashes.
    mutating func append(entriesOf snapshot: any LogSnapshot, upTo end: UInt64) throws {
        guard size < end else { return }
        var pairs = LeafPairs()
        try snapshot.forEachEntry(size..<end) { pairs.append($1, to: &self) }
        pairs.finish(&self)
    }
}
