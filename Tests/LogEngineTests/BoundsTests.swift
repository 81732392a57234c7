import Governance
import LogEngine
import LogStore
import Testing
import Tlog

/// Invariant 6: whatever clients send, what the log holds for them is bounded, and past a bound they are told.
@Suite("6: bounds", .timeLimit(.minutes(1)))
struct BoundsTests {
    /// A log whose writer waits in its first commit, with one statement in it.
    private func busyLog(_ options: EngineOptions) async throws -> (TestDomain, Log, Gate, Task<Void, Never>) {
        let domain = try TestDomain()
        let gate = Gate(shut: false)
        let store = TestStore()
        let log = try domain.log(store: store, options: options)
        gate.close()
        store.set { $0.beforeCommit = { gate.pass() } }
        let statement = try domain.evidence(0)
        let first = Task { _ = await log.submit(statement) }
        try await gate.waitForArrival()
        return (domain, log, gate, first)
    }

    @Test("6: more statements in flight than the limit are refused with a time to wait, and what is in flight is kept")
    func inFlight() async throws {
        var options = EngineOptions()
        options.maxInFlight = 3
        let (domain, log, gate, first) = try await busyLog(options)
        let two = try (1...2).map { try domain.evidence($0) }
        async let queued = log.submit(two)
        try await eventually { log.metrics.inFlight == 3 }
        let rejection = await log.submit(try domain.evidence(3)).failure
        #expect(rejection?.code == .overloaded)
        #expect(rejection?.retryAfter == 1)
        gate.release()
        await first.value
        #expect(await queued.allSatisfy { $0.failure == nil })
        #expect(log.metrics.inFlight == 0)
        _ = try await log.submit(try domain.evidence(3)).get()
        await log.shutdown()
    }

    @Test("6: more bytes in flight than the limit are refused")
    func bytesInFlight() async throws {
        var options = EngineOptions()
        options.maxInFlightBytes = 100
        let domain = try TestDomain()
        let log = try domain.log(options: options)
        #expect(await log.submit(try domain.evidence(1)).failure?.code == .overloaded)
        await log.shutdown()
    }

    @Test("6: more statements in one submission than the limit are refused, all of them")
    func submissionLength() async throws {
        var options = EngineOptions()
        options.maxSubmission = 2
        let domain = try TestDomain()
        let log = try domain.log(options: options)
        let results = await log.submit(try (1...3).map { try domain.evidence($0) })
        #expect(results.count == 3)
        #expect(results.allSatisfy { $0.failure?.code == .tooLarge })
        #expect(log.published.size == 2)
        await log.shutdown()
    }

    @Test("6: a statement whose turn does not come before its deadline is not registered")
    func deadlineInQueue() async throws {
        let (domain, log, gate, first) = try await busyLog(EngineOptions())
        let statement = try domain.evidence(1)
        let rejection = await log.submit(statement, timeout: .milliseconds(50)).failure
        #expect(rejection?.code == .overloaded)
        gate.release()
        await first.value
        #expect(try log.registration(leafHash: Hash.leaf(statement)) == nil)
        #expect(log.published.size == 4)
        await log.shutdown()
    }

    @Test("6: a caller whose deadline passes while the log writes is told so, and the statement is kept")
    func deadlineInBatch() async throws {
        let domain = try TestDomain()
        let gate = Gate(shut: false)
        let store = TestStore()
        let log = try domain.log(store: store)
        gate.close()
        store.set { $0.beforeCommit = { gate.pass() } }
        let statement = try domain.evidence(1)
        #expect(await log.submit(statement, timeout: .milliseconds(50)).failure?.code == .timedOut)
        gate.release()
        let again = try await log.submit(statement).get()
        #expect(again.duplicate && again.index == 2)
        await log.shutdown()
    }

    @Test("6: an issuer that is faster than the policy allows waits; nobody else does, and forgeries cost it nothing")
    func rate() async throws {
        let domain = try TestDomain(
            rates: PolicyRates(perIssuer: Rate(perSecond: 1, burst: 2)))
        let log = try domain.log()
        for number in 0..<5 {
            let forged = try Self.forge(try domain.evidence(number))
            #expect(await log.submit(forged).failure?.code == .badSignature)
        }
        let results = await log.submit(try (1...3).map { try domain.evidence($0) })
        #expect(results.map { $0.failure?.code } == [nil, nil, .rateLimited])
        #expect(results[2].failure?.retryAfter == 1)
        var other = StreamAuthor(
            issuer: domain.otherIssuer, key: domain.otherKey, stream: "a", clock: domain.clock)
        _ = try await log.submit(try other.next()).get()

        #expect(try await log.submit(try domain.evidence(1)).get().duplicate, "a retry costs nothing")
        domain.clock.advance(by: 1000)
        _ = try await log.submit(try domain.evidence(3)).get()
        #expect(await log.submit(try domain.evidence(4)).failure?.code == .rateLimited)
        await log.shutdown()
    }

    @Test("6: statements of several issuers in one submission are charged to each, whatever order they come in")
    func rateOfSeveral() async throws {
        let domain = try TestDomain(rates: PolicyRates(perIssuer: Rate(perSecond: 1, burst: 2)))
        let log = try domain.log()
        var other = StreamAuthor(issuer: domain.otherIssuer, key: domain.otherKey, stream: "a", clock: domain.clock)
        let forged = try Self.forge(try domain.evidence(0))
        let statements = [
            try domain.evidence(1), try other.next(), forged, try other.next(), try domain.evidence(2),
            try domain.evidence(3), try domain.evidence(4), try other.next(),
        ]
        let results = await log.submit(statements)
        let expected: [RejectionCode?] = [nil, nil, .badSignature, nil, nil, .rateLimited, .rateLimited, .rateLimited]
        #expect(results.map { $0.failure?.code } == expected)
        await log.shutdown()
    }

    @Test("6: a batch has at most as many statements as the policy allows")
    func policyBatch() async throws {
        let domain = try TestDomain(limits: PolicyLimits(maxBatch: 2))
        let log = try domain.log()
        let results = await log.submit(try (1...3).map { try domain.evidence($0) })
        #expect(results.map { $0.failure?.code } == [nil, nil, .overloaded])
        await withTaskGroup(of: Void.self) { group in
            for number in 4..<40 {
                group.addTask { #expect(await log.submit((try? domain.evidence(number)) ?? []).failure == nil) }
            }
        }
        #expect(try replay(log).size == log.published.size)
        await log.shutdown()
    }

    static func forge(_ statement: [UInt8]) throws -> [UInt8] {
        var forged = statement
        forged[forged.count - 40] ^= 1
        return forged
    }
}
