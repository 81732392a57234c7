public import COSE
public import Tlog

/// What a governance statement says: one link of the stream of its issuer.
///
/// ```cddl
/// event = {
///   "type": tstr, "stream": tstr, "seq": uint, "prev": (bstr .size 32) / null, "time": uint,
///   "data": any, ? "trace": { "traceparent": tstr, ? "tracestate": tstr },
/// }
/// ```
///
/// A payload is the deterministic encoding of this map and nothing else.
public struct Event: Sendable {
    /// The media type of payloads that are events.
    public static let contentType = "application/vnd.holdfast.event+cbor"

    /// What happened: dotted lowercase words, such as `runtime.heartbeat`.
    public let type: String
    /// Which of its issuer's streams the event continues.
    public let stream: String
    /// Its place in the stream, from 0 without gaps.
    public let seq: UInt64
    /// The leaf hash of the statement before it in the stream; nil at seq 0 and only there.
    public let prev: Hash?
    /// When the issuer says it happened: ms since 1970.
    public let time: UInt64
    /// The content, as the type wants it.
    public let data: CBOR
    public let trace: TraceContext?

    /// An event of these fields.
    ///
    /// - Throws: ``EventError`` for a type, a stream, or a seq and prev that cannot be.
    public init(
        type: String, stream: String, seq: UInt64, prev: Hash?, time: UInt64, data: CBOR, trace: TraceContext? = nil
    ) throws(EventError) {
        guard TextRule.isEventType(type) else { throw .type(type) }
        guard TextRule.isName(stream, 1...256) else { throw .stream(stream) }
        guard (seq == 0) == (prev == nil) else { throw .prevAtSeq(seq) }
        self.type = type
        self.stream = stream
        self.seq = seq
        self.prev = prev
        self.time = time
        self.data = data
        self.trace = trace
    }
}

extension Event: Hashable {
    public static func == (left: Event, right: Event) -> Bool {
        left.cbor == right.cbor
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(cbor)
    }
}

extension Event {
    /// Reads the payload of a statement: deterministic CBOR, all fields known.
    public init(decoding payload: [UInt8]) throws(EventError) {
        let item: CBOR
        do { item = try CBOR(decoding: payload) } catch { throw .cbor(error) }
        guard case .map(let map) = item else { throw .notMap }
        try self.init(map)
    }

    init(_ map: CBORMap) throws(EventError) {
        for entry in map.entries {
            guard case .text(let name) = entry.key else { throw .unknownField("\(entry.key)") }
            guard Event.fields.contains(where: name.hasSameUTF8) else { throw .unknownField(name) }
        }
        guard let prevItem = map["prev"] else { throw .missingField("prev") }
        let prev = try prevItem.isNull ? nil : Event.hash(prevItem)
        guard let data = map["data"] else { throw .missingField("data") }
        try self.init(
            type: Event.text(map, "type"), stream: Event.text(map, "stream"), seq: Event.unsigned(map, "seq"),
            prev: prev, time: Event.unsigned(map, "time"), data: data, trace: Event.trace(map["trace"]))
    }

    private static let fields = ["type", "stream", "seq", "prev", "time", "data", "trace"]

    private static func text(_ map: CBORMap, _ name: String) throws(EventError) -> String {
        guard let item = map[.text(name)] else { throw .missingField(name) }
        guard let text = item.textValue else { throw .wrongKind(field: name) }
        return text
    }

    private static func unsigned(_ map: CBORMap, _ name: String) throws(EventError) -> UInt64 {
        guard let item = map[.text(name)] else { throw .missingField(name) }
        guard let number = item.unsignedValue else { throw .wrongKind(field: name) }
        return number
    }

    private static func hash(_ item: CBOR) throws(EventError) -> Hash {
        guard let bytes = item.bytesValue, let hash = Hash(bytes) else { throw .wrongKind(field: "prev") }
        return hash
    }

    private static func trace(_ item: CBOR?) throws(EventError) -> TraceContext? {
        guard let item else { return nil }
        guard case .map(let map) = item, let parent = map["traceparent"]?.textValue else { throw .trace }
        let state = map["tracestate"]
        guard map.count == (state == nil ? 1 : 2), state == nil || state?.textValue != nil,
            let trace = TraceContext(traceparent: parent, tracestate: state?.textValue)
        else { throw .trace }
        return trace
    }

    /// The event as a CBOR item.
    public var cbor: CBOR {
        var map: CBORMap = [
            "type": .text(type), "stream": .text(stream), "seq": .unsigned(seq),
            "prev": prev.map { .bytes($0.bytes) } ?? .null, "time": .unsigned(time), "data": data,
        ]
        map["trace"] = trace?.cbor
        return .map(map)
    }

    /// The deterministic encoding: a statement's payload.
    public func encoded() -> [UInt8] { cbor.encoded() }
}

extension TraceContext {
    var cbor: CBOR {
        var map: CBORMap = ["traceparent": .text(traceparent)]
        map["tracestate"] = tracestate.map { .text($0) }
        return .map(map)
    }
}
