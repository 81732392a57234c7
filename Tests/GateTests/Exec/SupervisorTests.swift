import COSE
import Foundation
import Gate
import Governance
import Synchronization
import Testing
import Tlog

/// The supervisor with a decision point and a cell that do what the test says.
@Suite("Supervision of a command", .timeLimit(.minutes(1)))
struct SupervisorTests {
    /// Waits that end only when the test is over; those of the lengths in `passing` end at once, once.
    private final class Waits: Sendable {
        private let passing: Mutex<[Duration]>
        init(_ passing: [Duration] = []) { self.passing = Mutex(passing) }

        func wait(_ length: Duration) async throws {
            let passes = passing.withLock { passing in
                guard let index = passing.firstIndex(of: length) else { return false }
                passing.remove(at: index)
                return true
            }
            if !passes { try await Task.sleep(for: .seconds(3600)) }
        }
    }

    private func supervisor(
        _ point: ToldPoint, _ cell: ToldCell, waits: Waits = Waits(), timeLimit: Duration? = nil
    ) throws -> Supervisor<ToldPoint> {
        let task = SupervisedTask(
            request: Fixture.request, execution: Fixture.execution, runtime: try Fixture.signer,
            input: SupervisedTask.input(command: ["true"]), timeLimit: timeLimit)
        return Supervisor(
            point, task: task, confine: { _ in cell }, output: { _, _ in }, sleep: { try await waits.wait($0) },
            now: { 1_000 })
    }

    private let noSignals = AsyncStream<Int32> { _ in }

