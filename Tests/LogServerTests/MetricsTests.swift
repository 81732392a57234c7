import HTTPTypes
import HummingbirdTesting
import Testing

@testable import HTTPServing
@testable import LogServer

@Suite("Metrics")
struct MetricsTests {
    @Test("Labels are escaped, numbers are plain, histograms are cumulative")
    func format() {
        var text = MetricsText()
        text.metric("m", .counter, "Help.")
        text.sample("m", 3 as UInt64, ("a", "x\"y\\z\nw"), ("b", "2"))
        text.sample("m", 1.5)
        text.sample("m", 2.0)
        text.metric("h", .histogram, "Help.")
        text.histogram("h", ("r", "/"), bounds: [0.5, 1], counts: [1, 0, 2] as [UInt64], sum: 4.25)
        let expected = #"""
            # HELP m Help.
            # TYPE m counter
            m{a="x\"y\\z\nw",b="2"} 3
            m 1.5
            m 2
            # HELP h Help.
            # TYPE h histogram
            h_bucket{r="/",le="0.5"} 1
            h_bucket{r="/",le="1"} 1
            h_bucket{r="/",le="+Inf"} 3
            h_sum{r="/"} 4.25
            h_count{r="/"} 3

            """#
        #expect(String(decoding: text.bytes, as: UTF8.self) == expected)
    }

    @Test("Requests are counted by route and status; a path that is none is one route")
    func requests() {
        let metrics = RequestMetrics()
        metrics.record(.entries, status: 201, nanoseconds: 700_000)
        metrics.record(.entries, status: 201, nanoseconds: 20_000_000_000)
        metrics.record(nil, status: 404, nanoseconds: 1)
        metrics.record(.home, status: 999, nanoseconds: 1)
        var text = MetricsText()
        metrics.write(to: &text)
        let lines = String(decoding: text.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        for line in [
            #"holdfast_http_requests_total{route="/entries",status="201"} 2"#,
            #"holdfast_http_requests_total{route="none",status="404"} 1"#,
            #"holdfast_http_requests_total{route="/",status="other"} 1"#,
            #"holdfast_http_request_duration_seconds_bucket{route="/entries",le="0.001"} 1"#,
            #"holdfast_http_request_duration_seconds_bucket{route="/entries",le="10"} 1"#,
            #"holdfast_http_request_duration_seconds_bucket{route="/entries",le="+Inf"} 2"#,
            #"holdfast_http_request_duration_seconds_count{route="/entries"} 2"#,
        ] {
            #expect(lines.contains(line), "\(line)")
        }
    }

    @Test("Every status that a problem or an answer has is counted by its own number")
    func statuses() {
        for code in ProblemCode.allCases {
            #expect(RequestMetrics.statuses.contains(code.status.code), "\(code)")
        }
    }

    @Test("The page has the engine's numbers and parses line by line")
    func page() async throws {
        let log = try TestLog()
        try await log.fill(2)
        let lines = try await log.ask { client in
            _ = try await client.execute(uri: "/checkpoint", method: .get)
            _ = try await client.execute(uri: "/no/such/path", method: .get)
            let response = try await client.execute(uri: "/metrics", method: .get)
            #expect(response.mediaType == "text/plain; version=0.0.4; charset=utf-8")
            #expect(response.text.hasSuffix("\n"))
            return response.text.split(separator: "\n").map(String.init)
        }
        #expect(lines.contains(#"holdfast_statements_total{result="accepted"} 2"#))
        #expect(lines.contains("holdfast_tree_size 5"))
        #expect(lines.contains(#"holdfast_http_requests_total{route="/checkpoint",status="200"} 1"#))
        #expect(lines.contains(#"holdfast_http_requests_total{route="none",status="404"} 1"#))
        let sample = try Regex(#"[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+"#)
        for line in lines where !line.hasPrefix("# ") {
            #expect(line.wholeMatch(of: sample) != nil, "\(line)")
        }
    }
}
