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
    public static let contentType = ContentType.event

    /// All there is, behind one reference: an event goes with its statement on its way into a log.
    @usableFromInline
    final class Fields: Sendable {
        @usableFromInline let type: String
        @usableFromInline let stream: String
        @usableFromInline let seq: UInt64
        @usableFromInline let prev: Hash?
        @usableFromInline let time: UInt64
        let data: EventData
        @usableFromInline let trace: TraceContext?

        init(
            type: String, stream: String, seq: UInt64, prev: Hash?, time: UInt64, data: EventData,
            trace: TraceContext?
        ) {
            self.type = type
            self.stream = stream
            self.seq = seq
            self.prev = prev
            self.time = time
            self.data = data
            self.trace = trace
        }
    }

    @usableFromInline let fields: Fields

    /// What happened: dotted lowercase words, such as `runtime.heartbeat`.
    @inlinable public var type: String { fields.type }
    /// Which of its issuer's streams the event continues.
    @inlinable public var stream: String { fields.stream }
    /// Its place in the stream, from 0 without gaps.
    @inlinable public var seq: UInt64 { fields.seq }
    /// The leaf hash of the statement before it in the stream; nil at seq 0 and only there.
    @inlinable public var prev: Hash? { fields.prev }
    /// When the issuer says it happened: ms since 1970.
    @inlinable public var time: UInt64 { fields.time }
    @inlinable public var trace: TraceContext? { fields.trace }
    /// The content, as the type wants it. Of an event that was read it is decoded each time: most events are of types
    /// whose content no rule reads.
    public var data: CBOR { fields.data.item }

    /// An event of these fields.
    ///
    /// - Throws: ``EventError`` for a type, a stream, or a seq and prev that cannot be.
    public init(
        type: String, stream: String, seq: UInt64, prev: Hash?, time: UInt64, data: CBOR, trace: TraceContext? = nil
    ) throws(EventError) {
        try self.init(type: type, stream: stream, seq: seq, prev: prev, time: time, data: .item(data), trace: trace)
    }

    private init(
        type: String, stream: String, seq: UInt64, prev: Hash?, time: UInt64, data: EventData, trace: TraceContext?
    ) throws(EventError) {
        guard TextRule.isEventType(type) else { throw .type(type) }
        guard TextRule.isName(stream, 1...256) else { throw .stream(stream) }
        guard (seq == 0) == (prev == nil) else { throw .prevAtSeq(seq) }
        fields = Fields(
            type: type, stream: stream, seq: seq, prev: prev, time: time, data: data, trace: trace)
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
        if let event = Event(inOrder: payload, in: 0..<payload.count) {
            self = event
        } else {
            try self.init(item: payload)
        }
    }

    /// Reads the payload of a statement where it stands in the statement's bytes.
    public init(payloadOf statement: SignedStatement) throws(EventError) {
        if let event = Event(inOrder: statement.entryBytes, in: statement.payloadRange) {
            self = event
        } else {
            try self.init(item: statement.payload)
        }
    }

    /// Reads any payload as one item, and says what is wrong with it.
    private init(item payload: [UInt8]) throws(EventError) {
        let item: CBOR
        do { item = try CBOR(decoding: payload) } catch { throw .cbor(error) }
        guard case .map(let map) = item else { throw .notMap }
        try self.init(map)
    }

    init(_ map: CBORMap) throws(EventError) {
        for entry in map.entries {
            guard case .text(let name) = entry.key else { throw .unknownField("\(entry.key)") }
            guard Event.names.contains(where: name.hasSameUTF8) else { throw .unknownField(name) }
        }
        guard let prevItem = map["prev"] else { throw .missingField("prev") }
        let prev = try prevItem.isNull ? nil : Event.hash(prevItem)
        guard let data = map["data"] else { throw .missingField("data") }
        try self.init(
            type: Event.text(map, "type"), stream: Event.text(map, "stream"), seq: Event.unsigned(map, "seq"),
            prev: prev, time: Event.unsigned(map, "time"), data: data, trace: Event.trace(map["trace"]))
    }

    /// Reads the fields one after the other: the deterministic order, by the length of the keys and then by their bytes,
    /// says where each stands. Nil for whatever is not an event; what is wrong with it is found by reading it whole.
    private init?(inOrder bytes: [UInt8], in range: Range<Int>) {
        var reader = CBORReader(bytes, in: range, limits: EventData.limits, keyOrder: .deterministic)
        do {
            let count = try reader.mapHead()
            guard count == 6 || count == 7, reader.skip(Key.seq) else { return nil }
            let seq = try reader.unsigned()
            guard reader.skip(Key.data) else { return nil }
            let data = EventData.encoded(bytes, try reader.checkedItem())
            guard reader.skip(Key.prev) else { return nil }
            var prev: Hash?
            if !reader.skip(0xf6) {
                prev = try reader.hash()
                guard prev != nil else { return nil }
            }
            guard reader.skip(Key.time) else { return nil }
            let time = try reader.unsigned()
            guard reader.skip(Key.type) else { return nil }
            let type = try reader.text()
            guard count == 6 || reader.skip(Key.trace) else { return nil }
            let trace = count == 7 ? try Event.trace(reader.item()) : nil
            guard reader.skip(Key.stream) else { return nil }
            let stream = try reader.text()
            try reader.finish()
            try self.init(type: type, stream: stream, seq: seq, prev: prev, time: time, data: data, trace: trace)
        } catch {
            return nil
        }
    }

    private enum Key {
        static let seq = TextKey("seq")
        static let data = TextKey("data")
        static let prev = TextKey("prev")
        static let time = TextKey("time")
        static let type = TextKey("type")
        static let trace = TextKey("trace")
        static let stream = TextKey("stream")
    }

    private static let names = ["type", "stream", "seq", "prev", "time", "data", "trace"]

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
