public import LogClient
public import Tlog
import Verification

/// A verified full copy of a log in a directory, brought up to date from the log.
///
/// The order of an update: the log's newest checkpoint is verified under the trust file; it is proved to continue the
/// one that was copied last; everything that it demands is copied, verified and synced; only then is it cosigned, and
/// put into the directory. So the checkpoint in the directory never demands what is not there, and the cosignature says
/// what c2sp.org/tlog-mirror wants it to say: "that the mirror has durably logged the contents of the checkpoint".
public struct Mirror: Sendable {
    /// Under which name and key a mirror cosigns.
    public struct Identity: Sendable {
        public let name: KeyName
        private let key: Ed25519.SigningKey

        public init(name: KeyName, key: Ed25519.SigningKey) {
            self.name = name
            self.key = key
        }

        public var verifierKey: VerifierKey { .cosigner(name: name, publicKey: key.publicKey) }

        func cosign(_ checkpoint: Checkpoint, at seconds: UInt64) -> NoteSignature {
            Cosignature.sign(checkpoint, name: name, key: key, time: seconds)
        }
    }

    /// What an update came to.
    public enum Outcome: Sendable, Hashable {
        /// The log shows the tree that is copied already.
        case unchanged
        /// The tree is the same; its checkpoint has newer cosignatures.
        case refreshed
        case grown(from: UInt64)
    }

    public let directory: MirrorDirectory
    private let client: LogClient
    private let identity: Identity?
    private let parallel: Int
    private let now: @Sendable () -> UInt64
    /// What is shown of this mirror.
    public let status: MirrorStatus
    private var accepted: AcceptedHead
    /// The log's checkpoint that was copied last, as the log had it.
    private var seen: SignedCheckpoint?
    /// Below this size the directory was verified by this process.
    private var verified: UInt64 = 0

    /// - Parameters:
    ///   - directory: new, or with an older copy of the same log.
    ///   - client: the log, and what is believed of it.
    ///   - identity: cosigns what is copied; nil for a mirror without a key.
    ///   - now: seconds since 1970.
    public init(
        directory: MirrorDirectory, client: LogClient, identity: Identity? = nil, parallel: Int = 8,
        now: @escaping @Sendable () -> UInt64
    ) throws(AcceptedHeadError) {
        self.directory = directory
        self.client = client
        self.identity = identity
        self.parallel = parallel
        self.now = now
        accepted = try AcceptedHead(path: directory.checkpointPath, trust: client.trust)
        status = MirrorStatus(checkpoint: accepted.checkpoint?.signed)
    }

    /// What the directory is a copy of; nil before the first update.
    public var head: VerifiedCheckpoint? { accepted.checkpoint }

    /// Copies what the log has now.
    ///
    /// The first update of a process verifies all that is in the directory, and fetches again what is damaged.
    ///
    /// - Throws: ``MirrorError/forked(old:new:kept:why:)`` for a log that does not continue what was copied. The copy
    ///   stays as it was.
    public mutating func update(
        progress: @escaping @Sendable (LogCopy.Progress) -> Void = { _ in }
    ) async throws -> Outcome {
        let status = status
        do {
            return try await copyNewest(
                progress: { count in
                    status.progress(count)
                    progress(count)
                })
        } catch let error as MirrorError {
            status.failed()
            if case .forked = error { status.stop(error.description) }
            throw error
        } catch {
            status.failed()
            throw error
        }
    }

    private mutating func copyNewest(progress: @escaping @Sendable (LogCopy.Progress) -> Void) async throws -> Outcome {
        let newest = try await client.checkpoint()
        let old = accepted.checkpoint
        if newest.signed == seen, verified == newest.treeHead.size, let old {
            status.updated(old.signed, bytesRead: 0, at: now())
            return .unchanged
        }
        if let old { try await check(newest, continues: old) }
        let copy = LogCopy(to: directory, from: client, parallel: parallel)
        let read = try await copy.fill(to: newest.treeHead, verified: verified, progress: progress)
        let served = try cosigned(newest)
        try accepted.accept(served)
        directory.removeSuperseded()
        status.updated(served.signed, bytesRead: read.bytesRead, at: now())
        seen = newest.signed
        verified = newest.treeHead.size
        guard let old else { return .grown(from: 0) }
        return old.treeHead.size == newest.treeHead.size ? .refreshed : .grown(from: old.treeHead.size)
    }

    private func check(_ newest: VerifiedCheckpoint, continues old: VerifiedCheckpoint) async throws {
        guard old.checkpoint.origin == newest.checkpoint.origin else {
            throw MirrorError.otherLog(
                path: directory.path,
                why: "it is a copy of \(old.checkpoint.origin), and the log is "
                    + "\(newest.checkpoint.origin)")
        }
        do throws(ClientError) {
            try await client.verifyGrowth(from: old.treeHead, to: newest)
        } catch {
            // Of a tile that does not fit it is not known yet whether the log lies or a disk does.
            guard case .contradiction(let path, let why) = error, path == "checkpoint" else { throw error }
            throw MirrorError.forked(
                old: old.treeHead, new: newest.treeHead, kept: try directory.keepRefused(newest.signed), why: why)
        }
    }

    /// The checkpoint as it is served, with the mirror's own line if it has a key.
    private func cosigned(_ head: VerifiedCheckpoint) throws -> VerifiedCheckpoint {
        guard let identity else { return head }
        let line = identity.cosign(head.checkpoint, at: now())
        return try client.trust.policy.verify(head.signed.adding([line]))
    }
}
