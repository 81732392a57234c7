public import Tlog

extension LogClient {
    /// Throws unless the log that was at `old` has grown into the one at `new`: nothing changed, nothing gone.
    ///
    /// - Throws: ``ClientError/contradiction(path:reason:)`` when it has not. Keep both checkpoints then: they are the
    ///   proof that the log shows two histories.
    public func verifyGrowth(from old: TreeHead, to new: VerifiedCheckpoint) async throws(ClientError) {
        let path = "checkpoint"
        let head = new.treeHead
        guard old.size <= head.size else {
            throw .contradiction(path: path, reason: "the log had \(old.size) entries, and now shows \(head.size)")
        }
        var view = self.view(under: new)
        let proof = try await view.consistencyProof(from: old.size)
        do {
            try proof.verify(oldRoot: old.root, newRoot: head.root)
        } catch {
            throw .contradiction(
                path: path,
                reason: "the tree of \(head.size) entries does not continue the one of \(old.size) that was shown "
                    + "before: \(error)")
        }
    }
}
