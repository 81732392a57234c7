import COSE
import Testing
import Tlog

@testable import LogClient

@Suite("Submitting")
struct SubmissionTests {
    @Test("a batch is as many statements as fit in both limits, and at least one")
    func batchPlan() {
        var plan = BatchPlan()
        plan.maximumCount = 3
        plan.maximumBytes = 100
        #expect(plan.ranges(of: []) == [])
        #expect(plan.ranges(of: [1, 1, 1, 1]) == [0..<3, 3..<4])
        #expect(plan.ranges(of: [60, 40, 1]) == [0..<2, 2..<3])
        #expect(plan.ranges(of: [500, 1, 500]) == [0..<1, 1..<2, 2..<3])
    }

    @Test("the answer to many statements has an item for each, or is refused")
    func batchAnswer() throws {
        let good: CBOR = [201, 7, .bytes([1])]
        let refused: CBOR = [429, nil, .bytes([2])]
        let answers = try BatchAnswer.sequence(good.encoded() + refused.encoded(), count: 2)
        #expect(answers.map(\.status) == [201, 429])
        #expect(answers.map(\.index) == [7, nil])
        for bad in [
            good.encoded(), good.encoded() + [0x01], good.encoded() + refused.encoded() + good.encoded(),
            CBOR.array([201, "x", .bytes([])]).encoded() + good.encoded(),
            CBOR.array([7, 1, .bytes([])]).encoded() + good.encoded(), good.encoded() + [0x83, 0x01],
        ] {
            #expect(throws: BatchAnswer.Malformed.self) { try BatchAnswer.sequence(bad, count: 2) }
        }
    }

    @Test("many statements are registered in order, in several requests")
    func many() async throws {
        let log = try FakeLog()
        var client = try log.client
        client.batches.maximumCount = 4
        let statements = try (0..<10).map { try log.opaque($0) }
        var seen: [Int] = []
        let results = await client.submit(statements) { seen.append($0) }
        #expect(try results.map { try $0.get().index } == (1...10).map { UInt64($0) })
        #expect(seen == [4, 8, 10])
        #expect(log.requests.count == 3)
    }

    @Test("a log that takes shorter sequences gets shorter ones")
    func shorter() async throws {
        let log = try FakeLog()
        log.lie { request, response in
            let count = (try? CBORSequence.ranges(in: request.body, count: 1000))?.count ?? 0
            return count > 3 ? ClientResponse(status: 413) : response
        }
        // The fake has registered all of them by the time it refuses: what comes back are duplicates.
        let results = try await log.client.submit(try (0..<10).map { try log.opaque($0) })
        #expect(try results.map { try $0.get().index } == (1...10).map { UInt64($0) })
    }

    @Test("what is refused for now is sent again, and so is what waited for it in its stream")
    func temporary() async throws {
        let log = try FakeLog()
        var statements: [SignedStatement] = []
        for seq in 0..<5 as Range<UInt64> { statements.append(try log.event(seq, after: statements.last?.leafHash)) }
        log.change { $0.refusals = [nil, (429, "rate-limited")] }
        let results = try await log.client.submit(statements)
        #expect(try results.map { try $0.get().index } == [1, 2, 3, 4, 5])
    }

    @Test("what is refused for good is not sent again, and a gap that nothing explains is for good")
    func permanent() async throws {
        let log = try FakeLog()
        let first = try log.event(0, after: nil)
        let lost = try log.event(1, after: first.leafHash, 1)
        let orphan = try log.event(2, after: lost.leafHash)
        let results = try await log.client.submit([first, orphan, try log.opaque(1)])
        #expect(throws: Never.self) { try results[0].get() }
        guard case .failure(.refused(let problem)) = results[1] else {
            Issue.record("the orphan was not refused")
            return
        }
        #expect(problem.code == "stream-gap")
        #expect(throws: Never.self) { try results[2].get() }
        #expect(log.requests.count == 1)
    }

    @Test("a log that stays overloaded is given up, and says so for each statement that is open")
    func overloaded() async throws {
        let log = try FakeLog()
        log.change { $0.refusals = [(503, "overloaded")] + Array(repeating: (503, "overloaded"), count: 100) }
        var client = try log.client
        client.retry.attempts = 3
        let results = await client.submit([try log.opaque(1), try log.opaque(2)])
        for result in results {
            guard case .failure(.refused(let problem)) = result else {
                Issue.record("\(result)")
                continue
            }
            #expect(problem.isTemporary)
        }
        #expect(log.requests.count == 3)
    }

