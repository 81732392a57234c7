internal import Dispatch
internal import LogStore
internal import Logging
internal import Synchronization
internal import Tlog

/// Keeps the checkpoint that was published last in the store, so that the next start can show it until its witnesses
/// have answered.
///
/// A commit keeps the one that was published before it; this is for what is published after the last commit. It runs
/// beside everything else, and nobody waits for it: after a crash the kept one may be older than the last one shown.
final class CheckpointKeeper: Sendable {
    private let parts: EngineParts
    private let queue = DispatchQueue(label: "holdfast-keeper")
    /// What is to be kept, if that is not done yet: only the newest.
    private let next = Mutex<PublishedHead?>(nil)

    init(_ parts: EngineParts) {
        self.parts = parts
    }

    func keep(_ head: PublishedHead) {
        let isFirst = next.withLock { next in
            defer { next = head }
            return next == nil
        }
        if isFirst { queue.async { self.write() } }
    }

    /// Returns when nothing is left to do.
    func finish() {
        queue.sync {}
    }

    private func write() {
        let taken = next.withLock { next in
            defer { next = nil }
            return next
        }
        guard let head = taken else { return }
        // The writer may commit in between. If it does so again and again, its commits keep what is published.
        for _ in 0..<3 {
            do {
                let stored = try parts.store.read { try $0.head }
                let batch = StoreBatch.checkpointOnly(size: head.size, bytes: head.checkpoint.bytes, head: stored)
                try parts.store.commit(batch, expecting: stored.treeHead)
                return
            } catch let error as StoreError where error.code == .headMoved {
                continue
            } catch let error as StoreError where error.code == .syncFailed {
                return parts.stop(.syncFailed(error.detail), metadata: ["size": "\(head.size)"])
            } catch {
                return parts.logger.warning(
                    "the published checkpoint was not kept", metadata: ["size": "\(head.size)", "why": "\(error)"])
            }
        }
    }
}
