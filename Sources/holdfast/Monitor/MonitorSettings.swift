import Foundation
import LogClient
import Monitor
import Tlog
import Verification
import Yams

/// What `holdfast monitor` is to do: its flags, and behind them its configuration file.
struct MonitorSettings {
    struct LogPlace {
        let trust: TrustFile
        let origin: Origin
        let url: LogURL
    }

    struct Listening {
        let host: String
        let port: Int
    }

    struct StateWitnessKey {
        let keyFile: String
        let name: String?
        let patience: Duration
    }

    let logs: [LogPlace]
    let directory: String
    /// Witnesses with their URLs that are asked about every log.
    let witnesses: [TlogPolicy.Witness]
    let options: WatchOptions
    let timeout: Duration
    let certificates: String?
    let mapSize: Int
    let isOnce: Bool
    let keepsGoing: Bool
    let listening: Listening?
    let allowPlainHTTP: Bool
    let stateWitness: StateWitnessKey?

    init(
        logs: MonitorLogFlags, limits: MonitorLimitFlags, reports: MonitorReportFlags, serving: MonitorServingFlags
    ) throws {
        let file = try MonitorFile(logs.config)
        let named =
            try logs.log.map { try Self.place($0) } + file.logs.map { try Self.place(trust: $0.trust, url: $0.url) }
        guard !named.isEmpty else {
            throw Failure(
                .usage, "There is no log to watch", hint: "Name one: --log log.trust=https://log.example.com/")
        }
        var seen: Set<Origin> = []
        for log in named where !seen.insert(log.origin).inserted {
            throw Failure(.usage, "The log \(log.origin) is named twice")
        }
        self.logs = named
        guard let directory = try logs.dir ?? file.path("dir") else {
            throw Failure(.usage, "Where is what was verified to be kept?", hint: "Name a directory: --dir DIR")
        }
        self.directory = directory
        witnesses = try Self.witnesses(logs.witnesses ?? file.path("witnesses"))
        timeout = .seconds(try file.number(or: limits.timeout, "timeout", 1...3600) ?? 10)
        certificates = try logs.ca ?? file.path("ca")
        // 128 TiB is all the address space that there is.
        mapSize = try (file.number(or: limits.mapSize, "map-size", 1...131_072) ?? 16) << 30
        options = try Self.options(limits, reports, file)
        isOnce = reports.once
        listening = try (serving.listen ?? file.text("listen")).map(Self.listening)
        allowPlainHTTP = try serving.allowPlainHTTP || file.flag("allow-plain-http")
        let patience = Duration.seconds(try file.number(or: serving.patience, "patience", 0...3600) ?? 20)
        stateWitness = try (serving.stateWitness ?? file.path("state-witness")).map {
            StateWitnessKey(keyFile: $0, name: try serving.name ?? file.text("name"), patience: patience)
        }
        // One log that lies must not end the cosigning of the others.
        keepsGoing = try reports.keepGoing || file.flag("keep-going") || stateWitness != nil
        if stateWitness != nil, listening == nil || isOnce {
            throw Failure(
                .usage, "A state witness has to be reached by logs, for as long as it runs",
                hint: "Say where it listens, without --once: --listen 127.0.0.1:8091")
        }
    }

    private static func options(
        _ limits: MonitorLimitFlags, _ reports: MonitorReportFlags, _ file: MonitorFile
    ) throws -> WatchOptions {
        func seconds(_ flag: Int?, _ name: String) throws -> Duration? {
            try file.number(or: flag, name, 0...31_536_000).map { .seconds($0) }
        }
        var options = WatchOptions(now: { Moment.now() })
        options.interval = max(try seconds(limits.interval, "interval") ?? options.interval, .milliseconds(100))
        options.longestPause = try seconds(limits.longestPause, "longest-pause") ?? options.longestPause
        if let age = try seconds(limits.maxAge, "max-age") { options.maxAge = age == .zero ? nil : age }
        if let silence = try seconds(limits.maxSilence, "max-silence") {
            options.maxSilence = silence == .zero ? nil : silence
        }
        options.withheldAfter = try seconds(limits.withheldAfter, "withheld-after") ?? options.withheldAfter
        options.filter = StatementFilter(
            issuers: Set(reports.issuer + file.list("issuers")),
            subjects: Set(reports.subject + file.list("subjects")),
            types: Set(reports.type + file.list("types")))
        return options
    }

    /// `TRUSTFILE=URL`, or a trust file alone.
    private static func place(_ text: String) throws -> LogPlace {
        if let end = text.range(of: "://", options: .backwards)?.lowerBound,
            let separator = text[..<end].lastIndex(of: "="),
            text[text.index(after: separator)..<end].utf8.allSatisfy({ (0x61...0x7a).contains($0 | 0x20) })
        {
            return try place(trust: String(text[..<separator]), url: String(text[text.index(after: separator)...]))
        }
        return try place(trust: text, url: nil)
    }

    private static func place(trust path: String, url text: String?) throws -> LogPlace {
        let trust: TrustFile
        do {
            trust = try TrustFile(parsing: try FileBytes.read(path, limit: 1 << 20))
        } catch let error as TrustFileError {
            throw Failure(.usage, "\(path) is not a trust file that can be used: \(error)")
        }
        guard let log = trust.policy.logs.first, let origin = try? Origin(log.key.name.text) else {
            throw Failure(.usage, "\(path) names no log")
        }
        guard let address = text ?? trust.logURL ?? Self.servedURL(beside: path) else {
            throw Failure(
                .usage, "The URL of the log \(origin) is not known",
                hint: "Give it: --log \(path)=https://log.example.com/")
        }
        guard let url = LogURL(address) else {
            throw Failure(.usage, "\(Terminal.visible(address)) is not an http or https URL")
        }
        return LogPlace(trust: trust, origin: origin, url: url)
    }

