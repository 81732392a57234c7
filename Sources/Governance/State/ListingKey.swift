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
public struct ListingKey: Sendable, Hashable {
    /// The deterministic encoding.
    public let bytes: [UInt8]

    private init(_ parts: String...) {
        bytes = CBORWriter.texts(parts)
    }

    /// Statements of an issuer.
    public static func issuer(_ issuer: String) -> ListingKey { ListingKey("issuer", issuer) }

    /// Statements about a subject.
    public static func subject(_ subject: String) -> ListingKey { ListingKey("subject", subject) }

    /// Events of a type, such as `grant.issue`, or opaque evidence of a content type, such as `application/json`.
    public static func type(_ type: String) -> ListingKey { ListingKey("type", type) }

    /// The `execution.start` statements that name an execution as a parent.
    public static func child(of parent: ExecutionID) -> ListingKey { ListingKey("child", parent.home, parent.id) }

    /// The lists that an admitted statement is in, none twice. The log's own seals are in none.
    ///
    /// - Parameter decoded: the event in the statement's payload, where the caller has read it from there already.
    public static func lists(of statement: SignedStatement, event decoded: Event? = nil) -> [ListingKey] {
        let header = statement.header
        var event = decoded
        if event == nil, header.contentType.hasSameUTF8(as: Event.contentType) {
            event = try? Event(payloadOf: statement)
        }
        if event?.type == EventType.seal { return [] }
        var keys = [issuer(header.issuer), subject(header.subject), type(event?.type ?? header.contentType)]
        if let event, event.type == StatementType.executionStart.rawValue,
            let start = try? ExecutionStart(event.data)
        {
            keys += start.parents.map { child(of: $0) }
        }
        return keys
    }
}
