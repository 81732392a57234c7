internal import COSE
internal import Governance
internal import LogClient
internal import Logging
internal import Monitor
internal import Tlog
internal import Verification

/// Following the log: heads, the high-water mark, and how the gate stands.
extension Gate {
    /// Reads the log's newest head and everything below it. If that is being done, waits for it.
    func nextRound() async {
        if let round { return await round.value }
        let task = Task { await self.goRound() }
        round = task
        await task.value
    }

    private func goRound() async {
        do throws(FollowFault) {
            let leased = LeasedStart.Collection()
            let progress = try await follower.advance(onEntries: leased.note)
            fault = nil
            await accept(progress.head)
            await watchLeased(leased.take())
        } catch {
            if fault?.reason != error.reason {
                logger.warning("The log can't be followed", metadata: ["reason": "\(error.reason)", "why": "\(error)"])
            }
            fault = error
            keep(error)
        }
        numbers.looked(fault: fault?.reason)
        round = nil
        await postStanding()
    }

    /// Remembers for good what no later look makes good.
    private func keep(_ fault: FollowFault) {
        guard finding == nil else { return }
        switch fault {
        case .fork(let evidence):
            finding = .fork("\(fault)")
            do {
                try AtomicFile.write(Array(evidence.json.text().utf8), to: directory + "/fork.json")
            } catch {
                logger.error("The evidence of a fork can't be kept", metadata: ["why": "\(SystemReason.text(error))"])
            }
        case .violation(let violation):
            finding = violation.reason == "state-root" ? .stateRoot(violation.detail) : .violation(violation.detail)
        default:
            return
        }
        logger.critical("The log has lied; nothing is permitted", metadata: ["why": "\(fault)"])
    }

    /// Takes a head of which everything was folded: its time, and that of its state witnesses.
    private func accept(_ head: VerifiedCheckpoint) async {
        guard let tolerance = await follower.withFolded({ $0.rules.policy.limits.maxSkew }) else { return }
        let (wall, elapsed) = (time.wall(), time.elapsed())
        let reading = clock.read(wall: wall, elapsed: elapsed, tolerance: tolerance, vouched: mark.time)
        let latest = (max(reading.now, wall) &+ tolerance) / 1000
        let headTime = head.headTime(notAfter: latest).map { $0 * 1000 }
        if let headTime, headTime > mark.time {
            clock.vouch(headTime, wall: wall, elapsed: elapsed, tolerance: tolerance)
        }
        if let quorum = follower.trust.stateQuorum, quorum != .none,
            let cosigned = try? follower.trust.policy.verify(head.signed, quorum: quorum),
            let seen = cosigned.headTime(notAfter: latest)
        {
            stateTime = max(stateTime ?? 0, seen * 1000)
        }
        await hold(head.treeHead, headTime)
    }

    /// Holds a head to the high-water mark, and raises that.
    private func hold(_ head: TreeHead, _ headTime: UInt64?) async {
        guard finding == nil, !Mutant.highWaterMark.isOff else { return }
        if mark.head.size > head.size {
            finding = .violation(
                "the log shows \(head.size) entries, and has shown \(mark.head.size) to this gate before")
        } else if mark.head.size > 0, (try? await follower.hasReplayed(mark.head)) != true {
            finding = .fork("the log's first \(mark.head.size) entries are not those that this gate has seen before")
        }
        guard finding == nil else { return }
        do {
            try mark.raise(head, time: headTime)
        } catch {
            finding = .storage("the high-water mark can't be kept: \(SystemReason.text(error))")
        }
    }

    /// What the two clocks say at a policy's tolerance.
    func reading(tolerance: UInt64) -> ClockWatch.Reading {
        clock.read(wall: time.wall(), elapsed: time.elapsed(), tolerance: tolerance, vouched: mark.time)
    }

    func postStanding() async {
        let (clock, stateTime, vouched) = (clock, stateTime, mark.time)
        let (wall, elapsed) = (time.wall(), time.elapsed())
        let found = await follower.withFolded { log -> (GateHead, ClockWatch.Reading)? in
            let tolerance = log.rules.policy.limits.maxSkew
            let reading = clock.read(wall: wall, elapsed: elapsed, tolerance: tolerance, vouched: vouched)
            return GateHead(log, now: reading.now, stateTime: stateTime).map { ($0, reading) }
        }
        var troubles: [GateTrouble] = []
        switch finding {
        case .fork(let why): troubles.append(GateTrouble(.fork, why))
        case .violation(let why), .stateRoot(let why): troubles.append(GateTrouble(.divergence, why))
        case .storage(let why): troubles.append(GateTrouble(.storage, why))
        case .clock, nil: break
        }
        if let fault, !fault.isFinal { troubles.append(GateTrouble(fault)) }
        guard let found, let (head, reading) = found else {
            troubles.append(GateTrouble(.catchingUp, "no head of which everything is verified"))
            return board.post(GateStanding(head: board.current.head, troubles: troubles))
        }
        if let why = reading.trouble { troubles.append(GateTrouble(.clock, why)) }
        if let why = head.staleness(at: reading.now) { troubles.append(GateTrouble(.staleHead, why)) }
        if let quorum = follower.trust.stateQuorum, quorum != .none, let why = head.stateLag(at: reading.now) {
            troubles.append(GateTrouble(.stateLag, why))
        }
        board.post(GateStanding(head: head, troubles: troubles))
    }

