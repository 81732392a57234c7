internal import HTTPServing
internal import Synchronization

/// What the server counts about requests: by route and status, and how long they took.
///
/// Labels come from fixed sets: a client cannot make the table grow.
final class RequestMetrics: Sendable {
    /// Seconds.
    static let bounds: [Double] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]
    /// Every status that the server answers with; another one counts as 0.
    static let statuses = [200, 201, 204, 304, 400, 404, 405, 406, 408, 409, 410, 413, 415, 429, 500, 503]

    private struct Numbers {
        /// Route by route; in each, one count for every status and one for others.
        var answers: [UInt64]
        /// Route by route; in each, one count for every bound and one above.
        var durations: [UInt64]
        /// Route by route.
        var seconds: [Double]
    }

    private static let rows = Route.allCases.count + 1
    private static let statusColumns = statuses.count + 1
    private static let boundColumns = bounds.count + 1

    private let numbers = Mutex(
        Numbers(
            answers: Array(repeating: 0, count: rows * statusColumns),
            durations: Array(repeating: 0, count: rows * boundColumns),
            seconds: Array(repeating: 0, count: rows)))

    /// - Parameters:
    ///   - route: nil for a path that is none.
    ///   - nanoseconds: from the head of the request to the answer being ready.
    func record(_ route: Route?, status: Int, nanoseconds: UInt64) {
        let row = route?.ordinal ?? Route.allCases.count
        let seconds = Double(nanoseconds) / 1e9
        let status = Self.statuses.firstIndex(of: status) ?? Self.statuses.count
        let bucket = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
        numbers.withLock { numbers in
            numbers.answers[row * Self.statusColumns + status] += 1
            numbers.durations[row * Self.boundColumns + bucket] += 1
            numbers.seconds[row] += seconds
        }
    }

    /// Routes that were never asked for have no samples.
    func write(to text: inout MetricsText) {
        let numbers = numbers.withLock { $0 }
        text.metric("holdfast_http_requests_total", .counter, "Requests answered, by route and status.")
        for row in 0..<Self.rows {
            for column in 0..<Self.statusColumns {
                let count = numbers.answers[row * Self.statusColumns + column]
                guard count > 0 else { continue }
                let status = column < Self.statuses.count ? String(Self.statuses[column]) : "other"
                text.sample("holdfast_http_requests_total", count, ("route", Self.label(row)), ("status", status))
            }
        }
        let name = "holdfast_http_request_duration_seconds"
        text.metric(name, .histogram, "Seconds from a request's head to its answer, by route.")
        for row in 0..<Self.rows {
            let counts = numbers.durations[row * Self.boundColumns..<(row + 1) * Self.boundColumns]
            guard counts.contains(where: { $0 > 0 }) else { continue }
            text.histogram(
                name, ("route", Self.label(row)), bounds: Self.bounds, counts: counts, sum: numbers.seconds[row])
        }
    }

    private static func label(_ row: Int) -> String {
        row < Route.allCases.count ? Route.allCases[row].rawValue : "none"
    }
}
