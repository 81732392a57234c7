internal import COSE
public import Governance
public import LogStore
internal import Logging
public import Tlog

/// A running transparency log: signed statements in, registrations under signed heads out.
///
/// ```
/// Submission → VerifiedSubmission → AdmittedBatch → SealedBatch → CommittedTree → SignedHead → CosignedHead
/// ```
///
/// Each step takes what the step before it returns, and only that step can make it. A submitter is answered at the end,
/// never before: an index means durable, in the tree, and covered by a published head.
public final class Log: Sendable {
    private let parts: EngineParts
    private let intake: Intake
    private let limiter = RateLimiter()
    let subtrees = SubtreeCache()
    private let sweeper: Task<Void, Never>
    private let publisher: Publisher?
    /// What waits for the first quorum; nil where there are no witnesses.
    private let opening: Task<Result<Void, LogError>, Never>?

    init(_ parts: EngineParts, publisher: Publisher?, opening: Task<Result<Void, LogError>, Never>?) {
        self.parts = parts
        self.publisher = publisher
        self.opening = opening
        intake = Intake(
            store: parts.store, publication: parts.publication, rules: parts.rules, options: parts.options)
        sweeper = Task.detached {
            while (try? await Task.sleep(for: .milliseconds(250))) != nil {
                parts.queue.expire(at: .now)
                publisher?.expire(at: .now)
                parts.stopIfStoreFailed()
            }
        }
    }

    deinit {
        sweeper.cancel()
        opening?.cancel()
        parts.queue.close(.shutdown)
        publisher?.drain()
    }

    /// Registers statements.
    ///
    /// The result has one element a statement, in their order. What is registered stays registered, whether or not the
    /// caller still waits: a cancelled task changes nothing, and the same bytes sent again get the same index.
    ///
    /// - Parameters:
    ///   - statements: encoded signed statements, at most ``EngineOptions/maxSubmission``.
    ///   - timeout: how long the caller waits, ``EngineOptions/timeout`` if nil.
    public func submit(
        _ statements: [[UInt8]], timeout: Duration? = nil
    ) async -> [Result<Registration, Rejection>] {
        let deadline = ContinuousClock.now + (timeout ?? parts.options.timeout)
        let room: Room
        do throws(Rejection) {
            room = try reserve(statements.count, byteCount: statements.reduce(0) { $0 + $1.count })
        } catch {
            return registrations([.refused(statements.count, error)])[0]
        }
        let intake = limited(await intake.take(statements))
        let decided = await withCheckedContinuation { caller in
            decide(intake, room, deadline: deadline) { caller.resume(returning: $0) }
        }
        return registrations([decided])[0]
    }

    /// Registers one statement without a task: reads and verifies it on this thread, and calls back when it is decided.
    ///
    /// - Parameters:
    ///   - statement: an encoded signed statement.
    ///   - timeout: as above.
    ///   - decided: called once, on any thread, at once or when the log has decided; it must not block. What it is given
    ///     is to be passed to ``registrations(_:)``, which answers.
    public func submit(
        _ statement: [UInt8], timeout: Duration? = nil, decided: @escaping @Sendable (DecidedSubmission) -> Void
    ) {
        let deadline = ContinuousClock.now + (timeout ?? parts.options.timeout)
        let room: Room
        do throws(Rejection) { room = try reserve(1, byteCount: statement.count) } catch {
            return decided(.refused(1, error))
        }
        decide(limited([intake.take(statement)]), room, deadline: deadline, decided)
    }

    /// The answers to submissions that are decided: what is registered is proved, for all of them from one snapshot.
    ///
    /// Each submission is to be passed here once. Until then its room is taken, and the log does not shut down.
    ///
    /// - Returns: for each submission one element a statement, in their order.
    public func registrations(_ submissions: [DecidedSubmission]) -> [[Result<Registration, Rejection>]] {
        let results = proved(submissions)
        var room = Room(statements: 0, bytes: 0)
        for submission in submissions {
            room.statements += submission.room.statements
            room.bytes += submission.room.bytes
        }
        parts.queue.release(room)
        parts.metrics.record(results)
        return results
    }

