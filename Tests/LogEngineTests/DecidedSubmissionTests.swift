import Governance
import LMDBLogStore
import LogEngine
import LogStore
import Synchronization
import Testing
import Tlog

/// Statements submitted without a task each, as event loops do it.
@Suite("Submissions by callback", .timeLimit(.minutes(1)))
struct DecidedSubmissionTests {
    /// What was called back with, in its order.
    private final class Desk: Sendable {
        private let decided = Mutex<[DecidedSubmission]>([])

        var count: Int { decided.withLock { $0.count } }

        func take(_ submission: DecidedSubmission) {
            decided.withLock { $0.append(submission) }
        }

        func takeAll() -> [DecidedSubmission] {
            decided.withLock { decided in
                defer { decided = [] }
                return decided
            }
        }
    }

    @Test("what several batches decided is answered at once, each statement under the head of its own batch")
    func severalHeads() async throws {
        let domain = try TestDomain()
        let log = try domain.log()
        let desk = Desk()
        let statements = try (0..<7).map { try domain.evidence($0) }
        for (number, statement) in statements.enumerated() {
            log.submit(statement, decided: desk.take)
            try await eventually { desk.count == number + 1 }
        }
        // Not in the order of the heads.
        let order = [3, 0, 6, 1, 5, 2, 4]
        let decided = desk.takeAll()
        let results = log.registrations(order.map { decided[$0] })
        for (number, results) in zip(order, results) {
            let registration = try #require(results.first).get()
            #expect(results.count == 1)
            #expect(!registration.duplicate)
            #expect(registration.head.size == UInt64(2 + 2 * (number + 1)))
            try domain.verify(registration, of: statements[number])
        }
        #expect(log.metrics.accepted == 7)
        #expect(log.metrics.inFlight == 0)
        await log.shutdown()
    }

    @Test("what is refused before the writer, and what is known, is called back at once, on the same thread")
    func withoutWriter() async throws {
        var options = EngineOptions()
        options.maxInFlightBytes = 1000
        let domain = try TestDomain()
        let log = try domain.log(options: options)
        let known = try domain.evidence(1)
        let registered = try await log.submit(known).get()
        let desk = Desk()
        log.submit([0xff], decided: desk.take)
        log.submit(try domain.evidence(2, key: .generate()), decided: desk.take)
        log.submit(known, decided: desk.take)
        log.submit(Array(repeating: 0, count: 1001), decided: desk.take)
        try #require(desk.count == 4)
        let results = log.registrations(desk.takeAll()).map { $0[0] }
        #expect(results.map { $0.failure?.code } == [.malformed, .unknownIssuer, nil, .overloaded])
        let again = try results[2].get()
        #expect(again.duplicate && again.index == registered.index)
        try domain.verify(again, of: known)
        #expect(log.metrics.rejections == [.malformed: 1, .unknownIssuer: 1, .overloaded: 1])
        await log.shutdown()
    }

    @Test("a submission takes its room until it is answered, and the log waits for that before it ends")
    func roomUntilAnswered() async throws {
        let domain = try TestDomain()
        let store = TestStore()
        let log = try domain.log(store: store)
        let desk = Desk()
        let statement = try domain.evidence(1)
        log.submit(statement, decided: desk.take)
        try await eventually { desk.count == 1 }
        #expect(log.metrics.inFlight == 1)
        let end = Task { await log.shutdown() }
        try await eventually { log.status == .draining }
        // Longer than a writer with nothing to wait for takes to end.
        try await Task.sleep(for: .milliseconds(100))
        #expect(store.closed == 0)
        try domain.verify(try #require(log.registrations(desk.takeAll()).first?.first).get(), of: statement)
        await end.value
        #expect(store.closed > 0)
        #expect(log.metrics.inFlight == 0)
    }

    @Test("a statement whose time is up is called back, and not a second time when the writer is done")
    func deadline() async throws {
        let domain = try TestDomain()
        let gate = Gate(shut: false)
        let store = TestStore()
        let log = try domain.log(store: store)
        gate.close()
        store.set { $0.beforeCommit = { gate.pass() } }
        let desk = Desk()
        let statement = try domain.evidence(1)
        log.submit(statement, timeout: .milliseconds(50), decided: desk.take)
        try await eventually { desk.count == 1 }
        #expect(log.registrations(desk.takeAll())[0][0].failure?.code == .timedOut)
        gate.release()
        // The next one comes after it through the same writer.
        #expect(try await log.submit(statement).get().duplicate)
        #expect(desk.count == 0)
        #expect(log.metrics.inFlight == 0)
        await log.shutdown()
    }

    @Test("a copy of a statement whose batch is being committed gets its index, on a store that knows what it may have")
    func copyInTheNextBatch() async throws {
        let scratch = try Scratch()
        let domain = try TestDomain()
        let gate = Gate(shut: false)
        let store = TestStore(try LMDBLogStore(directory: scratch.file("log")))
        let log = try domain.log(store: store)
        gate.close()
        store.set { $0.beforeCommit = { gate.pass() } }
        let desk = Desk()
        let statement = try domain.evidence(1)
        log.submit(statement, decided: desk.take)
        try await gate.waitForArrival()
        // Verified before the commit, decided on after it.
        log.submit(try domain.evidence(2), decided: desk.take)
        log.submit(statement, decided: desk.take)
        gate.release()
        try await eventually { desk.count == 3 }
        let registrations = try log.registrations(desk.takeAll()).map { try $0[0].get() }
        #expect(registrations.map(\.index) == [2, 4, 2])
        #expect(registrations.map(\.duplicate) == [false, false, true])
        await log.shutdown()
    }

    @Test("of a long submission each statement gets its own answer, whatever the others are")
    func mixed() async throws {
        let domain = try TestDomain()
        let log = try domain.log()
        let known = try domain.evidence(1000)
        _ = try await log.submit(known).get()
        let stranger = Ed25519.SigningKey.generate()
        let statements: [[UInt8]] = try (0..<150).map { number in
            switch number % 7 {
            case 2: [UInt8(number)]
            case 3: known
            case 5: try domain.evidence(number, key: stranger)
            default: try domain.evidence(number)
            }
        }
        let results = await log.submit(statements)
        try #require(results.count == statements.count)
        for (number, result) in results.enumerated() {
            switch number % 7 {
            case 2: #expect(result.failure?.code == .malformed)
            case 3: #expect(try result.get().duplicate)
            case 5: #expect(result.failure?.code == .unknownIssuer)
            default: try domain.verify(result.get(), of: statements[number])
            }
        }
        await log.shutdown()
    }
}