    /// A log's own directory says where it is served.
    private static func servedURL(beside path: String) -> String? {
        let directory = URL(filePath: path).deletingLastPathComponent().path(percentEncoded: false)
        let bytes = try? FileBytes.read(LogLayout(directory).address, limit: 4096)
        return bytes.map { String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines) }
    }

    private static func witnesses(_ path: String?) throws -> [TlogPolicy.Witness] {
        guard let path else { return [] }
        do {
            let lines = try TlogPolicy.lines(of: try FileBytes.read(path, limit: TlogPolicy.maxByteCount))
            return try TlogPolicy(lines: lines.filter { TlogPolicy.keywords.contains($0.keyword) })
                .witnesses.filter { $0.url != nil }
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(.usage, "The witness policy \(path) can't be used: \(Terminal.visible("\(error)"))")
        }
    }

    private static func listening(_ text: String) throws -> Listening {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port)
        else {
            throw Failure(
                .usage, "\(Terminal.visible(text)) is not a place to listen at", hint: "It is like 127.0.0.1:8091.")
        }
        let host = text[..<colon].trimmingCharacters(in: ["[", "]"])
        return Listening(host: host.isEmpty ? "127.0.0.1" : host, port: port)
    }
}

/// The configuration file of `holdfast monitor`: YAML with one level of names, and a list of logs.
struct MonitorFile {
    private let path: String
    private let content: [String: any Sendable]

    private static let names: Set<String> = [
        "logs", "dir", "witnesses", "ca", "interval", "longest-pause", "timeout", "max-age", "max-silence",
        "withheld-after", "map-size", "issuers", "subjects", "types", "keep-going", "listen", "allow-plain-http",
        "state-witness", "name", "patience",
    ]

    init(_ path: String?) throws {
        self.path = path ?? ""
        guard let path else {
            content = [:]
            return
        }
        let text = String(decoding: try FileBytes.read(path, limit: 1 << 20), as: UTF8.self)
        let node: Node?
        do { node = try Yams.compose(yaml: text) } catch {
            throw Failure(.usage, "The configuration file \(path) can't be read: \(Terminal.visible("\(error)"))")
        }
        var content: [String: any Sendable] = [:]
        for (key, value) in node?.mapping.map(Array.init) ?? [] {
            guard let name = key.string, Self.names.contains(name) else {
                throw Failure(
                    .usage, "The configuration file \(path) has the setting \(Terminal.visible(key.string ?? "?"))",
                    hint: "Settings are: " + Self.names.sorted().joined(separator: ", "))
            }
            content[name] = name == "logs" ? try Self.logs(value, path) : try Self.plain(value, name, path)
        }
        self.content = content
    }

    /// Trust files with their URLs.
    var logs: [(trust: String, url: String?)] {
        (content["logs"] as? [[String: String]] ?? []).map { (resolved($0["trust"] ?? ""), $0["url"]) }
    }

    func text(_ name: String) throws -> String? {
        guard let value = content[name] else { return nil }
        guard let text = (value as? [String])?.first, (value as? [String])?.count == 1 else { throw wrong(name) }
        return text
    }

    /// Relative to the file.
    func path(_ name: String) throws -> String? { try text(name).map(resolved) }

    func number(_ name: String) throws -> Int? {
        guard let text = try text(name) else { return nil }
        guard let number = Int(text), number >= 0 else { throw wrong(name) }
        return number
    }

    /// What the flag says, or else the file.
    func number(or flag: Int?, _ name: String, _ range: ClosedRange<Int>) throws -> Int? {
        guard let number = try flag ?? number(name) else { return nil }
        guard range.contains(number) else {
            throw Failure(
                .usage, "The setting \(name) is \(number), and takes \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func flag(_ name: String) throws -> Bool {
        guard let text = try text(name) else { return false }
        guard ["true", "false"].contains(text) else { throw wrong(name) }
        return text == "true"
    }

    func list(_ name: String) -> [String] { content[name] as? [String] ?? [] }

    private func wrong(_ name: String) -> Failure {
        Failure(.usage, "The setting \(name) of \(path) can't be read")
    }

    private func resolved(_ name: String) -> String {
        URL(filePath: name, relativeTo: URL(filePath: path).deletingLastPathComponent()).path(percentEncoded: false)
    }

    private static func plain(_ node: Node, _ name: String, _ path: String) throws -> [String] {
        let texts = node.scalar.map { [$0.string] } ?? node.sequence.map { $0.compactMap(\.string) }
        guard let texts, node.sequence.map({ $0.count == texts.count }) ?? true else {
            throw Failure(.usage, "The setting \(name) of \(path) can't be read")
        }
        return texts
    }

    private static func logs(_ node: Node, _ path: String) throws -> [[String: String]] {
        guard let items = node.sequence else {
            throw Failure(
                .usage, "The logs of \(path) can't be read", hint: "Each is like: - {trust: a.trust, url: https://…}")
        }
        return try items.map { item in
            var log: [String: String] = [:]
            for (key, value) in item.mapping.map(Array.init) ?? [] {
                guard let name = key.string, ["trust", "url"].contains(name), let text = value.string else {
                    throw Failure(.usage, "A log of \(path) has something else than a trust file and a URL")
                }
                log[name] = text
            }
            guard log["trust"] != nil else { throw Failure(.usage, "A log of \(path) has no trust file") }
            return log
        }
    }
}
