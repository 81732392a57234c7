public import COSE
internal import Governance
internal import Synchronization
internal import Tlog

/// Runs a command under a permit, for as long as it is permitted: does what ``Supervision`` says.
///
/// Before the command: the runtime says that it is there, the gate goes through the ten steps, the start is registered,
/// the checks are made once more. While it runs: telemetry and heartbeats, and all checks again at each newly verified
/// head, at each change of standing, and at least at the policy's `recheck` interval. After it: the end is registered.
public struct Supervisor<Point: DecisionPoint & RuntimeRecords>: Sendable {
    private let point: Point
    private let task: SupervisedTask
    private let book: ExecutionBook?
    private let confine: @Sendable (Duration) -> any Confinement
    private let output: @Sendable (CommandStream, [UInt8]) async -> Void
    private let observe: @Sendable (Supervision.Event, Supervision.Phase) -> Void
    private let sleep: @Sendable (Duration) async throws -> Void
    private let now: @Sendable () -> UInt64

    /// - Parameters:
    ///   - point: the gate.
    ///   - book: where the execution stands until its end is on record; nil where nobody would look.
    ///   - confine: makes the cell, given for how long it may hear nothing from here.
    ///   - output: gets what the command writes.
    ///   - observe: sees each event, and the phase after it.
    ///   - sleep: waits; tests wait for nothing.
    ///   - now: ms since 1970.
    public init(
        _ point: Point, task: SupervisedTask, book: ExecutionBook? = nil,
        confine: @escaping @Sendable (Duration) -> any Confinement,
        output: @escaping @Sendable (CommandStream, [UInt8]) async -> Void,
        observe: @escaping @Sendable (Supervision.Event, Supervision.Phase) -> Void = { _, _ in },
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
        now: @escaping @Sendable () -> UInt64
    ) {
        self.point = point
        self.task = task
        self.book = book
        self.confine = confine
        self.output = output
        self.observe = observe
        self.sleep = sleep
        self.now = now
    }

    /// Asks, runs, watches and records, to the end.
    ///
    /// - Parameter signals: signals that somebody sent to this process, for the command.
    public func run(signals: AsyncStream<Int32>) async -> SupervisedRun {
        let run = Run(point: point, task: task, now: now)
        var machine = Supervision()
        await withTaskGroup(of: Void.self) { group in
            watch(run, signals: signals, in: &group)
            run.inbox.yield(.begin)
            for await event in run.events {
                let actions = machine.handle(event)
                observe(event, machine.phase)
                for action in actions { perform(action, run, machine.report, in: &group) }
                if machine.phase == .ended { break }
            }
            group.cancelAll()
        }
        // What contains is registered to the end, whatever became of the rest.
        for containment in run.containments.withLock({ $0 }) { await containment.value }
        return SupervisedRun(
            report: machine.report, input: task.input, result: run.ledger.result(machine.report.cellEnding),
            faults: run.faults.withLock { $0 })
    }

    /// What comes by itself, as events.
    private func watch(_ run: Run<Point>, signals: AsyncStream<Int32>, in group: inout TaskGroup<Void>) {
        group.addTask { for await number in signals { run.inbox.yield(.signal(number)) } }
        group.addTask { [point] in
            for await standing in point.standing {
                if let bounds = standing.head?.bounds { run.bounds.withLock { $0 = bounds } }
                run.inbox.yield(.due)
            }
        }
        group.addTask { [sleep] in
            while (try? await sleep(.bounded(run.bounds.withLock { $0.recheck }))) != nil { run.inbox.yield(.due) }
        }
    }

