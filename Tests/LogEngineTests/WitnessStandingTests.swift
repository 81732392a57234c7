import LogStore
import Logging
import Synchronization
import Testing
import Tlog

@testable import LogEngine

/// A quorum hides a witness that is gone, until the next one is: the operator is told before.
@Suite("Silent witnesses", .timeLimit(.minutes(1)))
struct WitnessStandingTests {
    /// What a log says to its operator, from warnings and notices of witnesses.
    private final class Lines: Sendable {
        struct Handler: LogHandler {
            let lines: Lines
            var logLevel = Logger.Level.notice
            var metadata: Logger.Metadata = [:]

            subscript(metadataKey key: String) -> Logger.Metadata.Value? {
                get { metadata[key] }
                set { metadata[key] = newValue }
            }

            func log(event: LogEvent) {
                guard let witness = event.metadata?["witness"] else { return }
                lines.all.withLock { $0.append("\(event.level): \(event.message): \(witness)") }
            }
        }

        private let all = Mutex<[String]>([])

        var logger: Logger { Logger(label: "test") { _ in Handler(lines: self) } }
        var said: [String] { all.withLock { $0 } }
    }

    /// Witnesses 0 and 1 are the quorum.
    private func open(
        _ witnesses: FakeWitnesses, _ lines: Lines, change: (inout Witnessing) -> Void
    ) async throws -> (TestDomain, Log) {
        let domain = try TestDomain()
        let (store, anchor) = (TestStore(), MemoryAnchor())
        try domain.create(store, anchor)
        let log = try await domain.open(store, anchor, witnesses: witnesses, change: change, logger: lines.logger)
        return (domain, log)
    }

    private func failures(_ log: Log) -> UInt64 { log.metrics.cosigning?.failures["w2"] ?? 0 }

    /// Submits until something is so: a head that a newer one overtook was never sent to its witness.
    private func submit(_ domain: TestDomain, _ log: Log, from first: Int, until condition: () -> Bool) async throws {
        for number in first..<first + 1000 where !condition() {
            _ = try await log.submit(try domain.evidence(number)).get()
            try await Task.sleep(for: .milliseconds(2))
        }
        #expect(condition())
    }

    @Test(
        "one that is asked and does not cosign for long is named once, and when it is back",
        arguments: ["witness", "state witness"])
    func named(title: String) async throws {
        let (witnesses, lines) = (FakeWitnesses(3, quorum: 2), Lines())
        witnesses.set(2, .down)
        let (domain, log) = try await open(witnesses, lines) {
            ($0.silence, $0.stateWitnesses) = (.zero, title == "witness" ? [] : ["w2"])
        }
        let gone = "warning: a \(title) has not cosigned for long: w2"
        try await submit(domain, log, from: 0) { failures(log) > 3 && !lines.said.isEmpty }
        #expect(lines.said == [gone], "once")
        #expect(log.metrics.cosigning?.cosignedTimes["w2"] == 0)

        witnesses.set(2, .honest)
        _ = try await log.submit(try domain.evidence(1000)).get()
        try await eventually { lines.said.count > 1 }
        #expect(lines.said == [gone, "notice: a \(title) cosigns again: w2"])
        #expect(log.metrics.cosigning?.cosignedTimes["w2"] == domain.clock.now())

        witnesses.set(2, .down)
        try await submit(domain, log, from: 2000) { lines.said.count > 2 }
        #expect(lines.said.last == gone, "the next time is another one")
        await log.shutdown()
    }

    @Test("one that misses a few heads is not named")
    func patience() async throws {
        let (witnesses, lines) = (FakeWitnesses(3, quorum: 2), Lines())
        witnesses.set(2, .down)
        let (domain, log) = try await open(witnesses, lines) { $0.silence = .seconds(3600) }
        try await submit(domain, log, from: 0) { failures(log) > 3 }
        #expect(lines.said.isEmpty)
        await log.shutdown()
    }

    @Test("one whose time is up after the quorum, and after what is waited for then, is counted too")
    func hanging() async throws {
        let (witnesses, lines) = (FakeWitnesses(3, quorum: 2), Lines())
        let gate = AsyncGate()
        witnesses.set(2, .slow(gate))
        let (_, log) = try await open(witnesses, lines) {
            ($0.grace, $0.timeout) = (.milliseconds(1), .seconds(1))
        }
        try await eventually { failures(log) >= 1 }
        gate.open()
        await log.shutdown()
    }

    @Test("it is silent since it cosigned last; where that is long it is said once, at a failure that is not the first")
    func time() {
        let start = ContinuousClock.now
        var silence = WitnessSilence(since: start)
        var said: [Duration?] = []
        for seconds in [0, 59, 60, 61, 600] {
            said.append(silence.fail(at: start + .seconds(seconds), patience: .seconds(60)))
        }
        #expect(said == [nil, nil, .seconds(60), nil, nil])
        #expect(silence.isNamed)

        var quiet = WitnessSilence(since: start)
        #expect(quiet.fail(at: start + .seconds(3600), patience: .seconds(60)) == nil, "asked once in an hour")
        #expect(!quiet.isNamed)
        #expect(quiet.fail(at: start + .seconds(7200), patience: .seconds(60)) == .seconds(7200))
    }
}
