import Foundation
import Logging
import Synchronization
import Testing
import Tlog

@testable import Witness
@testable import WitnessServer

@Suite("Recording")
struct RecorderTests {
    @Test("\"the witness MUST update its record of the latest cosigned checkpoint\", with the log's and its own line")
    func record() async throws {
        let (scratch, log) = (try Scratch(), try TestLog(size: 9))
        let witness = try TestWitness(scratch)
        #expect(try witness.size(log) == nil)
        for (old, new) in [(0, 3), (3, 4), (4, 9), (9, 9)] {
            let cosigned = try #require(await witness.recorder.decide(try log.request(old, new)).cosigned)
            let latest = try #require(try witness.store.latest(OriginHash(log.origin)))
            #expect(latest == cosigned)
            #expect(latest.signed.checkpoint == (try log.checkpoint(new)))
            #expect(latest.signed.note.signatures.count == 2)
            try latest.signed.verify(logKey: log.verifierKey)
            #expect(try Cosignature.verify(latest.signed, key: witness.cosigner.verifierKey) == 1_700_000_000)
        }
    }

    @Test("a refusal changes nothing, whatever it is for")
    func refusals() async throws {
        let (scratch, log) = (try Scratch(), try TestLog(size: 20))
        let witness = try TestWitness(scratch)
        _ = await witness.recorder.decide(try log.request(0, 10))
        let before = try witness.store.latest(OriginHash(log.origin))
        let fork = log.fork()
        for (source, old, new) in [
            (log, 0, 10), (log, 5, 20), (log, 11, 20), (fork, 10, 10), (fork, 10, 20), (fork, 0, 20),
        ] {
            #expect(await witness.recorder.decide(try source.request(old, new)).refusal != nil, "\(old) to \(new)")
            #expect(try witness.store.latest(OriginHash(log.origin)) == before)
        }
    }