    private func perform(
        _ action: Supervision.Action, _ run: Run<Point>, _ report: SupervisionReport,
        in group: inout TaskGroup<Void>
    ) {
        switch action {
        case .announce:
            group.addTask { [task] in
                await run.say(task.execution, phase: .baseline)
                run.inbox.yield(.announced)
            }
        case .ask: group.addTask { run.inbox.yield(.asked(await ask(run))) }
        case .registerStart(let permit):
            group.addTask { run.inbox.yield(.startRegistered(await begin(permit))) }
        case .judge: group.addTask { run.inbox.yield(.judged(await judge(run))) }
        case .launch: launch(run, in: &group)
        case .order(let order): run.orders.yield(order)
        case .awaitGrace:
            group.addTask { [sleep] in
                guard (try? await sleep(.bounded(run.bounds.withLock { $0.grace }))) != nil else { return }
                run.inbox.yield(.graceOver)
            }
        case .contain(let decision):
            let containment = Task { [point] in
                do throws(GateError) {
                    _ = try await point.contain(decision)
                } catch {
                    run.note(error)
                }
            }
            run.containments.withLock { $0.append(containment) }
        case .registerFinish(let outcome):
            let result = run.ledger.result(report.cellEnding)
            group.addTask {
                let finished = await finish(outcome, result)
                // "executed" may be refused and is then said otherwise; the end is on record before the file goes.
                if case .success = finished { book?.end(task.execution) }
                run.inbox.yield(.finishRegistered(finished))
            }
        }
    }

    // MARK: The gate

    /// The request as of now: what is loaded is what the files are, and what the peer has shown is read again.
    private func request(_ files: ModelFiles?, telemetry: Hash?) -> AccessRequest {
        var request = task.request
        request.telemetry = telemetry
        request.peerEvidence = task.peerEvidence?()
        if let files, let use = request.model {
            request.model = AccessRequest.ModelUse(model: use.model, purpose: use.purpose, loaded: files.digest)
        }
        return request
    }

    private func ask(_ run: Run<Point>) async -> Result<RecordedPermit, GateError> {
        let files = await task.files?()
        let claim = await run.voice.claims.last ?? nil
        do throws(GateError) {
            return .success(try await point.permit(request(files, telemetry: claim), files: files))
        } catch {
            return .failure(error)
        }
    }

    /// All checks, at the newest verified head. While telemetry is on its way the log may have it already or not: it is
    /// held against both. Where neither passes, the one that the log has says why.
    private func judge(_ run: Run<Point>) async -> Decision {
        let files = await task.files?()
        while true {
            let claims = await run.voice.claims
            var decision = await point.evaluate(request(files, telemetry: claims[0]), files: files)
            for claim in claims.dropFirst() where !decision.permits {
                let other = await point.evaluate(request(files, telemetry: claim), files: files)
                if other.permits || decision.findsOtherTelemetry || Mutant.lostTelemetry.isOff { decision = other }
            }
            if decision.permits { return decision }
            if await run.voice.claims == claims { return decision }
        }
    }

    private func start(_ permit: RecordedPermit) -> ExecutionStart {
        ExecutionStart(
            execution: task.execution, permission: permit.permission, parents: task.request.parents,
            model: task.request.model?.model, input: task.inputDigest)
    }

    private func begin(_ permit: RecordedPermit) async -> Result<RegisteredStatement, GateError> {
        do throws(GateError) {
            if !Mutant.book.isOff { try book?.begin(task.execution, by: task.runtime.issuer) }
        } catch {
            return .failure(error)
        }
        let result = await register(start(permit))
        if case .failure(let error) = result, !error.leavesOpen { book?.end(task.execution) }
        return result
    }

    private func register(_ data: some StatementData) async -> Result<RegisteredStatement, GateError> {
        do throws(GateError) {
            return .success(
                try await point.register(EventDraft(data, stream: "executions"), about: task.about, as: task.runtime))
        } catch {
            return .failure(error)
        }
    }

    /// Registers the end. Where the log does not answer it is tried again: what ended should not stand there as running.
    private func finish(_ outcome: ExecutionOutcome, _ result: CBOR) async -> Result<RegisteredStatement, GateError> {
        let data = ExecutionFinish(
            execution: task.execution, outcome: outcome, output: Hash.sha256(result.encoded()))
        for _ in 0..<(Mutant.finishAgain.isOff ? 0 : 4) {
            let result = await register(data)
            guard case .failure(let error) = result, error.leavesOpen else { return result }
            guard (try? await sleep(.seconds(2))) != nil else { return result }
        }
        return await register(data)
    }

    // MARK: The command

