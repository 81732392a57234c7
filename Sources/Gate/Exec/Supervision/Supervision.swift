public import Governance

/// Where a supervised execution is, and what comes next: no clock, no I/O, nothing that waits. What happened goes in,
/// what is to be done comes out.
///
/// ```
/// announcing → asking → starting → checking → running → finishing → ended
///                 ↓         ↓          ↓      ↘ stopping ↗   ↑
///               ended     ended     finishing ───────────────┘
/// ```
///
/// The command runs between ``Action/launch`` and ``Event/cellEnded(_:)`` only, and `launch` comes only after a permit on
/// record, a start on record, and checks that passed once more after it.
public struct Supervision: Sendable {
    public enum Phase: Sendable, Hashable {
        /// The runtime says that it is there.
        case announcing
        /// The gate goes through the ten steps.
        case asking
        /// `execution.start` is on its way.
        case starting
        /// The start is on record; the checks are made again before the command is started.
        case checking
        case running
        /// The command was told to end.
        case stopping(StopCause)
        /// `execution.finish` is on its way.
        case finishing(ExecutionOutcome)
        case ended
    }

    /// What a supervisor is to do.
    public enum Action: Sendable, Hashable {
        case announce
        case ask
        case registerStart(RecordedPermit)
        case judge
        case launch
        case order(CellOrder)
        /// An event ``Event/graceOver`` after the policy's grace.
        case awaitGrace
        case contain(Decision)
        case registerFinish(ExecutionOutcome)
    }

    /// What happened.
    public enum Event: Sendable {
        case begin
        /// What became of the announcement does not matter: whether the runtime is heard of is one of the checks.
        case announced
        case asked(Result<RecordedPermit, GateError>)
        case startRegistered(Result<RegisteredStatement, GateError>)
        /// A head, a change of standing, or the time for a check has come.
        case due
        case judged(Decision)
        /// Somebody sent the supervisor a signal.
        case signal(Int32)
        /// The time that the execution may take is over.
        case timeOver
        case graceOver
        case cellEnded(Result<CellEnding, CellError>)
        case finishRegistered(Result<RegisteredStatement, GateError>)
    }

    public private(set) var phase = Phase.announcing
    public private(set) var report = SupervisionReport()
    /// A check is under way; another is due after it.
    private var isJudging = false
    private var isDue = false
    /// A signal that came before there was a command.
    private var interruption: Int32?

    public init() {}

    /// What is to be done after this, in order.
    public mutating func handle(_ event: Event) -> [Action] {
        switch (phase, event) {
        case (.announcing, .begin): return [.announce]
        case (.announcing, .announced): return ask()
        case (.asking, .asked(let result)): return asked(result)
        case (.starting, .startRegistered(let result)): return startRegistered(result)
        case (.checking, .judged(let decision)): return checked(decision)
        case (.running, .due): return due()
        case (.running, .judged(let decision)): return judged(decision)
        case (.running, .timeOver): return stop(.timeOver)
        case (.stopping, .graceOver): return Mutant.killed.isOff ? [] : [.order(.kill)]
        case (.running, .cellEnded(let result)), (.stopping, .cellEnded(let result)): return cellEnded(result)
        case (.finishing(let outcome), .finishRegistered(let result)): return finished(outcome, result)
        case (.running, .signal(let number)), (.stopping, .signal(let number)):
            return CellOrder.signals.contains(number) ? [.order(.signal(number))] : []
        case (.announcing, .signal(let number)), (.asking, .signal(let number)), (.starting, .signal(let number)),
            (.checking, .signal(let number)):
            interruption = interruption ?? number
            return []
        // A check that ended after the command did, a head after the end, and whatever else comes too late.
        default: return []
        }
    }

    // MARK: Before the command

    private mutating func ask() -> [Action] {
        if let interruption { return end(.interrupted(interruption)) }
        phase = .asking
        return [.ask]
    }

