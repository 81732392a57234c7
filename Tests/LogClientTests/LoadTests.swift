import ArgumentParser
import COSE
import Testing

@testable import LogClient
@testable import holdfast

@Suite("Load")
struct LoadTests {
    @Test("a percentile is never below the value and at most 1.6 % above it")
    func percentiles() {
        for value in [0, 1, 63, 64, 65, 127, 128, 1000, 123_456, 9_999_999_999, UInt64.max / 2] {
            var histogram = LatencyHistogram()
            histogram.record(value)
            // A larger one, so that the maximum does not hide what the bucket says.
            histogram.record(.max)
            let found = histogram.percentile(50)
            #expect(found >= value)
            #expect(Double(found) <= Double(value) * 1.016)
        }
    }

    @Test("percentiles of many values, counted in two histograms that are put together")
    func together() {
        var (even, odd) = (LatencyHistogram(), LatencyHistogram())
        for value in 1...1000 as ClosedRange<UInt64> {
            if value % 2 == 0 { even.record(value * 1000) } else { odd.record(value * 1000) }
        }
        even.add(odd)
        #expect(even.count == 1000)
        #expect(even.maximum == 1_000_000)
        #expect(even.percentile(100) == 1_000_000)
        #expect((500_000...508_000).contains(even.percentile(50)))
        #expect((990_000...1_000_000).contains(even.percentile(99)))
        #expect(even.mean == 500_500)
        #expect(LatencyHistogram().percentile(99) == 0)
    }

    @Test("the answer to a sequence is counted by the statuses in it")
    func sequences() {
        let answers: [CBOR] = [
            [201, 7, .bytes([UInt8](repeating: 1, count: 700))], [200, 300, .bytes([2])],
            [429, .null, .bytes([UInt8](repeating: 3, count: 70_000))],
        ]
        var tally = LoadTally()
        tally.count(status: 200, body: answers.flatMap { $0.encoded() }, statements: 3)
        #expect(tally.done == 2)
        #expect(tally.duplicates == 1)
        #expect(tally.refused == [429: 1])
        #expect(tally.faults.isEmpty)

        tally.count(status: 200, body: [0x83, 0x18], statements: 2)
        #expect(tally.faults.count == 1)
        tally.count(status: 503, body: [], statements: 3)
        #expect(tally.refused == [429: 1, 503: 3])
        #expect(tally.requests == 3)
    }

    @Test("in an open loop a request is due at its time, whatever the answers take; in a closed one at once")
    func pace() {
        let open = LoadPace(start: 1000, end: 100_000, interval: 500, offset: 20)
        #expect(open.due(request: 0, now: 99_000) == 1020)
        #expect(open.due(request: 4, now: 99_000) == 3020)
        let closed = LoadPace(start: 1000, end: 100_000, interval: nil, offset: 0)
        #expect(closed.due(request: 4, now: 2345) == 2345)
    }

    @Test("statements are prepared as the rate needs them, in whole requests for each connection")
    func depth() throws {
        let open = try BenchOptions.parse(
            ["--rate", "1000", "--duration", "10", "--connections", "16", "--batch", "100"])
        #expect(open.depth == 700)
        let closed = try BenchOptions.parse(["--connections", "64"])
        #expect(closed.depth == 782)
        #expect(throws: (any Error).self) { try BenchOptions.parse(["--batch", "1001"]) }
        #expect(throws: (any Error).self) { try BenchOptions.parse(["--threads", "0"]) }
        #expect(throws: (any Error).self) { try BenchOptions.parse(["--read", "checkpoint"]) }
    }

    @Test("the report says what the load generator took for each answered request")
    func generator() throws {
        let processor = try #require(
            ProcessorTime(
                stat: "7 (a) b (c) S 1 7 7 0 -1 4194560 2 0 0 0 150 250 0 0 20 0 3 0 99 1 2", ticksPerSecond: 100))
        #expect(processor.user == 1.5)
        #expect(processor.system == 2.5)
        #expect(ProcessorTime(stat: "7 (a) S 1", ticksPerSecond: 100) == nil)
        var tally = LoadTally()
        for _ in 0..<1000 { tally.count(status: 201, body: [], statements: 1) }
        let report = BenchReport(
            tally, seconds: 1, generator: processor, url: "http://h/", options: try BenchOptions.parse([]))
        #expect(report.generator.userMicroseconds == 1500)
        #expect(report.generator.systemMicroseconds == 2500)
        #expect(report.generator.threads == 1)
    }
}
