public import COSE
public import Tlog

/// The end of a batch: the log's own entry that says when the batch was, how many statements it has, and what the
/// governance state is after them.
///
/// It is a `log.seal` event in the stream of the same name, whose issuer and subject are the log's origin, signed with
/// the policy's statement key.
///
/// ```cddl
/// seal-data = { "statements": uint, "stateRoot": bstr .size 32 }
/// ```
public struct Seal: Sendable, Hashable {
    /// The stream of seals.
    public static let stream = "log.seal"

    /// The batch's time in ms since 1970, never less than the seal's before: the only clock of the fold.
    public let time: UInt64
    /// Entries between the seal before this one and this one.
    public let statements: UInt64
    /// The root of the Merkle map of the state after them.
    public let stateRoot: Hash
    /// How many seals are before it.
    public let seq: UInt64
    /// The leaf hash of the seal before it; nil if there is none.
    public let prev: Hash?

    public init(time: UInt64, statements: UInt64, stateRoot: Hash, seq: UInt64, prev: Hash?) {
        precondition((seq == 0) == (prev == nil), "the first seal, and only it, has no predecessor")
        self.time = time
        self.statements = statements
        self.stateRoot = stateRoot
        self.seq = seq
        self.prev = prev
    }

    /// Signs the seal as a log's entry.
    public func statement(origin: Origin, key: Ed25519.SigningKey) -> SignedStatement {
        do {
            let event = try Event(
                type: EventType.seal, stream: Seal.stream, seq: seq, prev: prev, time: time,
                data: ["statements": .unsigned(statements), "stateRoot": .bytes(stateRoot.bytes)])
            return try SignedStatement.sign(
                payload: event.encoded(), contentType: Event.contentType, issuer: origin.text, subject: origin.text,
                key: key)
        } catch {
            preconditionFailure("a seal has no parts that cannot be signed: \(error)")
        }
    }

    /// Reads a seal from a log's entry. Its signature and its place in the log are not checked here.
    ///
    /// - Throws: ``SealError`` if the entry does not have the form of a seal of this log.
    public init(_ statement: SignedStatement, origin: Origin) throws(SealError) {
        let event = try Self.event(of: statement, origin: origin)
        guard event.type == EventType.seal, event.stream.hasSameUTF8(as: Seal.stream) else {
            throw .notASeal(type: event.type, stream: event.stream)
        }
        do {
            let fields = try FieldReader(event.data, path: "", fields: ["statements", "stateRoot"])
            self.init(
                time: event.time, statements: try fields.unsigned("statements"),
                stateRoot: try fields.hash("stateRoot"), seq: event.seq, prev: event.prev)
        } catch {
            throw .fields(error)
        }
    }

    /// The event in an entry of the log's own.
    static func event(of statement: SignedStatement, origin: Origin) throws(SealError) -> Event {
        guard statement.header.contentType.hasSameUTF8(as: Event.contentType) else {
            throw .contentType(statement.header.contentType)
        }
        guard statement.header.issuer.hasSameUTF8(as: origin.text),
            statement.header.subject.hasSameUTF8(as: origin.text)
        else { throw .issuer(statement.header.issuer, subject: statement.header.subject) }
        let event: Event
        do { event = try Event(decoding: statement.payload) } catch { throw .event(error) }
        guard event.trace == nil else { throw .fields(.unknownField("trace")) }
        return event
    }
}

/// Why an entry does not have the form of a seal.
public enum SealError: NamedFailure, Hashable {
    case contentType(String)
    /// Issuer and subject of a seal are the origin.
    case issuer(String, subject: String)
    case event(EventError)
    case notASeal(type: String, stream: String)
    case fields(FieldError)

    public var reason: String {
        switch self {
        case .contentType: "content-type"
        case .issuer: "issuer"
        case .event(let error): error.reason
        case .notASeal: "not-a-seal"
        case .fields(let error): error.reason
        }
    }
}

extension SealError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .contentType(let type): "a seal has the content type of events, not '\(type)'"
        case .issuer(let issuer, let subject):
            "issuer and subject of a seal are the log's origin, not '\(issuer)' and '\(subject)'"
        case .event(let error): "\(error)"
        case .notASeal(let type, let stream): "the event is a '\(type)' in stream '\(stream)', not a seal"
        case .fields(let error): "the seal: \(error)"
        }
    }
}
