public import Governance
internal import LogClient
internal import Logging
internal import Monitor
internal import Tlog
internal import Verification

/// Judging, and the permit protocol.
extension Gate {
    public func evaluate(_ request: AccessRequest, files: ModelFiles?) async -> Decision {
        await judge(request, files: files)
    }

    /// Judges on the newest head of which everything was verified and folded.
    func judge(_ request: AccessRequest, files given: ModelFiles?, revalidating: Scope? = nil) async -> Decision {
        var request = request
        let (differing, loaded) = await compared(request, given)
        if let use = request.model, use.loaded == nil, let loaded {
            request.model = AccessRequest.ModelUse(model: use.model, purpose: use.purpose, loaded: loaded)
        }
        let (asked, clock, stateTime, vouched) = (request, clock, stateTime, mark.time)
        let (wall, elapsed) = (time.wall(), time.elapsed())
        let hasStateQuorum = follower.trust.stateQuorum.map { $0 != .none } ?? false
        var doubts = finding.map { [$0] } ?? []
        if case .store(let why)? = fault { doubts.append(.storage(why)) }
        let known = doubts
        let decision = await follower.withFolded { log in
            let tolerance = log.rules.policy.limits.maxSkew
            let reading = clock.read(wall: wall, elapsed: elapsed, tolerance: tolerance, vouched: vouched)
            let head = HeadEvidence(log, now: reading.now, stateTime: stateTime, hasStateQuorum: hasStateQuorum)
            let evidence = Evidence(
                head: head, differingFiles: differing, peer: asked.peerEvidence,
                doubts: known + (reading.trouble.map { [.clock($0)] } ?? []))
            return Evaluator.evaluate(
                asked, state: log.state, rules: log.rules, evidence: evidence, now: reading.now,
                revalidating: revalidating)
        }
        return decision ?? Decision(withoutState: request, time: wall, "nothing of the log was verified yet")
    }

    /// What the gate finds of a model's files: those given, or those in the directory that it was told of.
    private func compared(_ request: AccessRequest, _ given: ModelFiles?) async -> (differing: [String]?, loaded: Hash?)
    {
        if let given { return (given.differing, given.digest) }
        guard let model = request.model?.model, let directory = options.models[model] else { return (nil, nil) }
        guard let registered = await registered(model) else { return ([directory.path], nil) }
        do {
            let files = try await directory.compare(with: registered)
            return (files.differing, files.digest)
        } catch {
            return (["\(error)"], nil)
        }
    }

    public func permit(_ request: AccessRequest, files: ModelFiles?) async throws(GateError) -> RecordedPermit {
        try await permit(request, files: files, mayLease: false)
    }

    /// The ten steps, recorded.
    ///
    /// - Parameter mayLease: whether a lease will do, where policy and grant allow one: the request is then judged and
    ///   answered here, and digested into the log later.
    public func permit(
        _ request: AccessRequest, files: ModelFiles?, mayLease: Bool
    ) async throws(GateError) -> RecordedPermit {
        guard !hasEnded else { throw .ended("it is shutting down") }
        if mayLease, let permit = try await leased(request, files) { return permit }
        // Evidence of a peer's is of a head that was recorded a moment ago, perhaps.
        if request.peerEvidence != nil { await nextRound() }
        await freshen()
        var refusal: (decision: Decision, code: String, detail: String)?
        for attempt in 1...max(options.attempts, 1) {
            if attempt > 1 { await nextRound() }
            let decision = await judge(request, files: files)
            guard decision.permits else { throw await refuse(decision) }
            do throws(GateError) {
                return try await record(decision)
            } catch .logRefused(let code, let detail) {
                // "the log refuses it (`state-moved`) if any of those keys changed since that head, and the gate
                // evaluates again"
                numbers.movedState()
                refusal = (decision, code, detail)
                if Mutant.judgedAgain.isOff { break }
            }
        }
        guard let refusal else { throw .ended("it judges no request") }
        numbers.decided(.contain, reason: nil)
        throw .notAdmitted(refusal.decision, code: refusal.code, detail: refusal.detail)
    }

    /// Steps 9 and 10 of a permit.
    private func record(_ decision: Decision) async throws(GateError) -> RecordedPermit {
        guard let longest = await policy({ $0.rulesOfGovernance.maxPermit }) else { throw .ended("it has no policy") }
        let nonce = Self.nonce()
        let expires = decision.time + min(options.permitLifetime, longest / 2)
        guard let record = decision.record(nonce: nonce, expires: expires) else { throw .ended("it has no head") }
        let registered = try await register(
            EventDraft(record, stream: "decisions"), about: decision.request.access.subject, as: signer)
        // "its inclusion under a verified head is checked before the permit is released": and the fold shows it unused.
        let shown = await state(.decision(nonce), PermitRecord.self)
        let isShown =
            shown.map {
                $0.entry == registered.entry && $0.outcome == .permit && $0.usedBy == nil
                    && $0.access == decision.request.access
            } ?? false
        guard isShown || Mutant.permitInState.isOff else {
            throw .notVerified("the permit in entry \(registered.index) is not in the state")
        }
        let now = await now()
        guard now <= expires else { throw .unreachable("the permit expired before a head covered it") }
        let permit = RecordedPermit(
            decision: decision, permission: .permit(nonce), entry: registered.entry, index: registered.index,
            expires: expires, head: registered.head)
        // Before anybody can start under it: what is forgotten is never checked again.
        do { try watch(permit, nonce: nonce) } catch {
            throw .stream("what is to be watched can't be kept: \(SystemReason.text(error))")
        }
        numbers.decided(.permit, reason: nil)
        return permit
    }

    /// Puts a refusal on record where that is possible, with the containments that follow from it.
    func refuse(_ decision: Decision) async -> GateError {
        numbers.decided(.contain, reason: decision.reason)
        var recorded: RegisteredStatement?
        if finding == nil, !isWaiting, let record = decision.record(nonce: Self.nonce(), expires: decision.time) {
            do throws(GateError) {
                recorded = try await register(
                    EventDraft(record, stream: "decisions"), about: decision.request.access.subject, as: signer)
            } catch {
                logger.notice("A refusal is not on record", metadata: ["why": "\(error)"])
            }
        }
        do throws(GateError) { _ = try await contain(decision) } catch {
            logger.notice("A containment is not on record yet", metadata: ["why": "\(error)"])
        }
        return .refused(decision, recorded: recorded)
    }

    // MARK: Reading

    /// A record of the state at the newest folded head.
    func state<Record: StateRecord>(_ key: StateKey, _ kind: Record.Type) async -> Record? {
        await follower.withFolded { log in log.state.value(key).flatMap { try? Record(decoding: $0) } } ?? nil
    }

    func policy<Value: Sendable>(_ read: @Sendable (Policy) -> Value) async -> Value? {
        await follower.withFolded { read($0.rules.policy) }
    }

    /// ms since 1970, by the later of the clocks.
    func now() async -> UInt64 {
        reading(tolerance: await policy { $0.limits.maxSkew } ?? 0).now
    }

    static func nonce() -> [UInt8] {
        var random = SystemRandomNumberGenerator()
        return (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }
    }
}
