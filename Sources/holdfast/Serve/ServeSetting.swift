import HTTPServing
import LMDBLogStore
import LogEngine
import LogServer

/// Every option of `holdfast serve`, once: its name (flag `--name`, environment `HOLDFAST_NAME`, key `name` in the
/// configuration file), its kind, its default, and what it is for. Help and example file are made from this.
enum ServeSetting: String, CaseIterable, Sendable {
    // Where things are.
    case data
    case anchor
    case checkpointKey = "checkpoint-key"
    case receiptKey = "receipt-key"
    case statementKey = "statement-key"
    case nextKeys = "next-keys"
    case mapSize = "map-size"
    case retainState = "retain-state"

    // Who may reach it.
    case host
    case port
    case baseURL = "base-url"
    case tlsCertificate = "tls-certificate"
    case tlsKey = "tls-key"
    case allowPlainHTTP = "allow-plain-http"
    case trustedProxies = "trusted-proxies"

    // Who watches it.
    case witnesses
    case witnessTimeout = "witness-timeout"
    case stateWitnessTimeout = "state-witness-timeout"
    case recosignInterval = "recosign-interval"
    case failOpen = "fail-open"

    // How fast.
    case submissionRate = "submission-rate"
    case submissionBurst = "submission-burst"
    case readRate = "read-rate"
    case readBurst = "read-burst"

    // How much at once.
    case maxStatementBytes = "max-statement-bytes"
    case maxSequenceBytes = "max-sequence-bytes"
    case maxSequenceCount = "max-sequence-count"
    case maxBodyBytesInFlight = "max-body-bytes-in-flight"
    case maxHeaderBytes = "max-header-bytes"
    case maxHeaderCount = "max-header-count"
    case maxConcurrentRequests = "max-concurrent-requests"
    case maxConnections = "max-connections"
    case maxConnectionsPerClient = "max-connections-per-client"
    case maxBatch = "max-batch"
    case maxBatchBytes = "max-batch-bytes"
    case maxInFlight = "max-in-flight"
    case maxInFlightBytes = "max-in-flight-bytes"

    // How long.
    case idleTimeout = "idle-timeout"
    case bodyTimeout = "body-timeout"
    case writeTimeout = "write-timeout"
    case submissionTimeout = "submission-timeout"
    case stallTimeout = "stall-timeout"
    case retryAfter = "retry-after"

    // What it says.
    case logLevel = "log-level"
    case logFormat = "log-format"

    enum Value: Sendable, Equatable {
        case text(String)
        case number(Int)
        case flag(Bool)
        case list([String])
    }

    /// What holds where nothing is said. Paths are relative to the log's directory.
    var value: Value {
        let server = ServerOptions()
        let engine = EngineOptions()
        switch self {
        case .data: return .text("data")
        case .anchor: return .text("anchor/signed-head")
        case .checkpointKey: return .text("keys/checkpoint.key")
        case .receiptKey: return .text("keys/receipt.key")
        case .statementKey: return .text("keys/statement.key")
        case .nextKeys: return .text("")
        case .mapSize: return .number(LMDBLogStore.Options().mapSize >> 30)
        case .retainState: return .number(LMDBLogStore.Options().retainedSeals)
        case .host: return .text(server.host)
        case .port: return .number(8787)
        case .baseURL, .tlsCertificate, .tlsKey: return .text("")
        case .allowPlainHTTP: return .flag(server.allowPlainHTTP)
        case .trustedProxies: return .list([])
        case .witnesses: return .text("")
        case .witnessTimeout: return .number(5)
        case .stateWitnessTimeout: return .number(30)
        case .recosignInterval: return .number(60)
        case .failOpen: return .flag(false)
        case .submissionRate, .submissionBurst: return .number(0)
        case .readRate: return .number(Int(server.readRate.perSecond))
        case .readBurst: return .number(Int(server.readRate.burst))
        case .maxStatementBytes: return .number(0)
        case .maxSequenceBytes: return .number(server.maxSequenceBytes)
        case .maxSequenceCount: return .number(server.maxSequenceCount)
        case .maxBodyBytesInFlight: return .number(server.maxBodyBytesInFlight)
        case .maxHeaderBytes: return .number(server.maxHeaderBytes)
        case .maxHeaderCount: return .number(server.maxHeaderCount)
        case .maxConcurrentRequests: return .number(server.maxConcurrentRequests)
        case .maxConnections: return .number(server.maxConnections)
        case .maxConnectionsPerClient: return .number(server.maxConnectionsPerClient)
        case .maxBatch: return .number(engine.maxBatch)
        case .maxBatchBytes: return .number(engine.maxBatchBytes)
        case .maxInFlight: return .number(engine.maxInFlight)
        case .maxInFlightBytes: return .number(engine.maxInFlightBytes)
        case .idleTimeout: return .number(Int(server.idleTimeout.components.seconds))
        case .bodyTimeout: return .number(Int(server.bodyTimeout.components.seconds))
        case .writeTimeout: return .number(Int(server.writeTimeout.components.seconds))
        case .submissionTimeout: return .number(Int(server.submissionTimeout.components.seconds))
        case .stallTimeout: return .number(Int(server.stallTimeout.components.seconds))
        case .retryAfter: return .number(engine.retryAfter)
        case .logLevel: return .text("info")
        case .logFormat: return .text("auto")
        }
    }

