public import COSE

/// What the entries that have something in common are listed under, in the order of the log: a deterministic CBOR array
/// of the kind of list and what its entries have in common.
///
/// Lists are an index of the log, made from its entries by whoever keeps them; they are no part of the state, and
/// nothing proves that one is complete.
///
/// ```cddl
/// listing-key = ["issuer", tstr] / ["subject", tstr]
///             / ["type", tstr]                 ; the type of an event, the content type of what is none
///             / ["child", home: tstr, id: tstr] ; starts of executions that name this one as a parent
/// ```
public enum ListingKey: Sendable, Hashable {
    /// Statements of an issuer.
    case issuer(String)
    /// Statements about a subject.
    case subject(String)
    /// Events of a type, such as `grant.issue`, or opaque evidence of a content type, such as `application/json`.
    case type(String)
    /// The `execution.start` statements that name an execution as a parent.
    case child(of: ExecutionID)

    /// The deterministic encoding.
    public var bytes: [UInt8] {
        var writer = CBORWriter(capacity: 96)
        write(to: &writer)
        return writer.bytes
    }

    /// Appends the deterministic encoding.
    package func write(to writer: inout CBORWriter) {
        switch self {
        case .issuer(let issuer): Self.write("issuer", issuer, to: &writer)
        case .subject(let subject): Self.write("subject", subject, to: &writer)
        case .type(let type): Self.write("type", type, to: &writer)
        case .child(let parent):
            writer.array(count: 3)
            writer.text("child")
            writer.text(parent.home)
            writer.text(parent.id)
        }
    }

    /// Whether both are encoded alike. Swift's own equality also holds between different spellings of one character.
    package func hasSameBytes(as other: ListingKey) -> Bool {
        switch (self, other) {
        case (.issuer(let left), .issuer(let right)), (.subject(let left), .subject(let right)),
            (.type(let left), .type(let right)):
            left.hasSameUTF8(as: right)
        case (.child(let left), .child(let right)):
            left.home.hasSameUTF8(as: right.home) && left.id.hasSameUTF8(as: right.id)
        default: false
        }
    }

    private static func write(_ kind: String, _ common: String, to writer: inout CBORWriter) {
        writer.array(count: 2)
        writer.text(kind)
        writer.text(common)
    }

    /// The lists that an admitted statement is in, none twice. The log's own seals are in none.
    ///
    /// - Parameter decoded: the event in the statement's payload, where the caller has read it from there already.
    public static func lists(of statement: SignedStatement, event decoded: Event? = nil) -> [ListingKey] {
        var keys: [ListingKey] = []
        forEachList(of: statement, event: decoded) { keys.append($0) }
        return keys
    }

    /// Calls `body` with the same.
    package static func forEachList(
        of statement: SignedStatement, event decoded: Event? = nil, _ body: (ListingKey) -> Void
    ) {
        let header = statement.header
        var event = decoded
        if event == nil, header.isEvent {
            event = try? Event(payloadOf: statement)
        }
        if event?.type == EventType.seal { return }
        body(.issuer(header.issuer))
        body(.subject(header.subject))
        body(.type(event?.type ?? header.contentType))
        if let event, event.type == StatementType.executionStart.rawValue,
            let start = try? ExecutionStart(event.data)
        {
            for parent in start.parents { body(.child(of: parent)) }
        }
    }
}