    private mutating func asked(_ result: Result<RecordedPermit, GateError>) -> [Action] {
        switch result {
        case .success(let permit):
            report.permit = permit
            // A permit that nobody uses expires.
            if let interruption { return end(.interrupted(interruption)) }
            phase = .starting
            return [.registerStart(permit)]
        case .failure(let error):
            var actions = end(.notPermitted(error))
            if case .refused(let decision, _) = error { actions.append(.contain(decision)) }
            return actions
        }
    }

    private mutating func startRegistered(_ result: Result<RegisteredStatement, GateError>) -> [Action] {
        switch result {
        case .success(let statement):
            report.start = statement
            if let interruption {
                report.ending = .interrupted(interruption)
                return finish(.failed)
            }
            phase = .checking
            isJudging = true
            return [.judge]
        case .failure(let error):
            report.ending = .notStarted(error)
            if Mutant.started.isOff {
                phase = .running
                return [.launch]
            }
            // It may be on record all the same: an execution that never ran must not stand there as one that runs.
            return error.leavesOpen ? finish(.blocked) : end(.notStarted(error))
        }
    }

    private mutating func checked(_ decision: Decision) -> [Action] {
        isJudging = false
        guard decision.permits || Mutant.checkedAfterStart.isOff else {
            report.ending = .notBegun(decision)
            return [.contain(decision)] + finish(.blocked)
        }
        if let interruption, !Mutant.interrupted.isOff {
            report.ending = .interrupted(interruption)
            return finish(.failed)
        }
        phase = .running
        return [.launch]
    }

    // MARK: While it runs

    private mutating func due() -> [Action] {
        guard !isJudging else {
            isDue = true
            return []
        }
        isJudging = true
        return [.judge]
    }

    private mutating func judged(_ decision: Decision) -> [Action] {
        isJudging = false
        report.checks += 1
        guard decision.permits || Mutant.stopped.isOff else {
            return stop(.decision(decision)) + (Mutant.contained.isOff ? [] : [.contain(decision)])
        }
        let again = isDue
        isDue = false
        return [.order(.goOn)] + (again ? due() : [])
    }

    private mutating func stop(_ cause: StopCause) -> [Action] {
        phase = .stopping(cause)
        return [.order(.terminate), .awaitGrace]
    }

    // MARK: After it

    private mutating func cellEnded(_ result: Result<CellEnding, CellError>) -> [Action] {
        if case .stopping(let cause) = phase {
            report.ending = .stopped(cause, try? result.get())
            return finish(cause == .timeOver ? .timedOut : .blocked)
        }
        switch result {
        case .success(.unheard) where !Mutant.unheard.isOff:
            report.ending = .stopped(.unheard, .unheard)
            return finish(.blocked)
        case .success(let ending):
            report.ending = .ended(ending)
            return finish(ending == .exited(0) ? .executed : .failed)
        case .failure(let error):
            report.ending = .noCell(error)
            return finish(.failed)
        }
    }

    private mutating func finish(_ outcome: ExecutionOutcome) -> [Action] {
        phase = .finishing(outcome)
        return [.registerFinish(outcome)]
    }

    private mutating func finished(
        _ outcome: ExecutionOutcome, _ result: Result<RegisteredStatement, GateError>
    ) -> [Action] {
        // "executed" is refused of what is contained: it ended before the containment reached it.
        if outcome == .executed, !Mutant.finishBlocked.isOff, case .failure(.logRefused) = result {
            return finish(.blocked)
        }
        report.outcome = outcome
        report.finish = result
        phase = .ended
        return []
    }

    private mutating func end(_ ending: SupervisionReport.Ending) -> [Action] {
        report.ending = ending
        phase = .ended
        return []
    }
}

/// Why a command that ran was stopped.
public enum StopCause: Sendable, Hashable {
    /// A check did not pass any more.
    case decision(Decision)
    /// The time that it might take was over.
    case timeOver
    /// Its cell heard of no check for too long, and ended it.
    case unheard
}

extension GateError {
    /// Whether a statement may be on record although this came back.
    var leavesOpen: Bool {
        switch self {
        case .unreachable, .notVerified, .ended: true
        case .refused, .notAdmitted, .logRefused, .stream: false
        }
    }
}
