public import Governance
public import LogClient
public import LogStore
public import Tlog
public import Verification

/// Follows one log from its tiles alone, and believes nothing of it that it has not verified.
///
/// Each head is vouched for as the trust file demands, and continues the one accepted before, which is kept in a file
/// of its own. Each tile and entry is held to that head, each statement's signature is verified, and all entries are
/// folded by the log's own rules: admissions, streams, seals, state roots. One caller advances it at a time.
public actor LogFollower {
    public nonisolated let origin: Origin
    public nonisolated let trust: TrustFile
    /// How many entries did not have to be folded again when it was opened: their state was kept.
    public nonisolated let resumedSize: UInt64

    private let client: LogClient
    private let now: @Sendable () -> UInt64
    private var accepted: AcceptedHead
    private var replica: Replica
    /// The newest head of which everything was folded.
    private var replayed: VerifiedCheckpoint?

    /// Bundles that are read and verified at once, and those after which the tiles that were proved are let go of.
    private static let step: UInt64 = 8 * 256
    private static let stepsOfView = 64

    /// How far one call of ``advance(onEntries:)`` came.
    public struct Progress: Sendable {
        /// The newest head, verified; everything below it is verified and folded.
        public let head: VerifiedCheckpoint
        /// How many entries were there before.
        public let from: UInt64
        /// The seal that ends the log.
        public let seal: Seal?
    }

    /// What a checkpoint that somebody shows is, held against what was followed.
    public enum Comparison: Sendable, Hashable {
        /// Of the same history, and not larger than what was accepted.
        case known
        /// Larger than what the log has shown: it can be compared when the log has.
        case ahead
        /// Signed by the log, and of another history.
        case fork(ForkEvidence)
        /// Signed with a key that the log had changed by then.
        case formerKey(VerifierKey, cutoff: UInt64)
        /// Not signed by the log.
        case notSigned(String)
    }

    /// Opens what an earlier run left: hashes and folds the stored entries again, or goes on from the state that is kept.
    ///
    /// - Parameters:
    ///   - client: with the trust file; its retries should end soon, because whoever follows asks again anyway.
    ///   - store: of this log alone; what is followed is kept in it.
    ///   - headPath: the file of the accepted head.
    ///   - keepsState: whether the state is kept in the store with the entries, so that the next start need not fold them.
    ///   - now: milliseconds since 1970.
    public init(
        client: LogClient, store: any LogStore, headPath: String, keepsState: Bool = false,
        now: @escaping @Sendable () -> UInt64,
        progress: (_ done: UInt64, _ of: UInt64) -> Void = { _, _ in }
    ) throws(FollowFault) {
        self.client = client
        self.now = now
        trust = client.trust
        guard let key = trust.policy.logs.first?.key, let origin = try? Origin(key.name.text) else {
            throw .store("the trust file names no log")
        }
        self.origin = origin
        do {
            accepted = try AcceptedHead(path: headPath, trust: client.trust)
        } catch {
            throw .store("\(error)")
        }
        let pins = LogReplay.Pins(genesis: trust.genesis?.leafHash, authorities: trust.authorities)
        replica = try Replica(store: store, pins: pins, keepsState: keepsState, progress: progress)
        resumedSize = replica.resumedSize
        if let head = accepted.checkpoint?.treeHead, replica.stored.size == head.size {
            guard replica.stored.treeHead == head else {
                throw .store("it has the root \(replica.stored.treeHead.root), the accepted head \(head.root)")
            }
            let keys = replica.logKeys
            replayed = accepted.checkpoint.flatMap { keys?.fault(of: $0.signed) == nil ? $0 : nil }
        }
    }

    /// The newest head that was accepted; nil before the first. What is below it may not be read yet.
    public var acceptedHead: VerifiedCheckpoint? { accepted.checkpoint }

    /// How many entries are verified, folded and stored.
    public var verifiedSize: UInt64 { replica.stored.size }

    /// Reads the log's newest head and everything up to it.
    ///
    /// - Parameter onEntries: called with entries when they are verified and folded, their seal included, and before they
    ///   are kept: after a crash the last of them may come again.
    public func advance(onEntries: @Sendable ([FollowedEntry]) -> Void = { _ in }) async throws(FollowFault) -> Progress
    {
        let start = replica.stored.size
        let before = accepted.checkpoint
        let head = try await newestHead()
        do throws(FollowFault) {
            try await read(to: head, onEntries: onEntries)
            try checkSigner(of: head)
        } catch {
            // What a former key signed is neither a head nor a reason to say that the log broke its rules.
            let fault = formerKey(on: head) ?? error
            if case .formerKey = fault { try retract(to: before) }
            if case .unverified = fault { try retract(to: before) }
            throw fault
        }
        replayed = head
        return Progress(head: head, from: start, seal: replica.lastSeal)
    }

    private func read(
        to head: VerifiedCheckpoint, onEntries: @Sendable ([FollowedEntry]) -> Void
    ) async throws(FollowFault) {
        var view = client.view(under: head)
        var steps = 0
        while replica.size < head.treeHead.size {
            let range = replica.size..<min(replica.size / Self.step * Self.step + Self.step, head.treeHead.size)
            let bytes = try await content { () async throws(ClientError) in try await view.entries(range) }
            let entries = await FollowedEntry.verified(bytes, from: range.lowerBound, keys: replica.keys)
            try replica.append(entries, onSealed: onEntries)
            steps += 1
            if steps % Self.stepsOfView == 0 { view = client.view(under: head) }
        }
        try replica.finish()
        guard replica.stored.treeHead == head.treeHead else {
            throw .store(
                "its root at \(replica.stored.size) entries is \(replica.stored.treeHead.root), the head's \(head.treeHead.root)"
            )
        }
    }

    /// "A head of size S is signed with the checkpoint key that the replayed policy has in force at S."
    private func checkSigner(of head: VerifiedCheckpoint) throws(FollowFault) {
        guard let why = replica.logKeys?.fault(of: head.signed) else { return }
        throw .unverified(reason: "no-signature", why)
    }

    /// The fault of a head that a former key signed, as far as the log was followed.
    private func formerKey(on head: VerifiedCheckpoint) -> FollowFault? {
        guard case .former(let key, let cutoff)? = replica.logKeys?.standing(of: head.signed) else { return nil }
        return .formerKey(key, cutoff: cutoff, shown: head.treeHead)
    }

    private func retract(to head: VerifiedCheckpoint?) throws(FollowFault) {
        do { try accepted.retract(to: head) } catch { throw .store("\(error)") }
    }

    /// Gives what was folded so far, at the newest stored head, to someone who decides on it; nil before entry 0.
    ///
    /// The body runs here, so that state, rules and head are of one size; it must not keep the state.
    public func withFolded<Result: Sendable>(
        _ body: @Sendable (FoldedLog) throws -> Result
    ) rethrows -> Result? {
        let head = replica.stored.treeHead
        guard let log = replica.folded(checkpoint: replayed?.treeHead == head ? replayed : nil) else { return nil }
        return try body(log)
    }

    /// Holds a checkpoint that somebody shows, a witness perhaps, against what was followed.
    public func compare(_ shown: SignedCheckpoint) throws(FollowFault) -> Comparison {
        guard let accepted = accepted.checkpoint else { return .ahead }
        let found = shown.checkpoint
        guard found.origin == origin else { return .notSigned("it is of the log \(found.origin)") }
        if case .former(let key, let cutoff)? = replica.logKeys?.standing(of: shown) {
            return .formerKey(key, cutoff: cutoff)
        }
        if let why = unsigned(shown) { return .notSigned(why) }
        let head = replica.stored.treeHead
        guard found.size <= head.size else {
            guard found.size == accepted.treeHead.size, found.root != accepted.treeHead.root else {
                return found.size <= accepted.treeHead.size ? .known : .ahead
            }
            return .fork(try evidence(accepted.signed, shown, nil))
        }
        let root = found.size == 0 ? Hash.emptyTree : try replica.root(at: found.size)
        if root == found.root { return .known }
        if found.size == accepted.treeHead.size { return .fork(try evidence(accepted.signed, shown, nil)) }
        guard accepted.treeHead == head else { return .ahead }
        let path = try replica.consistency(from: found.size, to: head.size)
        return .fork(try evidence(accepted.signed, shown, ForkEvidence.Consistency(root: root, path: path)))
    }

    /// Why a checkpoint is not signed by the log, with a key that the trust file names.
    private func unsigned(_ shown: SignedCheckpoint) -> String? {
        let keys = trust.policy.logs.map(\.key).filter { key in
            key.name == origin.keyName && shown.note.signatures.contains(where: key.matches)
        }
        guard !keys.isEmpty else { return "there is no signature of the log on it" }
        for key in keys {
            do { try shown.verify(logKey: key) } catch { return error.reason }
        }
        return nil
    }

    /// Why the log did not sign a head that was replayed; nil if it did. "An old key that leaks can make no head".
    public func fault(ofReplayed signed: SignedCheckpoint) -> String? {
        guard let keys = replica.logKeys else { return "nothing was replayed" }
        return keys.fault(of: signed)
    }

    /// Whether a head of the log is one that was replayed whole: every entry below it, the last of them a seal.
    ///
    /// - Returns: nil where not all of these entries were read yet. That is one answer with the rest, because the log is read on
    ///   between two questions.
    public func hasReplayed(_ head: TreeHead) throws(FollowFault) -> Bool? {
        guard head.size > 0 else { return false }
        guard head.size <= replica.stored.size else { return nil }
        guard try replica.isSealed(at: head.size) else { return false }
        return try replica.root(at: head.size) == head.root
    }

    // MARK: Heads

    /// The log's newest head, verified, and accepted if it continues the one before.
    private func newestHead() async throws(FollowFault) -> VerifiedCheckpoint {
        let head: VerifiedCheckpoint
        do {
            head = try await client.checkpoint()
        } catch {
            throw Self.fault(error, path: "checkpoint")
        }
        if let fault = formerKey(on: head) { throw fault }
        if let known = accepted.checkpoint {
            // Left by a crash before it was found out.
            if formerKey(on: known) != nil { try retract(to: nil) } else { try await check(head, continues: known) }
        }
        do { try accepted.accept(head) } catch { throw .store("\(error)") }
        return head
    }

    /// The accepted head never goes back, and never aside.
    private func check(_ head: VerifiedCheckpoint, continues known: VerifiedCheckpoint) async throws(FollowFault) {
        let (old, new) = (known.treeHead, head.treeHead)
        if old == new { return }
        if old.size == new.size { throw .fork(try evidence(known.signed, head.signed, nil)) }
        let (smaller, larger) = old.size < new.size ? (old, head) : (new, known)
        if let consistency = try await consistency(of: larger, from: smaller) {
            throw .fork(try evidence(known.signed, head.signed, consistency))
        }
        if new.size < old.size { throw .behind(shown: new, accepted: old) }
    }

    /// What the larger tree is at the smaller size, if it does not continue the smaller one; nil if it does.
    private func consistency(
        of larger: VerifiedCheckpoint, from smaller: TreeHead
    ) async throws(FollowFault) -> ForkEvidence.Consistency? {
        // A log that shows another history has no reason to go on serving the one that was followed: that is kept here.
        if replica.stored.treeHead == larger.treeHead {
            let root = try smaller.size == 0 ? Hash.emptyTree : replica.root(at: smaller.size)
            guard root != smaller.root else { return nil }
            return ForkEvidence.Consistency(
                root: root, path: try replica.consistency(from: smaller.size, to: larger.treeHead.size))
        }
        // The larger tree's tiles, each held to its root, say what it was at the smaller size.
        var view = client.view(under: larger)
        let root = try await content { () async throws(ClientError) in try await view.root(at: smaller.size) }
        guard root != smaller.root else { return nil }
        let path = try await content { () async throws(ClientError) in
            try await view.consistencyProof(from: smaller.size).path
        }
        return ForkEvidence.Consistency(root: root, path: path)
    }

    private func evidence(
        _ known: SignedCheckpoint, _ found: SignedCheckpoint, _ consistency: ForkEvidence.Consistency?
    ) throws(FollowFault) -> ForkEvidence {
        do {
            return try ForkEvidence(known: known, found: found, consistency: consistency, seen: now() / 1000)
        } catch {
            // Only a proof that was computed wrongly here can lead to this.
            throw .store("no evidence can be made of two heads that differ: \(error)")
        }
    }

    private func content<R>(_ body: () async throws(ClientError) -> R) async throws(FollowFault) -> R {
        do { return try await body() } catch { throw Self.fault(error, path: "tile") }
    }

    private static func fault(_ error: ClientError, path: String) -> FollowFault {
        switch error {
        case .unreachable(let url, let reason): .unreachable("\(url): \(reason)")
        case .timedOut(let url): .unreachable("\(url) did not answer in time")
        case .refused(let problem) where problem.status == 404:
            .missing(path: problem.detail ?? path)
        case .refused(let problem): .unreachable("it answered \(problem.status) \(problem.title ?? "")")
        case .answerTooLarge(let path, let limit): .mismatch(path: path, "it is longer than \(limit) bytes")
        case .answerMalformed(let path, let reason):
            path == "checkpoint" ? .unverified(reason: "malformed", reason) : .mismatch(path: path, reason)
        case .notVerified(let report):
            .unverified(
                reason: report.decidingCheck?.code ?? "not-verified",
                report.decidingCheck.map { "\($0.name.rawValue): \($0.detail)" } ?? "")
        case .contradiction(let path, let reason): .mismatch(path: path, reason)
        }
    }
}