    /// Takes nothing new, answers what was accepted, then closes the store. Returns when that is done.
    public func shutdown() async {
        parts.lifecycle.drain()
        parts.queue.close(.shutdown)
        opening?.cancel()
        publisher?.drain()
        await parts.lifecycle.waitForEnd()
        // A log that still waited for its quorum had no writer to do it.
        parts.store.close()
        sweeper.cancel()
    }

    /// Returns when a quorum of the witnesses has cosigned the stored head, and the log runs. The wait has no end of its
    /// own; cancelling the task ends it, and the log.
    ///
    /// - Throws: ``LogError/signedElsewhere(_:)`` where a witness shows that this log's key has signed more than this
    ///   log has: no new head was signed then.
    public func waitForQuorum() async throws(LogError) {
        guard let opening else { return }
        let outcome = await withTaskCancellationHandler {
            await opening.value
        } onCancel: {
            opening.cancel()
        }
        try outcome.get()
    }

    /// The newest head that was published. It never goes back. Nil while the log awaits its first quorum and has kept
    /// none from before.
    public var latest: PublishedHead? { parts.publication.latest }

    /// The same of a log that runs, which always has one.
    public var published: PublishedHead { parts.publication.current }

    public var status: EngineStatus { parts.lifecycle.status }

    /// By how many ms the clock is behind the newest published seal, where that is more than the policy's `maxSkew`:
    /// until it is set right, nothing new is registered. Nil where it is not.
    public var clockLag: UInt64? {
        let (seal, now) = (latest?.sealTime ?? 0, parts.clock.now())
        return seal > now && seal - now > policy.limits.maxSkew ? seal - now : nil
    }

    /// The policy of the newest committed batch.
    public var policy: Policy { parts.rules.newest.policy }

    /// What the policy of the newest committed batch limits.
    public var limits: PolicyLimits { parts.rules.inForce.rules.policy.limits }

    /// The keys that were the log's before a rotation, in the order in which they ended.
    public var formerKeys: [EndedLogKeyRecord] { parts.rules.newest.formerLogKeys }

    /// The log's name.
    public var origin: Origin { parts.tree.origin }

    /// The leaf hash of the first entry: which log this is, published or not.
    public func genesis() throws -> Hash? { try parts.store.read { try $0.leafHash(at: 0) } }

    /// The limits that the log was opened with.
    public var options: EngineOptions { parts.options }

    /// What the log counts about itself, at this moment.
    public var metrics: EngineMetrics.Numbers { parts.metrics.snapshot() }
}

// MARK: Submitting

extension Log {
    /// Takes room for statements before they are verified; it is given back when they are answered.
    private func reserve(_ count: Int, byteCount: Int) throws(Rejection) -> Room {
        guard latest != nil else { throw awaitingQuorum }
        guard count <= parts.options.maxSubmission || Mutant.bounds.isOff else {
            throw Rejection(
                .tooLarge,
                "\(count) statements at once are more than the \(parts.options.maxSubmission) that the "
                    + "log takes: send fewer at a time")
        }
        let room = Room(statements: count, bytes: byteCount)
        try parts.queue.reserve(room)
        return room
    }

    /// Has the writer decide on what was verified; where nothing was, there is nothing to wait for.
    private func decide(
        _ intake: [IntakeResult], _ room: Room, deadline: ContinuousClock.Instant,
        _ decided: @escaping @Sendable (DecidedSubmission) -> Void
    ) {
        let verified = intake.compactMap(\.verified)
        if verified.isEmpty { return decided(DecidedSubmission(intake, nil, room)) }
        // The writer has not begun.
        if status == .awaitingQuorum { return decided(DecidedSubmission(intake, .refused(awaitingQuorum), room)) }
        let group = PendingGroup(verified, deadline: deadline) { decided(DecidedSubmission(intake, $0, room)) }
        parts.queue.enqueue(group)
    }

    private var awaitingQuorum: Rejection {
        Rejection(
            .noQuorum,
            "the log was started and waits for a quorum of its witnesses before it takes anything; nothing was kept: send "
                + "it again later",
            retryAfter: max(5, parts.options.retryAfter))
    }

