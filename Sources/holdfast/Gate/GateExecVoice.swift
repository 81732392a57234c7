import Foundation
import Gate
import Governance
import Tlog

/// What `gate exec` says on standard error while it works: a line for each step.
final class GateExecVoice: Sendable {
    private let quiet: Bool
    private let execution: ExecutionID

    init(quiet: Bool, execution: ExecutionID) {
        self.quiet = quiet
        self.execution = execution
    }

    func say(_ event: Supervision.Event, _ phase: Supervision.Phase) {
        switch event {
        case .asked(.success(let permit)):
            line("permitted: entry \(permit.index), under a head of size \(permit.head.size)")
        case .asked(.failure(let error)): wrong("not permitted, and not started: \(error)")
        case .startRegistered(.success(let start)): line("start on record: entry \(start.index)")
        case .startRegistered(.failure(let error)): wrong("no start on record, and not started: \(error)")
        case .judged(let decision) where !decision.permits:
            let failures = decision.failures.map { failure in
                "\(failure.check?.rawValue ?? "step \(failure.step.rawValue)"): \(failure.detail)"
            }
            wrong("contained (\(decision.reason?.rawValue ?? "")): \(failures.joined(separator: "; "))")
        case .timeOver: wrong("its time is over")
        case .graceOver: line("the grace is over: everything is killed")
        case .cellEnded(.success(.unheard)): wrong("stopped by its cell, which heard of no check for too long")
        case .cellEnded(.success(let ending)): line("the command ended with \(ending.status)")
        case .cellEnded(.failure(let error)): wrong("\(error)")
        case .finishRegistered(.success(let finish)): line("end on record: entry \(finish.index)")
        case .finishRegistered(.failure(let error)): wrong("the end is not on record: \(error)")
        default: return
        }
    }

    /// What an earlier run left has its end on record, or has none to put there.
    func settled(_ finish: RegisteredStatement?) {
        line(
            finish.map { "left by an earlier run: its end is on record, entry \($0.index)" }
                ?? "left by an earlier run: nothing of it runs on record")
    }

    func unsettled(_ error: GateError) {
        wrong("left by an earlier run: its end is not on record yet: \(error)")
    }

    func end(_ run: SupervisedRun) {
        for fault in Set(run.faults) { wrong("not registered: \(fault)") }
    }

    private func line(_ text: String) {
        if !quiet { wrong(text) }
    }

    private func wrong(_ text: String) {
        Terminal.errors.line("holdfast: \(Terminal.visible(execution.id)): \(Terminal.visible(text))")
    }
}

/// What `gate exec --report` writes; `spec/gate-exec.md` describes it.
enum GateExecReport {
    static func json(_ run: SupervisedRun, execution: ExecutionID) -> JSON {
        let report = run.report
        var members = [
            JSONMember("execution", .string(execution.id)), JSONMember("status", JSON(UInt64(report.status))),
            JSONMember("ending", .string(word(report.ending))), JSONMember("checks", JSON(UInt64(report.checks))),
            JSONMember("input", JSON(run.input)), JSONMember("result", JSON(run.result)),
        ]
        if let ending = report.cellEnding { members.append(JSONMember("commandStatus", JSON(UInt64(ending.status)))) }
        if let outcome = report.outcome { members.append(JSONMember("outcome", .string(outcome.rawValue))) }
        if let reason = reason(report.ending) { members.append(JSONMember("reason", .string(reason))) }
        if let permit = report.permit { members.append(entry("permit", permit.entry, permit.index)) }
        if let start = report.start { members.append(entry("start", start.entry, start.index)) }
        if case .success(let finish)? = report.finish { members.append(entry("finish", finish.entry, finish.index)) }
        return .object(members)
    }

    private static func entry(_ name: String, _ hash: Hash, _ index: UInt64) -> JSONMember {
        JSONMember(name, .object([JSONMember("entry", .string(hash.hex)), JSONMember("index", JSON(index))]))
    }

    private static func word(_ ending: SupervisionReport.Ending?) -> String {
        switch ending {
        case .notPermitted: "not-permitted"
        case .notStarted: "not-started"
        case .notBegun: "not-begun"
        case .interrupted: "interrupted"
        case .ended: "ended"
        case .stopped: "stopped"
        case .noCell: "no-cell"
        case nil: "unknown"
        }
    }

    private static func reason(_ ending: SupervisionReport.Ending?) -> String? {
        switch ending {
        case .notPermitted(.refused(let decision, _)), .notBegun(let decision), .stopped(.decision(let decision), _):
            decision.reason?.rawValue
        case .notPermitted(let error), .notStarted(let error): error.reason
        case .stopped(.timeOver, _): "time-over"
        case .stopped(.unheard, _): "unheard"
        case .noCell(let error): error.reason
        case .interrupted, .ended, nil: nil
        }
    }
}
