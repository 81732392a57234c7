import Gate
import Governance
import Testing
import Tlog

/// "A permit or start that fails means that the command was never started", and the order of everything else.
@Suite("The steps of a supervised execution")
struct SupervisionTests {
    private let permit = Fixture.permit
    private let statement = Fixture.statement

    /// A supervision that has come as far as the command's running.
    private func running() -> Supervision {
        var machine = Supervision()
        _ = machine.handle(.begin)
        _ = machine.handle(.announced)
        _ = machine.handle(.asked(.success(permit)))
        _ = machine.handle(.startRegistered(.success(statement)))
        #expect(machine.handle(.judged(Fixture.passed)) == [.launch])
        return machine
    }

    @Test("announce, ask, start, check, launch, finish: each only after the one before")
    func order() {
        var machine = Supervision()
        #expect(machine.handle(.begin) == [.announce])
        #expect(machine.handle(.announced) == [.ask])
        #expect(machine.handle(.asked(.success(permit))) == [.registerStart(permit)])
        #expect(machine.handle(.startRegistered(.success(statement))) == [.judge])
        #expect(machine.handle(.judged(Fixture.passed)) == [.launch])
        #expect(machine.handle(.cellEnded(.success(.exited(0)))) == [.registerFinish(.executed)])
        #expect(machine.handle(.finishRegistered(.success(statement))) == [])
        #expect(machine.phase == .ended)
        #expect(machine.report.status == 0)
        #expect(machine.report.outcome == .executed)
    }

    @Test("a cell that heard nothing for too long: the command was stopped, and did not end by itself")
    func unheard() {
        var machine = running()
        #expect(machine.handle(.cellEnded(.success(.unheard))) == [.registerFinish(.blocked)])
        #expect(machine.report.ending == .stopped(.unheard, .unheard))
        _ = machine.handle(.finishRegistered(.success(statement)))
        #expect(machine.report.outcome == .blocked)
        #expect(machine.report.status == 124)
    }

    @Test("a refused permit: nothing is started, and what it demands to contain is contained")
    func refused() {
        var machine = Supervision()
        _ = machine.handle(.begin)
        _ = machine.handle(.announced)
        let refusal = GateError.refused(Fixture.failed, recorded: nil)
        #expect(machine.handle(.asked(.failure(refusal))) == [.contain(Fixture.failed)])
        #expect(machine.phase == .ended)
        #expect(machine.report.ending == .notPermitted(refusal))
        #expect(machine.report.status == 125)
    }

    @Test("a start that the log refuses: nothing is started, nothing is finished")
    func startRefused() {
        var machine = Supervision()
        for event in [Supervision.Event.begin, .announced, .asked(.success(permit))] { _ = machine.handle(event) }
        let refusal = GateError.logRefused(code: "permit-used", detail: "")
        #expect(machine.handle(.startRegistered(.failure(refusal))) == [])
        #expect(machine.phase == .ended)
        #expect(machine.report.status == 125)
    }

    @Test("a start that may be on record or not: nothing is started, and the log is told that it was blocked")
    func startUnknown() {
        var machine = Supervision()
        for event in [Supervision.Event.begin, .announced, .asked(.success(permit))] { _ = machine.handle(event) }
        #expect(machine.handle(.startRegistered(.failure(.unreachable("gone")))) == [.registerFinish(.blocked)])
        #expect(machine.handle(.finishRegistered(.failure(.unreachable("gone")))) == [])
        #expect(machine.report.ending == .notStarted(.unreachable("gone")))
        #expect(machine.report.status == 125)
    }

    @Test("revoked between start and launch: the command is never started, the execution is finished as blocked")
    func revokedBeforeLaunch() {
        var machine = Supervision()
        for event in [Supervision.Event.begin, .announced, .asked(.success(permit))] { _ = machine.handle(event) }
        _ = machine.handle(.startRegistered(.success(statement)))
        #expect(machine.handle(.judged(Fixture.failed)) == [.contain(Fixture.failed), .registerFinish(.blocked)])
        _ = machine.handle(.finishRegistered(.success(statement)))
        #expect(machine.report.ending == .notBegun(Fixture.failed))
        #expect(machine.report.status == 125)
    }

    @Test("while it runs each head is a check; those that come during one make one more")
    func checks() {
        var machine = running()
        #expect(machine.handle(.due) == [.judge])
        #expect(machine.handle(.due) == [])
        #expect(machine.handle(.due) == [])
        #expect(machine.handle(.judged(Fixture.passed)) == [.order(.goOn), .judge])
        #expect(machine.handle(.judged(Fixture.passed)) == [.order(.goOn)])
        #expect(machine.report.checks == 2)
    }