    /// Charges what was verified to its issuers' rates. Statements of one issuer, which mostly follow one another, are charged
    /// together.
    private func limited(_ intake: [IntakeResult]) -> [IntakeResult] {
        let rate = parts.rules.inForce.rules.policy.rates.perIssuer
        let now = parts.clock.now()
        var results = intake
        var start = 0
        while start < intake.count {
            guard let issuer = intake[start].verified?.issuer else {
                start += 1
                continue
            }
            let others = intake[start...].firstIndex { !($0.verified?.issuer.hasSameUTF8(as: issuer) ?? false) }
            let end = others ?? intake.count
            let (taken, refusal) = limiter.take(end - start, issuer: issuer, rate: rate, now: now)
            if let refusal { for place in start + taken..<end { results[place] = .rejected(refusal) } }
            start = end
        }
        return results
    }

    private func proved(_ submissions: [DecidedSubmission]) -> [[Result<Registration, Rejection>]] {
        // The head first: what is published is committed, so the snapshot that comes after it has all of it.
        let newest = latest
        guard submissions.contains(where: \.isAnyRegistered) else {
            return submissions.map { $0.results(Self.unproved) }
        }
        do {
            return try parts.store.read { snapshot in
                var proofs = Proofs(snapshot: snapshot, cache: subtrees)
                return try submissions.map { submission in
                    guard let head = submission.head ?? newest else { throw LogError.notPublished }
                    return try submission.results { place in
                        .success(try proofs.registration(place.placement, leafHash: place.leafHash, under: head))
                    }
                }
            }
        } catch {
            parts.logger.error(
                "proofs could not be read", metadata: ["why": "\(error)", "size": "\(newest?.size ?? 0)"])
            return submissions.map { $0.results(Self.unproved) }
        }
    }

    private static func unproved(_ place: DecidedSubmission.Place) -> Result<Registration, Rejection> {
        .failure(
            Rejection(
                .storageFailed,
                "registered at index \(place.placement.index), but the proof could not be read: send it again",
                retryAfter: 5))
    }
}

// MARK: Reading

extension Log {
    /// Reads the log as it is published: entries, tiles and links beyond the published head are not there.
    ///
    /// Blocks while it reads. The snapshot is only good inside `body`.
    ///
    /// - Throws: what `body` throws; ``LogError/notPublished`` while ``latest`` is nil.
    public func read<R>(_ body: (any LogSnapshot, PublishedHead) throws -> R) throws -> R {
        // The head first: what is published is committed, so the snapshot that comes after it has all of it.
        guard let head = latest else { throw LogError.notPublished }
        return try parts.store.read { snapshot in
            try body(
                Mutant.publishedView.isOff ? snapshot : PublishedSnapshot(base: snapshot, published: head), head)
        }
    }

    /// The registration of the entry at an index, under the published head; nil where there is none yet.
    public func registration(index: UInt64) throws -> Registration? {
        try read { snapshot, head in
            guard let leafHash = try snapshot.leafHash(at: index) else { return nil }
            var proofs = Proofs(snapshot: snapshot, cache: subtrees)
            return try proofs.registration(Placement(index: index, duplicate: true), leafHash: leafHash, under: head)
        }
    }

    /// The registration of the entry with a leaf hash, under the published head; nil where there is none yet.
    public func registration(leafHash: Hash) throws -> Registration? {
        try read { snapshot, head in
            guard let index = try snapshot.index(ofLeaf: leafHash) else { return nil }
            var proofs = Proofs(snapshot: snapshot, cache: subtrees)
            return try proofs.registration(Placement(index: index, duplicate: true), leafHash: leafHash, under: head)
        }
    }

    /// The newest published link of a stream: its place there, and its registration under the published head. Nil where
    /// the stream has none yet.
    public func newestLink(issuer: String, stream: String) throws -> (seq: UInt64, registration: Registration)? {
        try read { snapshot, head in
            let key = StateKey.stream(issuer: issuer, stream: stream).bytes
            guard let link = try snapshot.newestLink(stream: key, below: head.size),
                let leafHash = try snapshot.leafHash(at: link.index)
            else { return nil }
            var proofs = Proofs(snapshot: snapshot, cache: subtrees)
            let placement = Placement(index: link.index, duplicate: true)
            return (link.seq, try proofs.registration(placement, leafHash: leafHash, under: head))
        }
    }
}
