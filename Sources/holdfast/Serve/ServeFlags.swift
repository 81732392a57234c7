import ArgumentParser
import Configuration

/// The settings as flags. Each has no default here, so that "not given" can be told from "given".
struct ServeFlags: ParsableArguments {
    // Where things are.
    @Option(help: .of(.data, "dir")) var data: String?
    @Option(help: .of(.anchor, "file")) var anchor: String?
    @Option(help: .of(.checkpointKey, "file")) var checkpointKey: String?
    @Option(help: .of(.receiptKey, "file")) var receiptKey: String?
    @Option(help: .of(.statementKey, "file")) var statementKey: String?
    @Option(help: .of(.nextKeys, "dir")) var nextKeys: String?
    @Option(help: .of(.mapSize, "gib")) var mapSize: Int?
    @Option(help: .of(.retainState, "n")) var retainState: Int?

    // Who may reach it.
    @Option(help: .of(.host)) var host: String?
    @Option(help: .of(.port)) var port: Int?
    @Option(name: .customLong("base-url"), help: .of(.baseURL, "url")) var baseURL: String?
    @Option(help: .of(.tlsCertificate, "file")) var tlsCertificate: String?
    @Option(help: .of(.tlsKey, "file")) var tlsKey: String?
    @Flag(name: .customLong("allow-plain-http"), help: .of(.allowPlainHTTP)) var allowPlainHTTP = false
    @Option(parsing: .singleValue, help: .of(.trustedProxies, "range")) var trustedProxies: [String] = []

    // Who watches it.
    @Option(help: .of(.witnesses, "file")) var witnesses: String?
    @Option(help: .of(.witnessTimeout, "seconds")) var witnessTimeout: Int?
    @Option(help: .of(.stateWitnessTimeout, "seconds")) var stateWitnessTimeout: Int?
    @Option(help: .of(.recosignInterval, "seconds")) var recosignInterval: Int?
    @Flag(help: .of(.failOpen)) var failOpen = false

    // How fast.
    @Option(help: .of(.submissionRate, "count")) var submissionRate: Int?
    @Option(help: .of(.submissionBurst, "count")) var submissionBurst: Int?
    @Option(help: .of(.readRate, "count")) var readRate: Int?
    @Option(help: .of(.readBurst, "count")) var readBurst: Int?

    // How much at once.
    @Option(help: .of(.maxStatementBytes, "bytes")) var maxStatementBytes: Int?
    @Option(help: .of(.maxSequenceBytes, "bytes")) var maxSequenceBytes: Int?
    @Option(help: .of(.maxSequenceCount, "count")) var maxSequenceCount: Int?
    @Option(help: .of(.maxBodyBytesInFlight, "bytes")) var maxBodyBytesInFlight: Int?
    @Option(help: .of(.maxHeaderBytes, "bytes")) var maxHeaderBytes: Int?
    @Option(help: .of(.maxHeaderCount, "count")) var maxHeaderCount: Int?
    @Option(help: .of(.maxConcurrentRequests, "count")) var maxConcurrentRequests: Int?
    @Option(help: .of(.maxConnections, "count")) var maxConnections: Int?
    @Option(help: .of(.maxConnectionsPerClient, "count")) var maxConnectionsPerClient: Int?
    @Option(help: .of(.maxBatch, "count")) var maxBatch: Int?
    @Option(help: .of(.maxBatchBytes, "bytes")) var maxBatchBytes: Int?
    @Option(help: .of(.maxInFlight, "count")) var maxInFlight: Int?
    @Option(help: .of(.maxInFlightBytes, "bytes")) var maxInFlightBytes: Int?

    // How long.
    @Option(help: .of(.idleTimeout, "seconds")) var idleTimeout: Int?
    @Option(help: .of(.bodyTimeout, "seconds")) var bodyTimeout: Int?
    @Option(help: .of(.writeTimeout, "seconds")) var writeTimeout: Int?
    @Option(help: .of(.submissionTimeout, "seconds")) var submissionTimeout: Int?
    @Option(help: .of(.stallTimeout, "seconds")) var stallTimeout: Int?
    @Option(help: .of(.retryAfter, "seconds")) var retryAfter: Int?

    // What it says.
    @Option(help: .of(.logLevel, "level")) var logLevel: String?
    @Option(help: .of(.logFormat, "format")) var logFormat: String?

    /// What was given.
    var given: [ServeSetting: ServeSetting.Value] {
        var given: [ServeSetting: ServeSetting.Value] = [:]
        for (setting, text) in texts { given[setting] = text.map { .text($0) } }
        for (setting, number) in numbers { given[setting] = number.map { .number($0) } }
        if allowPlainHTTP { given[.allowPlainHTTP] = .flag(true) }
        if failOpen { given[.failOpen] = .flag(true) }
        if !trustedProxies.isEmpty { given[.trustedProxies] = .list(trustedProxies) }
        return given
    }

    private var texts: [(ServeSetting, String?)] {
        [
            (.data, data), (.anchor, anchor), (.checkpointKey, checkpointKey), (.receiptKey, receiptKey),
            (.statementKey, statementKey), (.nextKeys, nextKeys), (.host, host), (.baseURL, baseURL),
            (.tlsCertificate, tlsCertificate),
            (.tlsKey, tlsKey), (.witnesses, witnesses), (.logLevel, logLevel),
            (.logFormat, logFormat),
        ]
    }

    private var numbers: [(ServeSetting, Int?)] {
        [
            (.mapSize, mapSize), (.retainState, retainState), (.port, port), (.submissionRate, submissionRate),
            (.submissionBurst, submissionBurst), (.readRate, readRate), (.readBurst, readBurst),
            (.maxStatementBytes, maxStatementBytes), (.maxSequenceBytes, maxSequenceBytes),
            (.maxSequenceCount, maxSequenceCount), (.maxBodyBytesInFlight, maxBodyBytesInFlight),
            (.maxHeaderBytes, maxHeaderBytes), (.maxHeaderCount, maxHeaderCount),
            (.maxConcurrentRequests, maxConcurrentRequests), (.maxConnections, maxConnections),
            (.maxConnectionsPerClient, maxConnectionsPerClient), (.maxBatch, maxBatch),
            (.maxBatchBytes, maxBatchBytes), (.maxInFlight, maxInFlight), (.maxInFlightBytes, maxInFlightBytes),
            (.idleTimeout, idleTimeout), (.bodyTimeout, bodyTimeout), (.writeTimeout, writeTimeout),
            (.submissionTimeout, submissionTimeout), (.stallTimeout, stallTimeout), (.retryAfter, retryAfter),
            (.witnessTimeout, witnessTimeout), (.stateWitnessTimeout, stateWitnessTimeout),
            (.recosignInterval, recosignInterval),
        ]
    }
}

extension ArgumentHelp {
    /// The help of a setting, with its default.
    fileprivate static func of(_ setting: ServeSetting, _ valueName: String? = nil) -> ArgumentHelp {
        let value: String
        switch setting.value {
        case .text(let text): value = text.isEmpty ? "" : " Default: \(text)."
        case .number(let number): value = " Default: \(number)."
        case .flag, .list: value = ""
        }
        return ArgumentHelp(stringLiteral: setting.help + value).named(valueName)
    }

    private func named(_ valueName: String?) -> ArgumentHelp {
        var help = self
        if let valueName { help.valueName = valueName }
        return help
    }
}
