import ArgumentParser
import Foundation
import Governance
import LogClient
import Verification

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Put load on your own log, and say how fast it answers.",
        discussion: """
            Registers statements that say nothing, signed beforehand with the enrolled keys in DIR/keys: they stay in \
            the log for ever, so use a log that you made for this.

              holdfast init benchlog --origin bench.example.com/1
              holdfast serve benchlog --submission-rate 1000000 --submission-burst 1000000
              holdfast bench --dir benchlog
              holdfast bench --dir benchlog --batch 100 --connections 16
              holdfast bench --dir benchlog --rate 2000 --duration 30
              holdfast bench --dir benchlog --read /checkpoint

            The policy limits each issuer too (rates.perIssuer, see --policy of 'holdfast init'). Latency in an open \
            loop counts from when a request was to be sent, not from when it could be. Answers are counted, not \
            verified. What the load generator itself took of the machine is said beside the rest: it is not the \
            log's. Plain HTTP only, and answers with Content-Length: aim at the server behind the proxy.
            """)

    @OptionGroup var log: LogOptions
    @OptionGroup var options: BenchOptions

    func run() async throws {
        let trust = try log.trustFile()
        let url = try await log.logURL(trust)
        let (host, port, authority) = try Self.address(of: url)
        let scripts = try await scripts(trust, host: authority)
        let perRequest = options.read == nil ? options.batch : 1
        let run = LoadRun(
            host: host, port: port, scripts: scripts, duration: .seconds(options.duration),
            requestRate: options.rate.map { $0 / Double(perRequest) }, threads: options.threads)
        let progress = LoadProgress()
        let watch = watch(progress)
        defer { watch.cancel() }
        let result: (tally: LoadTally, seconds: Double)
        let processor = ProcessorTime.now
        do {
            result = try await run.run(progress)
        } catch {
            throw Failure(.unreachable, "No connection to \(url): \(error)", hint: "Is the server running?")
        }
        watch.cancel()
        await watch.value
        let report = BenchReport(
            result.tally, seconds: result.seconds, generator: ProcessorTime.now - processor, url: url.text,
            options: options)
        if log.json { JSONLine.print(report) } else { report.show(on: .output) }
        if report.done == 0 { throw ExitCode(ExitStatus.refused.rawValue) }
    }

    private func scripts(_ trust: TrustFile, host: String) async throws -> [LoadScript] {
        if let path = options.read {
            let script = LoadScript(requests: [.read(path, host: host)], repeats: true)
            return Array(repeating: script, count: options.connections)
        }
        guard let layout = log.layout else {
            throw Failure(
                .usage, "There are no keys to sign with",
                hint: "Name the log's directory with --dir: its keys are used.")
        }
        guard let policy = trust.genesis?.policy else { throw Wording.noGenesis() }
        let signers = try PreparedLoad.signers(in: layout, enrolled: policy.issuers)
        guard !signers.isEmpty else {
            throw Failure(
                .usage, "No key in \(layout.keys) is one of an issuer that the log enrols",
                hint: "Put the issuer's key file and its .pub there, or make a log with its own: holdfast init DIR.")
        }
        let load = PreparedLoad(
            signers: signers, connections: options.connections, depth: options.depth, batch: options.batch,
            size: options.size, host: host)
        let line = ProgressLine("signing", total: UInt64(options.depth * options.connections))
        defer { line.finish() }
        return try await load.scripts { line.update(UInt64($0)) }
    }

    /// Shows how far the run is, twice a second.
    private func watch(_ progress: LoadProgress) -> Task<Void, Never> {
        let duration = options.duration
        return Task {
            let line = ProgressLine("running: second", total: UInt64(duration.rounded(.up)))
            let started = Date()
            while (try? await Task.sleep(for: .milliseconds(500))) != nil {
                let elapsed = min(Date().timeIntervalSince(started), duration)
                line.update(UInt64(elapsed), note: "\(progress.count) answered")
            }
            line.finish()
        }
    }

    private static func address(of url: LogURL) throws -> (host: String, port: Int, authority: String) {
        guard let parts = URLComponents(string: url.text), let host = parts.host, parts.scheme?.lowercased() == "http"
        else {
            throw Failure(
                .usage, "\(url) is not plain HTTP, and this load generator speaks nothing else",
                hint: "Aim at the server behind the proxy, or serve without TLS on 127.0.0.1.")
        }
        let name = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        let port = parts.port ?? 80
        return (name, port, port == 80 ? host : "\(host):\(port)")
    }
}
