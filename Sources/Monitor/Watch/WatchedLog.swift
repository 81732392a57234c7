import COSE
import Governance
public import Tlog
import Verification

/// What a watched log has shown that nothing later makes good.
public enum FinalFinding: Sendable, Hashable {
    /// Two histories; the file with the evidence.
    case fork(evidence: String)
    case violation(LogViolation)
}

/// Watches one log: follows it, holds what its witnesses show against it, and reports what changes.
///
/// Nothing here waits for another log, and every request ends by itself, so that a server that is slow or down costs
/// its own log's time alone.
public actor WatchedLog {
    public nonisolated let origin: Origin
    public nonisolated let numbers: WatchNumbers
    let follower: LogFollower

    private let witnesses: [WatchedWitness]
    private let options: WatchOptions
    private let evidence: EvidenceFiles
    private let report: @Sendable (MonitorEvent) -> Void

    /// Since when, in ms since 1970.
    private var raised: [Condition: UInt64] = [:]
    /// Since when a witness has shown more than the log.
    private var aheadSince: [String: UInt64] = [:]
    private var failures = 0
    private var waiters: [AsyncStream<Void>.Continuation] = []
    private let bell: AsyncStream<Void>
    private nonisolated let ringer: AsyncStream<Void>.Continuation

    /// Set once, when the log has shown that it lies.
    public private(set) var finding: FinalFinding?

    /// - Parameters:
    ///   - witnesses: those that are asked what they cosigned.
    ///   - report: called with each event, from any thread, and does not wait.
    public init(
        _ follower: LogFollower, witnesses: [WatchedWitness], options: WatchOptions, evidence: EvidenceFiles,
        report: @escaping @Sendable (MonitorEvent) -> Void
    ) {
        origin = follower.origin
        numbers = WatchNumbers(origin: follower.origin)
        self.follower = follower
        self.witnesses = witnesses
        self.options = options
        self.evidence = evidence
        self.report = report
        (bell, ringer) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// A file that proves that the log has forked, found by this run or an earlier one.
    nonisolated var knownEvidence: String? { evidence.existing(origin) }

    /// Conditions that last.
    public var conditions: Set<Condition> { Set(raised.keys) }

    /// Watches until the log has shown that it lies, or the task is cancelled.
    public func run() async -> FinalFinding? {
        while !Task.isCancelled {
            let isGood = await round()
            if let finding { return finding }
            failures = isGood ? 0 : min(failures + 1, 20)
            let pause = min(options.interval * (1 << failures), max(options.longestPause, options.interval))
            // Those that failed together don't come back together.
            await wait(failures == 0 ? pause : pause * Double.random(in: 0.75...1))
        }
        return nil
    }

    /// Asks for a look at the log now.
    nonisolated func poke() {
        ringer.yield()
    }

    /// One look at the log and at its witnesses.
    ///
    /// - Returns: whether the log was read to its end, and nothing is wrong with it.
    @discardableResult
    public func round() async -> Bool {
        defer { endRound() }
        if let known = knownEvidence {
            conclude(.fork(evidence: known), sentence: "there is evidence of a fork: \(known)")
            return false
        }
        async let looks = look()
        let fault = await follow()
        // Who is told to end has not seen a log fail.
        if Task.isCancelled { return false }
        numbers.update { numbers in
            numbers.rounds += 1
            numbers.failedRounds += fault == nil ? 0 : 1
        }
        if let fault { take(fault) }
        await compare(await looks)
        numbers.update { $0.conditions = Set(raised.keys) }
        return fault == nil && finding == nil
    }

    /// How the log stands, for a monitor that looks once.
    public func reportChecked() async {
        let head = await follower.acceptedHead
        let size = await follower.verifiedSize
        let names = raised.keys.map(\.name.rawValue).sorted()
        tell(
            .checked,
            [
                JSONMember("size", JSON(size)),
                JSONMember("root", head.map { .string($0.treeHead.root.hex) } ?? .null),
                JSONMember("headTime", numbers.current.headTime == 0 ? .null : JSON(numbers.current.headTime)),
                JSONMember("conditions", .array(names.map { .string($0) })),
            ],
            "\(size) entries verified" + (names.isEmpty ? "" : "; \(names.joined(separator: ", "))"))
    }

    // MARK: The log

    private func follow() async -> FollowFault? {
        let (filter, report, numbers, origin, now) = (options.filter, report, numbers, origin, options.now)
        do throws(FollowFault) {
            let progress = try await follower.advance { entries in
                let matched = entries.filter(filter.matches)
                for entry in matched { report(.statement(entry, origin, at: now())) }
                numbers.update { numbers in
                    numbers.entries += UInt64(entries.count)
                    numbers.matched += UInt64(matched.count)
                }
            }
            for name in [MonitorEvent.Name.unreachable, .unverified, .formerKey, .gap, .mismatch, .behind, .storage] {
                clear(Condition(name))
            }
            noteHead(progress)
            return nil
        } catch {
            return error
        }
    }

    private func noteHead(_ progress: LogFollower.Progress) {
        let now = options.now()
        let (size, seal) = (progress.head.treeHead.size, progress.seal)
        let headTime = progress.head.headTime(notAfter: (now + options.maxSkew.milliseconds) / 1000)
        numbers.update { numbers in
            numbers.size = size
            numbers.headTime = headTime ?? 0
            numbers.sealTime = (seal?.time ?? 0) / 1000
            numbers.checkedTime = now / 1000
        }
        if size > progress.from { tell(progress, headTime: headTime) }
        // Without a quorum nobody vouches for a time.
        if let maxAge = options.maxAge, progress.head.quorum != .none {
            let age = headTime.map { now / 1000 > $0 ? now / 1000 - $0 : 0 }
            set(
                Condition(.stale), age.map { $0 * 1000 > maxAge.milliseconds } ?? true,
                "the head's time is " + (age.map { "\($0) s ago" } ?? "not vouched for by a quorum"))
        }
        guard let seal else { return }
        if let maxSilence = options.maxSilence {
            let since = now > seal.time ? now - seal.time : 0
            set(Condition(.silence), since > maxSilence.milliseconds, "nothing was added for \(since / 1000) s")
        }
        set(
            Condition(.futureTime), seal.time > now + options.maxSkew.milliseconds,
            "the newest seal has the time \(seal.time), and it is \(now)")
    }

    private func tell(_ progress: LogFollower.Progress, headTime: UInt64?) {
        let head = progress.head.treeHead
        let names = progress.head.cosignatures.map(\.witness.description)
        tell(
            .growth,
            [
                JSONMember("from", JSON(progress.from)), JSONMember("size", JSON(head.size)),
                JSONMember("root", .string(head.root.hex)),
                JSONMember("sealTime", progress.seal.map { JSON($0.time) } ?? .null),
                JSONMember("stateRoot", progress.seal.map { .string($0.stateRoot.hex) } ?? .null),
                JSONMember("headTime", headTime.map { JSON($0) } ?? .null),
                JSONMember("cosignedBy", .array(names.map { .string($0) })),
            ],
            "\(progress.from) → \(head.size) entries, verified"
                + (names.isEmpty ? "" : "; cosigned by \(names.joined(separator: ", "))"))
    }

    private func take(_ fault: FollowFault) {
        switch fault {
        case .fork(let evidence): fork(evidence)
        case .violation(let violation): conclude(.violation(violation), sentence: violation.detail)
        case .unreachable: set(Condition(.unreachable), true, fault.description)
        case .unverified: set(Condition(.unverified), true, fault.description, reason: fault.reason)
        case .formerKey: set(Condition(.formerKey), true, fault.description)
        case .missing: set(Condition(.gap), true, fault.description)
        case .mismatch: set(Condition(.mismatch), true, fault.description)
        case .behind: set(Condition(.behind), true, fault.description)
        case .store: set(Condition(.storage), true, fault.description)
        }
    }

    // MARK: Its witnesses

    private func look() async -> [(name: String, shown: WatchedWitness.Shown)] {
        await withTaskGroup(of: (String, WatchedWitness.Shown).self) { group in
            for witness in witnesses {
                group.addTask { [origin] in (witness.name, await witness.shown(origin)) }
            }
            var all: [(name: String, shown: WatchedWitness.Shown)] = []
            for await (name, shown) in group { all.append((name, shown)) }
            return all.sorted { $0.name < $1.name }
        }
    }

    private func compare(_ looks: [(name: String, shown: WatchedWitness.Shown)]) async {
        for (name, shown) in looks where finding == nil {
            switch shown {
            case .failed(let why):
                set(Condition(.witnessUnreachable, witness: name), true, "the witness \(name): \(why)")
                continue
            case .nothing:
                clear(Condition(.witnessUnreachable, witness: name))
                numbers.update { $0.witnessSizes[name] = 0 }
            case .checkpoint(let checkpoint):
                clear(Condition(.witnessUnreachable, witness: name))
                await compare(checkpoint, of: name)
            }
        }
    }

    private func compare(_ shown: SignedCheckpoint, of witness: String) async {
        let size = shown.checkpoint.size
        do throws(FollowFault) {
            switch try await follower.compare(shown) {
            case .notSigned(let why):
                set(
                    Condition(.witnessUnverified, witness: witness), true,
                    "the witness \(witness) shows what the log did not sign: \(why)")
                return
            case .formerKey(let key, let cutoff):
                set(
                    Condition(.formerKey, witness: witness), true,
                    "the witness \(witness) shows \(size) entries signed with \(key), which was the log's up to size "
                        + "\(cutoff) and is no more")
                return
            case .known: aheadSince[witness] = nil
            case .ahead: aheadSince[witness] = aheadSince[witness] ?? options.now()
            case .fork(let evidence): return fork(evidence)
            }
        } catch {
            return take(error)
        }
        clear(Condition(.witnessUnverified, witness: witness))
        clear(Condition(.formerKey, witness: witness))
        numbers.update { $0.witnessSizes[witness] = size }
        let since = aheadSince[witness].map { options.now() - min($0, options.now()) } ?? 0
        set(
            Condition(.withheld, witness: witness), since > options.withheldAfter.milliseconds,
            "the witness \(witness) shows \(size) entries under the log's signature, and the log does not")
    }

    // MARK: Reporting

    private func fork(_ found: ForkEvidence) {
        do {
            let path = try evidence.keep(found)
            conclude(.fork(evidence: path), sentence: "\(FollowFault.fork(found)); the evidence is in \(path)")
        } catch {
            // What can't be written down is said all the same.
            conclude(
                .fork(evidence: ""), sentence: "\(FollowFault.fork(found)); the evidence can't be written: \(error)")
        }
    }

    private func conclude(_ found: FinalFinding, sentence: String) {
        guard finding == nil else { return }
        finding = found
        switch found {
        case .fork(let path):
            numbers.update { $0.hasForked = true }
            tell(.fork, [JSONMember("evidence", .string(path)), JSONMember("detail", .string(sentence))], sentence)
        case .violation(let violation):
            numbers.update { $0.hasViolation = true }
            tell(
                .violation,
                [
                    JSONMember("index", violation.index.map { JSON($0) } ?? .null),
                    JSONMember("reason", .string(violation.reason)), JSONMember("detail", .string(violation.detail)),
                ], "\(violation.reason): \(violation.detail)")
        }
    }

    private func set(_ condition: Condition, _ isSo: Bool, _ sentence: String, reason: String? = nil) {
        guard isSo else { return clear(condition) }
        guard raised[condition] == nil else { return }
        raised[condition] = options.now()
        var members = condition.witness.map { [JSONMember("witness", .string($0))] } ?? []
        if let reason { members.append(JSONMember("reason", .string(reason))) }
        tell(condition.name, members + [JSONMember("detail", .string(sentence))], sentence)
    }

    private func clear(_ condition: Condition) {
        guard let since = raised.removeValue(forKey: condition) else { return }
        let seconds = (options.now() - min(since, options.now())) / 1000
        var members = [JSONMember("of", .string(condition.name.rawValue))]
        if let witness = condition.witness { members.append(JSONMember("witness", .string(witness))) }
        tell(
            .recovered, members + [JSONMember("seconds", JSON(seconds))],
            "no longer \(condition.name.rawValue)" + (condition.witness.map { " (\($0))" } ?? "")
                + ", after \(seconds) s")
    }

    private func tell(_ name: MonitorEvent.Name, _ members: [JSONMember], _ sentence: String) {
        report(MonitorEvent(name, origin, at: options.now(), members, sentence: sentence))
    }

    // MARK: Waiting

    /// Asks for a look at the log, and waits for the end of one that is under way or comes next, or until an instant.
    func nextRound(until instant: ContinuousClock.Instant) async {
        let (ends, input) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        waiters.append(input)
        poke()
        let timer = Task {
            try? await Task.sleep(until: instant)
            input.yield()
        }
        for await _ in ends { break }
        timer.cancel()
    }

    private func endRound() {
        for waiter in waiters { waiter.yield() }
        waiters = []
    }

    private func wait(_ pause: Duration) async {
        let timer = Task { [ringer] in
            try? await Task.sleep(for: pause)
            if !Task.isCancelled { ringer.yield() }
        }
        for await _ in bell { break }
        timer.cancel()
    }
}

extension MonitorEvent {
    fileprivate static func statement(_ entry: FollowedEntry, _ origin: Origin, at time: UInt64) -> MonitorEvent {
        let header = entry.statement?.header
        let event = entry.event
        let type = event?.type ?? header?.contentType ?? ""
        var members = [
            JSONMember("index", JSON(entry.index)), JSONMember("id", .string(entry.leafHash.hex)),
            JSONMember("issuer", .string(header?.issuer ?? "")), JSONMember("subject", .string(header?.subject ?? "")),
            JSONMember("contentType", .string(header?.contentType ?? "")),
        ]
        if let event { members.append(JSONMember("statement", event.json)) }
        return MonitorEvent(
            .statement, origin, at: time, members,
            sentence: "entry \(entry.index): \(type) by \(header?.issuer ?? "?") about \(header?.subject ?? "?")")
    }
}
