public import Tlog

/// The logs that a witness watches, each with the keys it trusts for that log.
///
/// tlog-witness: "Each witness is configured with a list of supported log public keys. For each log, uniquely identified
/// by its origin line, the witness is only required to keep track of the latest checkpoint it observed and verified."
///
/// Read from a file in the line syntax of tlog-policy. A line is a log's verifier key, alone or with a comment:
///
///     example.com/log+5b4e1a0c+AZ…   # operated by Example
///
/// or as a policy has it:
///
///     log example.com/log+5b4e1a0c+AZ… https://log.example.com
///
/// A policy's other lines are passed over, so that a policy file serves as it is. A log that is changing its key has a
/// line for each of its keys.
public struct KnownLogs: Sendable, Hashable {
    /// Every key, in the order of the file.
    public let keys: [VerifierKey]
    private let byOrigin: [KeyName: [VerifierKey]]

    /// Keys that a log may have. Each adds a signature line to what is recorded of the log.
    public static let maxKeysOfLog = 16

    private init(keys: [VerifierKey]) {
        self.keys = keys
        byOrigin = Dictionary(grouping: keys, by: \.name)
    }

    /// Throws unless every line of `file` is one that this type knows.
    public init(parsing file: [UInt8]) throws(KnownLogsError) {
        let lines: [TlogPolicy.Line]
        do { lines = try TlogPolicy.lines(of: file) } catch { throw .file(error) }
        var keys: [VerifierKey] = []
        var seen: Set<VerifierKey> = []
        var counts: [KeyName: Int] = [:]
        for line in lines {
            guard let key = try Self.key(on: line) else { continue }
            guard seen.insert(key).inserted else { throw .duplicate(key, line: line.number) }
            counts[key.name, default: 0] += 1
            guard counts[key.name, default: 0] <= Self.maxKeysOfLog else {
                throw .tooManyKeys(key.name, limit: Self.maxKeysOfLog, line: line.number)
            }
            keys.append(key)
        }
        self.init(keys: keys)
    }

    /// The keys that are trusted for an origin; none where the log is unknown.
    public func keys(for origin: Origin) -> [VerifierKey] { byOrigin[origin.keyName] ?? [] }

    /// Number of logs; one may have several keys.
    public var logCount: Int { byOrigin.count }

    public var isEmpty: Bool { keys.isEmpty }

    /// The log key on a line; nil for a policy's line about something else.
    private static func key(on line: TlogPolicy.Line) throws(KnownLogsError) -> VerifierKey? {
        let item: TlogPolicy.Name
        if line.keyword == "log" {
            // tlog-policy: "log <vkey> [<url>]"
            guard (2...3).contains(line.items.count) else { throw .items(line: line.number) }
            item = line.items[1]
        } else if TlogPolicy.keywords.contains(line.keyword) {
            return nil
        } else {
            guard line.items.count == 1 || line.items[1].bytes.first == UInt8(ascii: "#") else {
                throw .items(line: line.number)
            }
            item = line.items[0]
        }
        guard let text = String(validating: item.bytes, as: UTF8.self) else { throw .key(.notUTF8, line: line.number) }
        let key: VerifierKey
        do { key = try VerifierKey(parsing: text) } catch { throw .key(error, line: line.number) }
        // tlog-policy: "Log and witness keys must use a signature type approprate respective function"
        guard key.type == .ed25519 else { throw .keyType(key.type, line: line.number) }
        return key
    }
}

/// What was wrong with a list of logs. Lines are counted from 1.
public enum KnownLogsError: NamedFailure, Hashable {
    /// Not lines of text as tlog-policy has them.
    case file(TlogPolicyError)
    /// Too few items on a line, or more than a key and a comment.
    case items(line: Int)
    /// Not a verifier key.
    case key(NoteError, line: Int)
    /// A key that no log signs its checkpoints with, such as a witness's.
    case keyType(SignatureType, line: Int)
    /// The same key a second time.
    case duplicate(VerifierKey, line: Int)
    /// A log has more keys than it may.
    case tooManyKeys(KeyName, limit: Int, line: Int)

    public var reason: String {
        switch self {
        case .file(let error): error.reason
        case .items: "logs-item-count"
        case .key(let error, _): error.reason
        case .keyType: "logs-key-type"
        case .duplicate: "logs-duplicate"
        case .tooManyKeys: "logs-too-many-keys"
        }
    }
}

extension KnownLogsError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .file(let error): "it is not a list of logs (\(error))"
        case .items(let line): "line \(line) is not a verifier key, alone or with a # comment, nor 'log VKEY [URL]'"
        case .key(let error, let line): "the verifier key on line \(line) can't be read: \(error.reason)"
        case .keyType(let type, let line): "the key on line \(line) is of type \(type), and a log's is 0x01"
        case .duplicate(let key, let line): "the key on line \(line) stands in the list twice: \(key)"
        case .tooManyKeys(let name, let limit, let line):
            "with line \(line) the log \(name) has more than \(limit) keys"
        }
    }
}