    private func launch(_ run: Run<Point>, in group: inout TaskGroup<Void>) {
        let bounds = run.bounds.withLock { $0 }
        let orders = run.takeOrders()
        group.addTask { [confine, output] in
            let result: Result<CellEnding, CellError>
            do throws(CellError) {
                result = .success(
                    try await confine(bounds.leash).run(orders: orders) { stream, bytes in
                        run.ledger.note(bytes, of: stream)
                        await output(stream, bytes)
                    })
            } catch {
                result = .failure(error)
            }
            run.inbox.yield(.cellEnded(result))
        }
        group.addTask { [task, sleep] in
            while (try? await sleep(task.interval ?? bounds.interval)) != nil {
                await run.say(task.execution, phase: .executing)
            }
        }
        if let limit = task.timeLimit {
            group.addTask { [sleep] in
                guard (try? await sleep(limit)) != nil else { return }
                run.inbox.yield(.timeOver)
            }
        }
    }
}

extension Decision {
    /// Whether the log's newest telemetry is not what the request says it is.
    fileprivate var findsOtherTelemetry: Bool {
        failures.contains { $0.check == .p5 && $0.outcome == .failed(.telemetryInconsistent) }
    }
}

/// What became of a supervised command, with what the digests in the log are of.
public struct SupervisedRun: Sendable {
    public let report: SupervisionReport
    /// `execution.start` has its digest.
    public let input: CBOR
    /// `execution.finish` has its digest.
    public let result: CBOR
    /// What could not be registered beside the start and the end: telemetry, heartbeats, containments.
    public let faults: [GateError]
}

/// What one run of a supervisor shares between its tasks.
private final class Run<Point: DecisionPoint & RuntimeRecords>: Sendable {
    let events: AsyncStream<Supervision.Event>
    let inbox: AsyncStream<Supervision.Event>.Continuation
    let orders: AsyncStream<CellOrder>.Continuation
    private let orderStream: AsyncStream<CellOrder>
    let ledger = OutputLedger()
    let voice: RuntimeVoice<Point>
    let bounds = Mutex(PolicyBounds())
    let containments = Mutex<[Task<Void, Never>]>([])
    let faults = Mutex<[GateError]>([])
    private let said = Mutex<UInt64>(0)
    private let now: @Sendable () -> UInt64

    init(point: Point, task: SupervisedTask, now: @escaping @Sendable () -> UInt64) {
        (events, inbox) = AsyncStream.makeStream()
        (orderStream, orders) = AsyncStream.makeStream()
        voice = RuntimeVoice(point, as: task.runtime, now: now)
        self.now = now
    }

    func takeOrders() -> AsyncStream<CellOrder> { orderStream }

    /// Sends the telemetry of now. If it can't be sent, the checks say so when its bound is passed.
    func say(_ execution: ExecutionID, phase: Phase) async {
        let number = said.withLock { said in
            defer { said += 1 }
            return said
        }
        let telemetry: CBOR = [
            "execution": execution.cbor, "phase": .text(phase.rawValue), "number": .unsigned(number),
            "time": .unsigned(now()), "output": ledger.cbor,
        ]
        do throws(GateError) {
            try await voice.say(telemetry)
        } catch {
            note(error)
        }
    }

    func note(_ fault: GateError) {
        faults.withLock { if $0.count < 100 { $0.append(fault) } }
    }
}

extension PolicyBounds {
    /// For how long a cell may hear nothing: what is judged at every `recheck` is heard of as often, and a busy machine
    /// gets some time more.
    var leash: Duration { .bounded(recheck) * 2 + .seconds(10) }

    /// How often a runtime is heard of: three times as often as it must be.
    var interval: Duration { .bounded(max(3, min(maxSilence, maxTelemetryAge)) / 3) }
}

extension Duration {
    /// So many milliseconds, and no more than a day: a policy may name any number.
    fileprivate static func bounded(_ milliseconds: UInt64) -> Duration { .milliseconds(min(milliseconds, 86_400_000)) }
}

extension SupervisionReport {
    /// How the command ended; nil if it never ran, or if that is not known.
    public var cellEnding: CellEnding? {
        switch ending {
        case .ended(let ending): ending
        case .stopped(_, let ending): ending
        default: nil
        }
    }
}