    @Test("a log that is not reached fails every open statement, after one round of attempts")
    func unreachable() async throws {
        let log = try FakeLog()
        var client = try log.client
        client.batches.maximumCount = 1
        client.retry.attempts = 2
        log.change { $0.failures = Array(repeating: .unreachable("refused"), count: 10) }
        let results = await client.submit(try (0..<3).map { try log.opaque($0) })
        for result in results {
            #expect(throws: ClientError.unreachable(url: "http://log.test/", reason: "refused")) { try result.get() }
        }
        #expect(log.requests.count == 2)
    }

    @Test("a broken connection is tried again, with the same bytes")
    func broken() async throws {
        let log = try FakeLog()
        log.change { $0.failures = [.timedOut] }
        let answer = try await log.client.submit(try log.opaque(1))
        #expect(answer.index == 1)
        let requests = log.requests
        #expect(requests.count == 2)
        #expect(requests[0] == requests[1])
    }
}

@Suite("When a request is sent again")
struct RetryTests {
    private let policy = RetryPolicy()

    @Test("waits double, are drawn from their upper half, and end", arguments: [0.0, 0.5, 1.0])
    func backoff(_ jitter: Double) throws {
        var expected = Duration.milliseconds(200)
        for attempt in 1..<policy.attempts {
            let wait = try #require(policy.wait(after: .unreachable, attempt: attempt, jitter: jitter))
            #expect(wait >= expected / 2 && wait <= expected)
            expected = expected * 2
        }
        #expect(policy.wait(after: .unreachable, attempt: policy.attempts, jitter: jitter) == nil)
    }

    @Test("only a status that means 'not now' is tried again")
    func statuses() {
        for status in 300...599 {
            let wait = policy.wait(after: .answered(status: status, retryAfter: nil), attempt: 1, jitter: 0)
            #expect((wait != nil) == [429, 502, 503, 504].contains(status), "\(status)")
        }
    }

    @Test("Retry-After is kept, up to the longest wait")
    func retryAfter() throws {
        let asked = try #require(
            policy.wait(after: .answered(status: 429, retryAfter: 3), attempt: 1, jitter: 0))
        #expect(asked >= .seconds(3) && asked < .seconds(4))
        let long = policy.wait(after: .answered(status: 503, retryAfter: 4000), attempt: 1, jitter: 1)
        #expect(long == policy.longestWait)
        #expect(RetryPolicy.seconds("7") == 7)
        #expect(RetryPolicy.seconds("99999999") == 86_400)
        for other in [nil, "", "-1", "1.5", " 7", "Fri, 31 Dec 1999 23:59:59 GMT"] {
            #expect(RetryPolicy.seconds(other) == nil)
        }
    }
}

@Suite("Problems")
struct ProblemTests {
    private let hash = Hash.sha256([1])

    @Test("RFC 9290 and RFC 9457 give the same")
    func bothForms() {
        let cbor: CBOR = [
            -1: "Stream Gap", -2: "the next is 7",
            "urn:x": [
                "code": "stream-gap", "rule": "stream-gap", "set-by": 5, "expected-seq": 7,
                "expected-prev": .bytes(hash.bytes), "retry-after": 2,
            ],
        ]
        let json = """
            {"title":"Stream Gap","detail":"the next is 7","code":"stream-gap","rule":"stream-gap","set-by":5,"expected-seq":7,\
            "expected-prev":"\(hash.hex)"}
            """
        var expected = LogProblem(
            status: 409, code: "stream-gap", title: "Stream Gap", detail: "the next is 7", expectedSeq: 7,
            expectedPrev: hash, retryAfter: 2)
        expected.rule = "stream-gap"
        expected.setBy = 5
        #expect(LogProblem(status: 409, body: cbor.encoded(), retryAfter: nil) == expected)
        expected.retryAfter = 9
        #expect(LogProblem(status: 409, body: Array(json.utf8), retryAfter: 9) == expected)
    }

    @Test("a body that is no problem leaves the status", arguments: ["", "<html>", "[1]", "{}"])
    func noProblem(_ body: String) {
        #expect(LogProblem(status: 502, body: Array(body.utf8), retryAfter: nil) == LogProblem(status: 502))
    }
}