    /// Whether it names a file or directory: in the configuration file relative to that file, else to where the
    /// command runs.
    var isPath: Bool {
        switch self {
        case .data, .anchor, .checkpointKey, .receiptKey, .statementKey, .nextKeys, .tlsCertificate, .tlsKey,
            .witnesses:
            true
        default: false
        }
    }

    /// What it is for, in one sentence without its default.
    var help: String {
        switch self {
        case .data: "The data directory: the log's store."
        case .anchor:
            "The file that remembers the last signed head; best on another disk, and not in the data's backups."
        case .checkpointKey: "The secret key that signs checkpoints."
        case .receiptKey: "The secret key that signs receipts."
        case .statementKey: "The secret key that signs the log's own statements."
        case .nextKeys:
            "The directory with the keys that 'holdfast rotate' may put in their place, or has; without one no rotation is taken."
        case .mapSize: "The most that the data may grow to, in GiB; the file is sparse."
        case .retainState:
            "Of how many batches, the newest, the governance state can be read and proved; at least 1."
        case .host: "The name or address to listen on."
        case .port: "The port to listen on; 0 lets the system choose."
        case .baseURL: "Where clients find the log, such as https://log.example.com; locations begin with it."
        case .tlsCertificate: "The certificate chain (PEM) for HTTPS."
        case .tlsKey: "The certificate's private key (PEM)."
        case .allowPlainHTTP: "Serve plain HTTP on other addresses than loopback: behind a proxy that speaks TLS."
        case .trustedProxies: "Addresses or ranges (10.0.0.0/8) of proxies whose X-Forwarded-For is believed."
        case .witnesses:
            "The policy file with the witnesses, their URLs and the quorum; without one there are none."
        case .witnessTimeout: "Seconds that one witness may take for one checkpoint."
        case .stateWitnessTimeout: "Seconds that a state witness may take to replay and cosign one checkpoint."
        case .recosignInterval: "Seconds after which the witnesses are asked again while nothing is appended."
        case .failOpen: "Publish heads without a quorum where there is none, instead of nothing."
        case .submissionRate: "Statements a second that one client may submit; 0 takes the rate of the log's policy."
        case .submissionBurst: "Statements that one client may submit at once; 0 takes the burst of the log's policy."
        case .readRate: "Reads a second that one client may make."
        case .readBurst: "Reads that one client may make at once."
        case .maxStatementBytes: "Bytes of one submitted statement; 0 takes the policy's limit and some room."
        case .maxSequenceBytes: "Bytes of many statements in one request."
        case .maxSequenceCount: "Statements in one request."
        case .maxBodyBytesInFlight: "Bytes of all request bodies that are being worked on."
        case .maxHeaderBytes: "Bytes of a request's header fields."
        case .maxHeaderCount: "Header fields of a request."
        case .maxConcurrentRequests: "Requests that are being answered at one time."
        case .maxConnections: "Open connections."
        case .maxConnectionsPerClient: "Open connections of one client."
        case .maxBatch: "Statements in one batch, which is one commit and one seal."
        case .maxBatchBytes: "Bytes of statements in one batch."
        case .maxInFlight: "Statements received and not yet answered."
        case .maxInFlightBytes: "Bytes of statements received and not yet answered."
        case .idleTimeout: "Seconds that a connection may be silent."
        case .bodyTimeout: "Seconds that a request's body may take to arrive."
        case .writeTimeout: "Seconds that a client may leave an answer unread."
        case .submissionTimeout: "Seconds that a submission may wait for its answer."
        case .stallTimeout: "Seconds without any answer after which the log says that it is not ready."
        case .retryAfter: "Seconds that an overloaded log asks its clients to wait."
        case .logLevel: "The least that is logged: trace, debug, info, notice, warning, error or critical."
        case .logFormat: "How it is logged, to standard error: text, json, or auto (text on a terminal, else json)."
        }
    }

    /// The name of its environment variable.
    var environment: String {
        "HOLDFAST_" + rawValue.uppercased().split(separator: "-").joined(separator: "_")
    }

    /// The headings of the example file, at the first setting of each group.
    var heading: String? {
        switch self {
        case .data: "Where things are. Paths are relative to this file."
        case .host: "Who may reach it."
        case .witnesses: "Who watches it. Without a quorum of its witnesses a log publishes nothing."
        case .submissionRate: "How fast. Past a limit the client is told when to come again (429)."
        case .maxStatementBytes: "How much at once. Past a limit the client gets 413 or 503, and nothing is half done."
        case .idleTimeout: "How long, in seconds."
        case .logLevel: "What it says, on standard error."
        default: nil
        }
    }
}

extension ServeSetting.Value {
    /// As YAML, on one line.
    var yaml: String {
        switch self {
        case .text(let text): text.isEmpty ? "\"\"" : Self.quoted(text)
        case .number(let number): String(number)
        case .flag(let flag): String(flag)
        case .list(let list): "[" + list.map(Self.quoted).joined(separator: ", ") + "]"
        }
    }

    private static func quoted(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "-"),
                UInt8(ascii: "_"):
                true
            default: false
            }
        }
        let isWord = text.utf8.first.map { $0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z") } ?? false
        if isPlain && (isWord || text.hasPrefix("/")) { return text }
        return "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}
