public import COSE
import Governance
import Tlog

/// What an issuer remembers of a stream between two runs: the next place, and the statements that it signed and that
/// no log has acknowledged to it yet.
///
/// It is there so that an issuer never signs two statements for one place, whatever the log says: a statement is
/// recorded as pending before it is sent, and sent again as it is until the log has answered.
public struct StreamRecord: Sendable, Hashable {
    public let name: StreamName
    /// The place after every acknowledged statement.
    public private(set) var next: StreamPlace
    /// Signed, in order, starting at `next`; not acknowledged.
    public private(set) var pending: [SignedStatement]

    public init(name: StreamName, next: StreamPlace) {
        self.name = name
        self.next = next
        pending = []
    }

    /// The place that a new statement takes: after those that are pending.
    public var place: StreamPlace {
        guard let last = pending.last else { return next }
        return StreamPlace(seq: next.seq + UInt64(pending.count), prev: last.leafHash)
    }

    /// Adds a statement that was just signed for ``place``.
    public mutating func sign(_ statement: SignedStatement) {
        pending.append(statement)
    }

    /// The log has the first pending statement.
    public mutating func acknowledge() {
        guard !pending.isEmpty else { return }
        let statement = pending.removeFirst()
        next = StreamPlace(seq: next.seq + 1, prev: statement.leafHash)
    }

    /// Forgets what is pending: the log refused it for good, so these places are free again.
    public mutating func withdraw() {
        pending.removeAll()
    }

    // MARK: Text

    public enum Malformed: Error, Sendable, Hashable {
        case field(String)
        case otherStream
        case otherFormat(UInt64)
    }

    static let format: UInt64 = 1

    /// JSON, one object.
    public var json: String {
        let value = JSON.object([
            JSONMember("format", JSON(Self.format)), JSONMember("origin", .string(name.origin.text)),
            JSONMember("issuer", .string(name.issuer)), JSONMember("stream", .string(name.stream)),
            JSONMember("key", .string(name.key.hex)), JSONMember("seq", JSON(next.seq)),
            JSONMember("prev", next.prev.map { .string($0.hex) } ?? .null),
            JSONMember("pending", .array(pending.map { .string(Base64.encode($0.entryBytes)) })),
        ])
        return value.text() + "\n"
    }

    /// Reads what `json` wrote, if it is about the stream asked for and holds together.
    public init(parsing bytes: [UInt8], of name: StreamName) throws(Malformed) {
        let value: JSON
        do { value = try JSON(parsing: bytes) } catch { throw .field("JSON: \(error)") }
        guard let format = value["format"]?.unsignedValue else { throw .field("format") }
        guard format == Self.format else { throw .otherFormat(format) }
        guard value["origin"]?.stringValue == name.origin.text, value["issuer"]?.stringValue == name.issuer,
            value["stream"]?.stringValue == name.stream, value["key"]?.stringValue == name.key.hex
        else { throw .otherStream }
        guard let seq = value["seq"]?.unsignedValue else { throw .field("seq") }
        guard let prevField = value["prev"] else { throw .field("prev") }
        let prev = prevField.stringValue.flatMap { Hash(hex: $0) }
        guard prevField.isNull || prev != nil, (seq == 0) == (prev == nil) else { throw .field("prev") }
        self.init(name: name, next: StreamPlace(seq: seq, prev: prev))
        guard let list = value["pending"]?.arrayValue else { throw .field("pending") }
        for item in list {
            guard let text = item.stringValue, let bytes = Base64.decode(text),
                let statement = try? SignedStatement(decoding: bytes),
                let event = try? Event(decoding: statement.payload), statement.header.issuer == name.issuer,
                event.stream == name.stream, StreamPlace(seq: event.seq, prev: event.prev) == place
            else { throw .field("pending") }
            pending.append(statement)
        }
    }
}