    @Test("a check that fails: TERM at once, KILL after the grace, containment, and the end as blocked")
    func contained() {
        var machine = running()
        _ = machine.handle(.due)
        #expect(
            machine.handle(.judged(Fixture.failed))
                == [.order(.terminate), .awaitGrace, .contain(Fixture.failed)])
        // Whatever passes now does not bring it back.
        #expect(machine.handle(.due) == [])
        #expect(machine.handle(.judged(Fixture.passed)) == [])
        #expect(machine.handle(.graceOver) == [.order(.kill)])
        #expect(machine.handle(.cellEnded(.success(.killed))) == [.registerFinish(.blocked)])
        _ = machine.handle(.finishRegistered(.success(statement)))
        #expect(machine.report.ending == .stopped(.decision(Fixture.failed), .killed))
        #expect(machine.report.status == 124)
    }

    @Test("time over: stopped the same way, finished as timed-out")
    func timeOver() {
        var machine = running()
        #expect(machine.handle(.timeOver) == [.order(.terminate), .awaitGrace])
        #expect(machine.handle(.cellEnded(.success(.exited(143)))) == [.registerFinish(.timedOut)])
        _ = machine.handle(.finishRegistered(.success(statement)))
        #expect(machine.report.status == 124)
    }

    @Test("how it ends: 0 is executed, another status or no cell is failed; the command's status is passed on")
    func endings() {
        var machine = running()
        #expect(machine.handle(.cellEnded(.success(.exited(3)))) == [.registerFinish(.failed)])
        _ = machine.handle(.finishRegistered(.success(statement)))
        #expect(machine.report.status == 3)
        machine = running()
        #expect(machine.handle(.cellEnded(.failure(.noUnshare))) == [.registerFinish(.failed)])
        _ = machine.handle(.finishRegistered(.success(statement)))
        #expect(machine.report.status == 125)
    }

    @Test("an end that is refused as executed, because it was contained meanwhile, is one that was blocked")
    func containedAtTheEnd() {
        var machine = running()
        _ = machine.handle(.cellEnded(.success(.exited(0))))
        let refusal = GateError.logRefused(code: "contained", detail: "")
        #expect(machine.handle(.finishRegistered(.failure(refusal))) == [.registerFinish(.blocked)])
        _ = machine.handle(.finishRegistered(.success(statement)))
        #expect(machine.report.outcome == .blocked)
    }

    @Test("an end that could not be put on record is a fault")
    func unrecorded() {
        var machine = running()
        _ = machine.handle(.cellEnded(.success(.exited(0))))
        _ = machine.handle(.finishRegistered(.failure(.unreachable("gone"))))
        #expect(machine.report.status == 125)
    }

    @Test("a signal goes to the command where there is one; before that the command is not started")
    func signals() {
        var machine = running()
        #expect(machine.handle(.signal(15)) == [.order(.signal(15))])
        machine = Supervision()
        for event in [Supervision.Event.begin, .announced] { _ = machine.handle(event) }
        #expect(machine.handle(.signal(2)) == [])
        #expect(machine.handle(.asked(.success(permit))) == [])
        #expect(machine.report.status == 130)
        machine = Supervision()
        for event in [Supervision.Event.begin, .announced, .asked(.success(permit)), .signal(15)] {
            _ = machine.handle(event)
        }
        #expect(machine.handle(.startRegistered(.success(statement))) == [.registerFinish(.failed)])
        machine = Supervision()
        let last = Supervision.Event.startRegistered(.success(statement))
        for event in [.begin, .announced, .asked(.success(permit)), last, .signal(15)] { _ = machine.handle(event) }
        #expect(machine.handle(.judged(Fixture.passed)) == [.registerFinish(.failed)])
    }

    @Test("a cell's orders are a byte each, and no other byte is one")
    func orders() {
        let orders: [CellOrder] = [.goOn, .terminate, .kill] + CellOrder.signals.map { .signal($0) }
        for order in orders { #expect(CellOrder(byte: order.byte) == order) }
        #expect(Set(orders.map(\.byte)).count == orders.count)
        let others = (0...255).compactMap { CellOrder(byte: UInt8($0)) }
        #expect(others.count == orders.count)
    }
}