    /// Returns when an entry is below a head of which everything was verified and folded.
    func cover(_ index: UInt64) async throws(GateError) -> TreeHead {
        let start = time.elapsed()
        while true {
            let head = await follower.withFolded { $0.checkpoint == nil ? nil : $0.head } ?? nil
            if let finding { throw .notVerified("\(finding)") }
            if let head, head.size > index || Mutant.underHead.isOff { return head }
            guard time.elapsed() - start <= options.patience else {
                throw .unreachable(
                    "entry \(index) is under no head that could be verified: \(fault.map { "\($0)" } ?? "")")
            }
            await nextRound()
            if fault != nil { await time.sleep(50) }
        }
    }

    // MARK: Fresh heads

    /// Has an idle log make a new head, which witnesses cosign anew, before the newest is too old to judge on.
    func keepFresh() async {
        guard options.keepsFresh, fault == nil, finding == nil, !isWaiting, isAging else { return }
        if let lastPulse, let head = board.current.head, time.elapsed() - lastPulse < head.bounds.maxHeadAge / 4 {
            return
        }
        await pulse()
    }

    /// Whether three quarters of what the policy allows are gone of the newest head's time, or of its state witnesses'.
    private var isAging: Bool {
        guard let head = board.current.head else { return false }
        let now = time.wall()
        if Self.isAging(head.time, now, head.bounds.maxHeadAge) { return true }
        guard let quorum = follower.trust.stateQuorum, quorum != .none else { return false }
        return Self.isAging(stateTime, now, head.bounds.maxStateLag)
    }

    private static func isAging(_ time: UInt64?, _ now: UInt64, _ allowed: UInt64) -> Bool {
        let age = now - min(time ?? 0, now)
        return age > allowed / 4 * 3
    }

    /// As ``keepFresh()``, for a request that is to be judged now; waits a little for the state witnesses.
    func freshen() async {
        guard options.keepsFresh, finding == nil, isAging else { return }
        await nextRound()
        guard fault == nil, !isWaiting, isAging else { return }
        await pulse()
        let start = time.elapsed()
        while isAging, fault == nil, time.elapsed() - start < options.patience / 2 {
            await time.sleep(100)
            await nextRound()
        }
    }

    private func pulse() async {
        lastPulse = time.elapsed()
        let event = EventDraft(type: "gate.pulse", stream: "pulse", data: .map([:]))
        do throws(GateError) {
            _ = try await register(event, about: signer.issuer, as: signer)
        } catch {
            logger.notice("The log makes no new head", metadata: ["why": "\(error)"])
        }
    }
}

extension GateHead {
    /// Nil while entries below a newer head are still read.
    init?(_ log: FoldedLog, now: UInt64, stateTime: UInt64?) {
        guard let evidence = HeadEvidence(log, now: now, stateTime: stateTime, hasStateQuorum: true) else { return nil }
        var time: UInt64?
        var isUnwitnessed = false
        switch evidence.witnesses {
        case .byQuorum(let at)?: time = at
        case .byNobody(let sealed)?: (time, isUnwitnessed) = (sealed, true)
        case nil: break
        }
        self.init(
            treeHead: log.head, time: time, isUnwitnessed: isUnwitnessed, stateTime: stateTime,
            origin: log.rules.policy.origin.text, policy: log.rules.policy.digest,
            bounds: log.rules.policy.boundsOfEvaluation)
    }

    /// Why it is too old to judge on; nil if it isn't.
    func staleness(at now: UInt64) -> String? {
        guard let time else { return "the cosignatures that are believed make no quorum" }
        guard now > time, now - time > bounds.maxHeadAge else { return nil }
        return "the head is \(now - time) ms old; the policy allows \(bounds.maxHeadAge)"
    }
}

extension GateHead {
    /// Why the state witnesses are too far behind; nil if they aren't.
    func stateLag(at now: UInt64) -> String? {
        guard let stateTime else { return "no quorum of state witnesses has been seen yet" }
        guard now > stateTime, now - stateTime > bounds.maxStateLag else { return nil }
        return "the state witnesses are \(now - stateTime) ms behind; the policy allows \(bounds.maxStateLag)"
    }
}

extension HeadEvidence {
    /// What is known of a head of which everything was verified and folded; nil while it is not.
    init?(_ log: FoldedLog, now: UInt64, stateTime: UInt64?, hasStateQuorum: Bool) {
        guard let checkpoint = log.checkpoint else { return nil }
        let witnesses: Vouched?
        if checkpoint.quorum == .none {
            witnesses = .byNobody(sealed: log.seal.time)
        } else {
            let latest = (now &+ log.rules.policy.limits.maxSkew) / 1000
            witnesses = checkpoint.headTime(notAfter: latest).map { .byQuorum(at: $0 * 1000) }
        }
        self.init(
            head: log.head, witnesses: witnesses, extendsAccepted: true, sealRoot: log.seal.stateRoot,
            computedRoot: log.stateRoot,
            stateWitnesses: hasStateQuorum ? stateTime.map { .byQuorum(at: $0) } : .byNobody(sealed: log.seal.time))
    }
}

extension GateTrouble {
    init(_ fault: FollowFault) {
        let kind: Kind
        switch fault {
        case .unreachable: kind = .unreachable
        case .unverified, .formerKey: kind = .noQuorum
        case .missing, .mismatch, .behind: kind = .inconsistent
        case .violation: kind = .divergence
        case .fork: kind = .fork
        case .store: kind = .storage
        }
        self.init(kind, "\(fault)")
    }
}
