internal import Synchronization
public import Tlog

/// The last head that was signed, kept outside the data directory.
///
/// Whoever restores an old copy of the data directory, or starts a copy of it, meets an anchor that is ahead of
/// the store, and nothing is signed. So that two writers cannot both go on from one head, the anchor only moves by
/// compare-and-set.
public protocol Anchor: Sendable {
    /// The last head that was signed (or was about to be), nil where there was never one.
    func read() throws(AnchorError) -> TreeHead?

    /// Moves the anchor from one head to a later one; durable when it returns.
    ///
    /// - Throws: ``AnchorError/moved(expected:found:)`` when the anchor is not at `old`.
    func advance(from old: TreeHead?, to new: TreeHead) throws(AnchorError)

    /// Gives up the lock, where there is one. No other call is made after it.
    func close()
}

extension Anchor {
    public func close() {}
}

/// Why an anchor could not be read or moved.
public enum AnchorError: Error, Sendable, Hashable {
    /// The anchor is not where the caller left it.
    case moved(expected: TreeHead?, found: TreeHead?)

    /// The new head is smaller than the anchor.
    case backward(from: TreeHead, to: TreeHead)

    /// Another process holds the anchor's lock.
    case locked(path: String)

    /// The anchor's file is there, but neither of its two slots can be read.
    case damaged(path: String)

    /// The file system refused.
    case failed(path: String, detail: String)
}

extension AnchorError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .moved(let expected, let found):
            "the anchor is at \(Self.name(found)), not at \(Self.name(expected)): another writer signs for this log"
        case .backward(let from, let to): "the anchor at \(Self.name(from)) cannot go back to \(Self.name(to))"
        case .locked(let path): "the anchor \(path) is locked by another process: is the log served already?"
        case .damaged(let path):
            "the anchor \(path) is damaged: neither of its slots has a valid checksum. Keep the file, move it "
                + "away, and treat the anchor as lost"
        case .failed(let path, let detail): "the anchor \(path) cannot be used: \(detail)"
        }
    }

    /// A head in words.
    package static func name(_ head: TreeHead?) -> String {
        head.map { "size \($0.size) root \($0.root.hex)" } ?? "no head"
    }
}

/// An anchor in memory: for tests, and for logs that are not kept.
public final class MemoryAnchor: Anchor {
    private let head: Mutex<TreeHead?>

    public init(_ head: TreeHead? = nil) {
        self.head = Mutex(head)
    }

    public func read() throws(AnchorError) -> TreeHead? {
        head.withLock { $0 }
    }

    public func advance(from old: TreeHead?, to new: TreeHead) throws(AnchorError) {
        try head.withLock { head throws(AnchorError) in
            guard head == old else { throw .moved(expected: old, found: head) }
            if let head, new.size < head.size { throw .backward(from: head, to: new) }
            head = new
        }
    }
}
