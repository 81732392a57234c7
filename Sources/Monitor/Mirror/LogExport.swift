public import LogClient
public import Tlog

extension MirrorDirectory {
    /// Makes the directory a copy of the log under a checkpoint that the caller has verified. An older copy of the same
    /// log is continued; of anything else nothing is touched.
    public func export(
        _ checkpoint: SignedCheckpoint, from source: any LogFiles,
        progress: @escaping @Sendable (LogCopy.Progress) -> Void = { _ in }
    ) async throws {
        try checkOlder(than: checkpoint.checkpoint)
        try await LogCopy(to: self, from: source).fill(to: checkpoint.checkpoint.treeHead, progress: progress)
        do { try AtomicFile.write(checkpoint.bytes, to: checkpointPath) } catch {
            throw MirrorError.system(path: checkpointPath, why: SystemReason.text(error))
        }
        removeSuperseded()
    }

    private func checkOlder(than checkpoint: Checkpoint) throws(MirrorError) {
        let bytes: [UInt8]?
        do { bytes = try read("checkpoint") } catch {
            throw .system(path: checkpointPath, why: SystemReason.text(error))
        }
        guard let bytes else { return }
        guard let old = try? SignedCheckpoint(parsing: bytes).checkpoint else {
            throw .otherLog(path: checkpointPath, why: "it is no checkpoint")
        }
        guard old.origin == checkpoint.origin else {
            throw .otherLog(path: checkpointPath, why: "it is of the log \(old.origin)")
        }
        guard old.size <= checkpoint.size else {
            throw .otherLog(
                path: checkpointPath, why: "it is of \(old.size) entries, and the log shows \(checkpoint.size)")
        }
    }
}
