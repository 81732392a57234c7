import LogClient

/// What a load came to, for people and for programs.
struct BenchReport: Encodable {
    let url: String
    let what: String
    let loop: String
    let connections: Int
    let batch: Int
    let seconds: Double
    let requests: Int
    /// Statements registered, or reads answered.
    let done: Int
    let perSecond: Double
    let duplicates: Int
    /// Statements or reads that were refused, by HTTP status.
    let refused: [String: Int]
    /// Connections that ended early, by reason.
    let faults: [String: Int]
    /// Whether the statements that were signed beforehand were used up before the time was over.
    let ranOut: Bool
    let latency: Latency
    let generator: Generator

    /// What this program took itself of the machine while the load went on: microseconds of processor time for each
    /// request that was answered.
    struct Generator: Encodable {
        let threads: Int
        let userMicroseconds: Double
        let systemMicroseconds: Double
    }

    /// Milliseconds of a request, from when it was to be sent to the end of its answer.
    struct Latency: Encodable {
        let mean: Double
        let p50: Double
        let p90: Double
        let p99: Double
        let p999: Double
        let max: Double
    }

    init(
        _ tally: LoadTally, seconds: Double, generator: ProcessorTime, url: String, options: BenchOptions
    ) {
        self.url = url
        self.seconds = seconds
        what = options.read.map { "read \($0)" } ?? "register"
        loop = options.rate == nil ? "closed" : "open"
        connections = options.connections
        batch = options.read == nil ? options.batch : 1
        requests = tally.requests
        done = tally.done
        perSecond = seconds > 0 ? Double(tally.done) / seconds : 0
        duplicates = tally.duplicates
        refused = Dictionary(uniqueKeysWithValues: tally.refused.map { ("\($0.key)", $0.value) })
        faults = Dictionary(tally.faults.map { ($0, 1) }, uniquingKeysWith: +)
        ranOut = tally.ranOut
        let histogram = tally.latencies
        func milliseconds(_ percent: Double) -> Double { Double(histogram.percentile(percent)) / 1e6 }
        latency = Latency(
            mean: histogram.mean / 1e6, p50: milliseconds(50), p90: milliseconds(90), p99: milliseconds(99),
            p999: milliseconds(99.9), max: Double(histogram.maximum) / 1e6)
        let requests = Double(max(1, tally.requests))
        self.generator = Generator(
            threads: options.threads, userMicroseconds: generator.user / requests * 1e6,
            systemMicroseconds: generator.system / requests * 1e6)
    }

    func show(on terminal: Terminal) {
        let unit = what == "register" ? "statements" : "reads"
        terminal.line(
            "\(Self.number(perSecond, 0)) \(unit)/s: \(done) in \(Self.number(seconds, 2)) s, \(requests) requests")
        terminal.line(
            "latency in ms   p50 \(Self.number(latency.p50, 2))   p90 \(Self.number(latency.p90, 2))   "
                + "p99 \(Self.number(latency.p99, 2))   p99.9 \(Self.number(latency.p999, 2))   "
                + "max \(Self.number(latency.max, 2))" + (loop == "open" ? "   (from the intended start)" : ""))
        terminal.line(
            "generator       \(Self.number(generator.userMicroseconds, 1)) µs of user and "
                + "\(Self.number(generator.systemMicroseconds, 1)) µs of system time a request, "
                + "\(generator.threads) thread\(generator.threads == 1 ? "" : "s")")
        for (status, count) in refused.sorted(by: { $0.key < $1.key }) {
            let hint = status == "429" ? ": the log's rate limits, see --submission-rate of 'holdfast serve'" : ""
            terminal.line("\(count) \(unit) refused with status \(status)\(hint)")
        }
        for (reason, count) in faults.sorted(by: { $0.key < $1.key }) {
            terminal.line("\(count) connections ended early: \(Terminal.visible(reason))")
        }
        if ranOut, loop == "closed", what == "register" {
            terminal.line("All statements that were signed beforehand are used up; --statements makes more.")
        }
    }

    private static func number(_ value: Double, _ digits: Int) -> String {
        guard digits > 0 else { return String(Int(value.rounded())) }
        let unit = digits == 1 ? 10 : 100
        let scaled = Int((value * Double(unit)).rounded())
        let fraction = scaled % unit
        return "\(scaled / unit).\(digits == 2 && fraction < 10 ? "0" : "")\(fraction)"
    }
}