    @Test(
        "checking and persisting \"must be performed atomically\": of racing requests one wins, and the size never goes back"
    )
    func race() async throws {
        let (scratch, log) = (try Scratch(), try TestLog(size: 60))
        let witness = try TestWitness(scratch)
        _ = await witness.recorder.decide(try log.request(0, 10))
        let (recorder, store, origin) = (witness.recorder, witness.store, OriginHash(log.origin))
        let isDone = Mutex(false)
        let seen = Task.detached {
            var sizes: [UInt64] = []
            while !isDone.withLock({ $0 }) {
                if let size = try store.latest(origin)?.signed.checkpoint.size { sizes.append(size) }
                await Task.yield()
            }
            return sizes
        }
        var old = 10
        for _ in 0..<8 {
            // All from the recorded size, to five different ones; and some from sizes that were recorded before.
            var requests = try (0..<50).map { try log.request(old, old + 1 + $0 % 5) }
            requests += try (0..<min(10, old - 10)).map { try log.request(10 + $0, old + 1) }
            let verdicts = await withTaskGroup(of: Verdict.self) { group in
                for request in requests { group.addTask { await recorder.decide(request) } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            let won = verdicts.compactMap { $0.cosigned?.signed.checkpoint.size }
            #expect(won.count == 1)
            #expect(verdicts.count { if case .conflict = $0.refusal { true } else { false } } == requests.count - 1)
            old = Int(try #require(won.first))
            #expect(try witness.size(log) == UInt64(old))
        }
        isDone.withLock { $0 = true }
        let sizes = try await seen.value
        #expect(sizes == sizes.sorted())
    }

    @Test("logs don't get into each other's way: many at once, one sync for those that wait together")
    func manyLogs() async throws {
        let scratch = try Scratch()
        let witness = try TestWitness(scratch)
        let logs = try (0..<40).map { try TestLog("log.example/\($0)", size: 5) }
        let recorder = witness.recorder
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for log in logs {
                let request = try log.request(0, 5)
                group.addTask { await recorder.decide(request).cosigned != nil }
            }
            for try await isCosigned in group { #expect(isCosigned) }
        }
        for log in logs { #expect(try witness.size(log) == 5) }
    }

    @Test(
        "\"The witness MUST persist the new checkpoint before responding.\": the next opening goes on from it"
    )
    func restart() async throws {
        let (scratch, log) = (try Scratch(), try TestLog(size: 20))
        do {
            let witness = try TestWitness(scratch)
            #expect(await witness.recorder.decide(try log.request(0, 12)).cosigned != nil)
            #expect(throws: WitnessServerError.self) { try WitnessStore(directory: scratch.path + "/data") }
        }
        // The blocks of the queue that had the store are gone a moment after their answers.
        let witness = try await reopened(scratch)
        #expect(await witness.recorder.decide(try log.request(0, 20)).refusal == .conflict(old: 0, recorded: 12))
        #expect(await witness.recorder.decide(try log.request(12, 20)).cosigned != nil)
    }

    private func reopened(_ scratch: Scratch) async throws -> TestWitness {
        for _ in 0..<100 {
            if let witness = try? TestWitness(scratch) { return witness }
            try await Task.sleep(for: .milliseconds(10))
        }
        return try TestWitness(scratch)
    }

    @Test("without a clock nothing is cosigned or recorded; a clock that goes back does not take the time back")
    func clock() async throws {
        let (scratch, log) = (try Scratch(), try TestLog(size: 5))
        let clock = TestClock(0)
        let witness = try TestWitness(scratch, clock: clock)
        #expect(await witness.recorder.decide(try log.request(0, 1)).isFailure)
        #expect(try witness.size(log) == nil)
        clock.set(1000)
        #expect(await witness.recorder.decide(try log.request(0, 1)).cosigned?.seconds == 1000)
        clock.set(500)
        #expect(await witness.recorder.decide(try log.request(1, 2)).cosigned?.seconds == 1000)
        clock.set(1001)
        #expect(await witness.recorder.decide(try log.request(2, 3)).cosigned?.seconds == 1001)
    }

    @Test(
        "a rate for each log; what is refused costs nothing, and asking for the same tree again does not use up growth")
    func rates() async throws {
        let (scratch, log) = (try Scratch(), try TestLog(size: 30))
        let other = try TestLog("log.example/other", size: 3)
        let time = Mutex<UInt64>(0)
        let limiter = CosigningLimiter(
            growth: CosigningRate(perSecond: 0.5, burst: 3), refresh: CosigningRate(perSecond: 1, burst: 1),
            clock: { time.withLock { $0 } })
        let recorder = try TestWitness(scratch, limiter: limiter).recorder
        for _ in 0..<10 { #expect(await recorder.decide(try log.request(5, 6)).refusal != nil) }
        #expect(await recorder.decide(try log.request(0, 1)).cosigned != nil)
        #expect(await recorder.decide(try log.request(1, 1)).cosigned != nil)
        #expect(await recorder.decide(try log.request(1, 1)).retryAfter == 1)
        #expect(await recorder.decide(try log.request(1, 2)).cosigned != nil)
        #expect(await recorder.decide(try log.request(2, 3)).cosigned != nil)
        #expect(await recorder.decide(try log.request(3, 4)).retryAfter == 2)
        #expect(await recorder.decide(try other.request(0, 3)).cosigned != nil)
        time.withLock { $0 += 2_000_000_000 }
        #expect(await recorder.decide(try log.request(3, 4)).cosigned != nil)
        #expect(await recorder.decide(try log.request(4, 5)).retryAfter == 2)
    }

    @Test("\"MUST NOT cosign the checkpoint\": proofs of misbehaviour are kept once each, and only so many")
    func evidence() async throws {
        let (scratch, log) = (try Scratch(), try TestLog(size: 10))
        let witness = try TestWitness(scratch, evidence: 3)
        _ = await witness.recorder.decide(try log.request(0, 10))
        var fork = log
        for round in 0..<5 {
            fork = fork.fork()
            for _ in 0..<3 { #expect(await witness.recorder.decide(try fork.request(10, 10)).refusal != nil) }
            #expect(scratch.evidence.count == min(3, round + 1))
        }
        let other = try TestLog("log.example/other", size: 2)
        _ = await witness.recorder.decide(try other.request(0, 2))
        _ = await witness.recorder.decide(try other.fork().request(2, 2))
        #expect(scratch.evidence.count == 4)
        // A proof that does not verify proves nothing against the log.
        let body = try other.body(2, 2, path: [.emptyTree])
        let request = try AuthenticatedRequest(parsing: body, knownLogs: try other.known())
        #expect(await witness.recorder.decide(request).refusal != nil)
        #expect(scratch.evidence.count == 4)
    }
}

@Suite("List of logs, reloaded")
struct LogListTests {
    @Test("a changed list is taken as a whole; one with a mistake, without a log, or gone leaves the old one in force")
    func reload() throws {
        let scratch = try Scratch()
        let (first, second) = (try TestLog("a.example").verifierKey, try TestLog("b.example").verifierKey)
        try scratch.write("\(first)\n", to: "logs")
        let list = try LogList(path: scratch.path + "/logs")
        #expect(list.reload() == .unchanged)
        try scratch.write("\(first)\n\(second)\n", to: "logs")
        #expect(list.reload() == .changed(logs: 2))
        for bad in ["\(first)\nnonsense\n", "# nothing\n", "", "\(second)"] {
            try scratch.write(bad, to: "logs")
            guard case .kept = list.reload() else {
                Issue.record("taken: \(bad)")
                continue
            }
            #expect(list.reload() == .unchanged)
            #expect(list.current.logCount == 2)
            // A failure is said once, and once more if it comes back.
            try scratch.write("\(first)\n\(second)\n", to: "logs")
            #expect(list.reload() == .changed(logs: 2))
        }
        try FileManager.default.removeItem(atPath: scratch.path + "/logs")
        guard case .kept = list.reload() else {
            Issue.record("a list that is gone")
            return
        }
        #expect(list.current.logCount == 2)
        // Back to what it was: said once more, since a failure was said before.
        try scratch.write("\(first)\n\(second)\n", to: "logs")
        #expect(list.reload() == .changed(logs: 2))
        try scratch.write("\(second)\n", to: "logs")
        #expect(list.reload() == .changed(logs: 1))
    }

    @Test("a witness does not start with a list that can't be used; an empty one may be filled later")
    func start() throws {
        let scratch = try Scratch()
        #expect(throws: WitnessServerError.self) { try LogList(path: scratch.path + "/logs") }
        try scratch.write("nonsense\n", to: "logs")
        #expect(throws: WitnessServerError.self) { try LogList(path: scratch.path + "/logs") }
        try scratch.write("# none yet\n", to: "logs")
        #expect(try LogList(path: scratch.path + "/logs").current.isEmpty)
    }
}