    @Test("what a run registers, in order, and the digests of what it reports")
    func wholeRun() async throws {
        let (point, cell) = (ToldPoint(), ToldCell(writes: Array("hello".utf8)))
        cell.ending.yield(.exited(0))
        let run = await (try supervisor(point, cell)).run(signals: noSignals)
        let registered = point.memory.withLock { $0.registered }
        #expect(
            registered.map(\.type)
                == ["telemetry.digest", "runtime.heartbeat", "execution.start", "execution.finish"])
        let start = try ExecutionStart(registered[2].data)
        #expect(start.input == Hash.sha256(run.input.encoded()))
        #expect(start.permission == Fixture.permit.permission)
        let finish = try ExecutionFinish(registered[3].data)
        #expect(finish.outcome == .executed)
        #expect(finish.output == Hash.sha256(run.result.encoded()))
        let hello = Hash.sha256(Array("hello".utf8))
        let nothing = Hash.sha256([])
        #expect(
            run.result == [
                "output": [
                    "stdout": ["bytes": 5, "sha256": .bytes(hello.bytes)],
                    "stderr": ["bytes": 0, "sha256": .bytes(nothing.bytes)],
                ], "status": 0,
            ])
        #expect(run.report.status == 0)
    }

    @Test("no permit: no start, no command")
    func noPermit() async throws {
        let (point, cell) = (ToldPoint(), ToldCell())
        point.memory.withLock { $0.permit = .failure(.refused(Fixture.failed, recorded: Fixture.statement)) }
        let run = await (try supervisor(point, cell)).run(signals: noSignals)
        #expect(point.memory.withLock { $0.registered.map(\.type) } == ["telemetry.digest", "runtime.heartbeat"])
        #expect(point.memory.withLock { $0.contained.count } == 1)
        #expect(run.report.status == 125)
        #expect(run.report.cellEnding == nil)
    }

    @Test("a start that is refused: no command")
    func noStart() async throws {
        let (point, cell) = (ToldPoint(), ToldCell())
        point.memory.withLock { $0.refusals["execution.start"] = .logRefused(code: "revoked", detail: "") }
        let run = await (try supervisor(point, cell)).run(signals: noSignals)
        #expect(run.report.ending == .notStarted(.logRefused(code: "revoked", detail: "")))
        #expect(!point.memory.withLock { $0.registered.map(\.type) }.contains("execution.finish"))
    }

    @Test("a check that fails at a new head: TERM, then KILL after the grace, contained, finished as blocked")
    func containedWhileItRuns() async throws {
        let (point, cell) = (ToldPoint(), ToldCell(endsOn: [.kill]))
        let supervisor = try supervisor(point, cell, waits: Waits([.milliseconds(Int64(PolicyBounds().grace))]))
        async let running = supervisor.run(signals: noSignals)
        for await _ in cell.started { break }
        point.memory.withLock { $0.outcome = .failed(.governanceMismatch) }
        point.show()
        let run = await running
        #expect(cell.orders.withLock { $0 } == [.terminate, .kill])
        #expect(point.memory.withLock { $0.contained.map(\.reason) } == [.governanceMismatch])
        #expect(run.report.outcome == .blocked)
        #expect(run.report.status == 124)
    }

    @Test("a command that ends when it is asked to is not killed")
    func endsInGrace() async throws {
        let (point, cell) = (ToldPoint(), ToldCell(endsOn: [.terminate]))
        let supervisor = try supervisor(point, cell)
        async let running = supervisor.run(signals: noSignals)
        for await _ in cell.started { break }
        point.memory.withLock { $0.outcome = .notEvaluable }
        point.show()
        #expect(await running.report.outcome == .blocked)
        #expect(cell.orders.withLock { $0 } == [.terminate])
    }

    @Test("the recheck interval is a check without a head")
    func recheck() async throws {
        let (point, cell) = (ToldPoint(), ToldCell(endsOn: [.terminate]))
        let started = Mutex(false)
        let task = SupervisedTask(
            request: Fixture.request, execution: Fixture.execution, runtime: try Fixture.signer,
            input: SupervisedTask.input(command: ["true"]))
        let recheck = Duration.milliseconds(Int64(PolicyBounds().recheck))
        let supervisor = Supervisor(
            point, task: task, confine: { _ in cell }, output: { _, _ in },
            observe: { _, phase in
                guard phase == .running, !started.withLock({ $0 }) else { return }
                started.withLock { $0 = true }
                point.memory.withLock { $0.outcome = .notEvaluable }
            },
            sleep: { length in
                guard length == recheck else { return try await Task.sleep(for: .seconds(3600)) }
                await Task.yield()
                try Task.checkCancellation()
            }, now: { 1_000 })
        let run = await supervisor.run(signals: noSignals)
        #expect(run.report.outcome == .blocked)
    }

    @Test("time over is timed-out")
    func timeOver() async throws {
        let (point, cell) = (ToldPoint(), ToldCell(endsOn: [.terminate]))
        let run = await (try supervisor(point, cell, waits: Waits([.seconds(77)]), timeLimit: .seconds(77))).run(
            signals: noSignals)
        #expect(run.report.outcome == .timedOut)
    }

    @Test("telemetry names the digest before it; somebody else's under the runtime's name is found, not gone on from")
    func telemetry() async throws {
        let (point, cell) = (ToldPoint(), ToldCell(endsOn: [.terminate]))
        let before = TelemetryRecord(index: 0, digest: Hash.sha256([9]), until: 900)
        point.memory.withLock { $0.telemetry = before }
        let supervisor = try supervisor(point, cell)
        async let running = supervisor.run(signals: noSignals)
        for await _ in cell.started { break }
        let first = try #require(point.memory.withLock { $0.registered.first })
        let sent = try TelemetryDigest(first.data)
        #expect(sent.previous == before.digest)
        #expect(sent.from == 901 && sent.until == 1_000)
        // Every check says what was sent.
        #expect(point.memory.withLock { $0.asked.last?.telemetry } == sent.digest)
        point.memory.withLock { $0.telemetry = before }
        point.show()
        let run = await running
        #expect(run.report.outcome == .blocked)
        #expect(point.memory.withLock { $0.contained.first?.reason } == .telemetryInconsistent)
    }

    @Test("telemetry that an earlier run signed and did not send goes first: this run goes on from it")
    func owedTelemetry() async throws {
        let (point, cell) = (ToldPoint(), ToldCell(endsOn: [.terminate]))
        let owed = TelemetryRecord(index: 1, digest: Hash.sha256([8]), until: 900)
        point.memory.withLock { memory in
            memory.telemetry = TelemetryRecord(index: 0, digest: Hash.sha256([9]), until: 800)
            memory.owed = owed
        }
        cell.ending.yield(.exited(0))
        let run = await (try supervisor(point, cell)).run(signals: noSignals)
        let first = try #require(point.memory.withLock { $0.registered.first })
        #expect(try TelemetryDigest(first.data).previous == owed.digest)
        #expect(run.report.status == 0)
    }

    @Test("telemetry that somebody else sent is not covered up by the next of this run's own")
    func foreignTelemetry() async throws {
        let (point, cell) = (ToldPoint(), ToldCell(endsOn: [.terminate]))
        let turns = Mutex(0)
        let task = SupervisedTask(
            request: Fixture.request, execution: Fixture.execution, runtime: try Fixture.signer,
            input: SupervisedTask.input(command: ["true"]), interval: .seconds(5))
        let supervisor = Supervisor(
            point, task: task, confine: { _ in cell }, output: { _, _ in },
            sleep: { length in
                guard length == .seconds(5) else { return try await Task.sleep(for: .seconds(3600)) }
                let turn = turns.withLock { turns in
                    turns += 1
                    return turns
                }
                switch turn {
                case 1:
                    let foreign = TelemetryRecord(index: 7, digest: Hash.sha256([7]), until: 950)
                    point.memory.withLock { $0.telemetry = foreign }
                case 2:
                    let asked = point.memory.withLock { $0.asked.count }
                    point.show()
                    // It is judged; if that passes the command ends by itself.
                    while point.memory.withLock({ $0.asked.count }) == asked {
                        try await Task.sleep(for: .milliseconds(10))
                    }
                    try await Task.sleep(for: .seconds(2))
                    cell.ending.yield(.exited(0))
                default: try await Task.sleep(for: .seconds(3600))
                }
            }, now: { 1_000 })
        let run = await supervisor.run(signals: noSignals)
        #expect(run.report.outcome == .blocked)
        #expect(point.memory.withLock { $0.contained.map(\.reason) } == [.telemetryInconsistent])
        #expect(point.memory.withLock { $0.registered.filter { $0.type == "telemetry.digest" }.count } == 1)
    }

    @Test("while telemetry is on its way, the reason is what the log's own newest is found to be")
    func lostTelemetry() async throws {
        let (point, cell) = (ToldPoint(), ToldCell(endsOn: [.terminate]))
        let turns = Mutex(0)
        let task = SupervisedTask(
            request: Fixture.request, execution: Fixture.execution, runtime: try Fixture.signer,
            input: SupervisedTask.input(command: ["true"]), interval: .seconds(5))
        let supervisor = Supervisor(
            point, task: task, confine: { _ in cell }, output: { _, _ in },
            sleep: { length in
                guard length == .seconds(5) else { return try await Task.sleep(for: .seconds(3600)) }
                let turn = turns.withLock { turns in
                    turns += 1
                    return turns
                }
                switch turn {
                case 1: point.memory.withLock { $0.refusals["telemetry.digest"] = .unreachable("lost") }
                case 2:
                    point.memory.withLock { $0.outcome = .failed(.synchronizationInterrupted) }
                    point.show()
                    fallthrough
                default: try await Task.sleep(for: .seconds(3600))
                }
            }, now: { 1_000 })
        let run = await supervisor.run(signals: noSignals)
        #expect(run.report.outcome == .blocked)
        #expect(point.memory.withLock { Set($0.asked.suffix(2).map(\.telemetry)).count } == 2, "both were asked about")
        #expect(point.memory.withLock { $0.contained.map(\.reason) } == [.synchronizationInterrupted])
    }

    @Test("an execution is in the book before its start is sent, until its end is on record")
    func book() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "holdfast-book-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let book = try ExecutionBook(directory: directory)
        func ran(_ change: (inout ToldPoint.Memory) -> Void, atStart: @escaping @Sendable () -> Void = {}) async throws
        {
            let (point, cell) = (ToldPoint(), ToldCell())
            point.memory.withLock { change(&$0) }
            cell.ending.yield(.exited(0))
            let task = SupervisedTask(
                request: Fixture.request, execution: Fixture.execution, runtime: try Fixture.signer,
                input: SupervisedTask.input(command: ["true"]))
            let supervisor = Supervisor(
                point, task: task, book: book, confine: { _ in cell }, output: { _, _ in },
                observe: { _, phase in if case .checking = phase { atStart() } },
                sleep: { if $0 != .seconds(2) { try await Task.sleep(for: .seconds(3600)) } }, now: { 1_000 })
            _ = await supervisor.run(signals: noSignals)
        }
        let open = [ExecutionBook.Open(execution: Fixture.execution, runtime: Fixture.runtime)]
        let seen = Mutex<[ExecutionBook.Open]>([])
        try await ran({ _ in }, atStart: { seen.withLock { $0 = (try? book.left()) ?? [] } })
        #expect(seen.withLock { $0 } == open)
        #expect(try book.left().isEmpty)
        // Refused for good: there is nothing to end. Not known: there may be.
        try await ran({ $0.refusals["execution.start"] = .logRefused(code: "expired", detail: "") })
        #expect(try book.left().isEmpty)
        try await ran({ $0.refusals["execution.finish"] = .unreachable("down") })
        #expect(try book.left() == open)
        // The next run ends it; not while the log is away, and not twice.
        let point = ToldPoint()
        point.memory.withLock { $0.refusals["execution.finish"] = .unreachable("down") }
        await #expect(throws: GateError.self) {
            _ = try await book.settle(open[0], through: point, as: try Fixture.signer)
        }
        #expect(try book.left() == open)
        point.memory.withLock { $0.refusals = [:] }
        #expect(try await book.settle(open[0], through: point, as: try Fixture.signer) != nil)
        let finish = try #require(point.memory.withLock { $0.registered.last })
        #expect(try ExecutionFinish(finish.data).outcome == .blocked)
        #expect(try book.left().isEmpty)
        try Data([1]).write(to: URL(filePath: directory + "/00.execution"))
        #expect(throws: GateOpeningError.self) { try book.left() }
    }

    @Test("a log that does not answer is told the end again")
    func finishAgain() async throws {
        let (point, cell) = (ToldPoint(), ToldCell())
        point.memory.withLock { $0.refusals["execution.finish"] = .unreachable("down") }
        cell.ending.yield(.exited(0))
        let waits = Mutex(0)
        let task = SupervisedTask(
            request: Fixture.request, execution: Fixture.execution, runtime: try Fixture.signer,
            input: SupervisedTask.input(command: ["true"]))
        let supervisor = Supervisor(
            point, task: task, confine: { _ in cell }, output: { _, _ in },
            sleep: { length in
                guard length == .seconds(2) else { return try await Task.sleep(for: .seconds(3600)) }
                let again = waits.withLock {
                    $0 += 1
                    return $0 == 2
                }
                if again { point.memory.withLock { $0.refusals = [:] } }
            }, now: { 1_000 })
        let run = await supervisor.run(signals: noSignals)
        #expect(run.report.status == 0)
        #expect(point.memory.withLock { $0.registered.last?.type } == "execution.finish")
    }
}
