public import COSE
public import Tlog

/// An event as people write it: what the log or the tool knows better may be left out.
///
/// In JSON the fields have the names of ``Event``; `prev` is lowercase hex or null, and `data` is as ``JSON/init(_:)``
/// defines. `seq`, `prev` and `time` may be missing, `seq` and `prev` only together.
public struct EventDraft: Sendable {
    /// Where in its stream an event stands.
    public struct Place: Sendable, Hashable {
        public let seq: UInt64
        public let prev: Hash?

        public init(seq: UInt64, prev: Hash?) {
            self.seq = seq
            self.prev = prev
        }

        /// The place of a stream's first event.
        public static let first = Place(seq: 0, prev: nil)
    }

    public var type: String
    public var stream: String
    public var place: Place?
    /// ms since 1970.
    public var time: UInt64?
    public var data: CBOR
    public var trace: TraceContext?

    public init(
        type: String, stream: String, place: Place? = nil, time: UInt64? = nil, data: CBOR,
        trace: TraceContext? = nil
    ) {
        self.type = type
        self.stream = stream
        self.place = place
        self.time = time
        self.data = data
        self.trace = trace
    }

    /// The event, with what the draft left out.
    public func event(place: Place, time: UInt64) throws(EventError) -> Event {
        let place = self.place ?? place
        return try Event(
            type: type, stream: stream, seq: place.seq, prev: place.prev, time: self.time ?? time, data: data,
            trace: trace)
    }

    /// Reads a draft from JSON.
    public init(_ json: JSON) throws(EventError) {
        guard let members = json.objectValue else { throw .notMap }
        for member in members where !EventDraft.fields.contains(where: member.name.hasSameUTF8) {
            throw .unknownField(member.name)
        }
        guard let data = json["data"] else { throw .missingField("data") }
        do { self.data = try data.cbor() } catch { throw .jsonCoding(error) }
        type = try EventDraft.text(json, "type")
        stream = try EventDraft.text(json, "stream")
        if let time = json["time"] {
            guard let number = time.unsignedValue else { throw .wrongKind(field: "time") }
            self.time = number
        }
        place = try EventDraft.place(json["seq"], json["prev"])
        trace = try EventDraft.trace(json["trace"])
    }

    private static let fields = ["type", "stream", "seq", "prev", "time", "data", "trace"]

    private static func text(_ json: JSON, _ name: String) throws(EventError) -> String {
        guard let value = json[name] else { throw .missingField(name) }
        guard let text = value.stringValue else { throw .wrongKind(field: name) }
        return text
    }

    private static func place(_ seq: JSON?, _ prev: JSON?) throws(EventError) -> Place? {
        if seq == nil && prev == nil { return nil }
        guard let seq else { throw .missingField("seq") }
        guard let number = seq.unsignedValue else { throw .wrongKind(field: "seq") }
        guard let prev else { throw .missingField("prev") }
        if prev.isNull { return Place(seq: number, prev: nil) }
        guard let hex = prev.stringValue, let hash = Hash(hex: hex) else { throw .wrongKind(field: "prev") }
        return Place(seq: number, prev: hash)
    }

    private static func trace(_ json: JSON?) throws(EventError) -> TraceContext? {
        guard let json else { return nil }
        guard let members = json.objectValue, let parent = json["traceparent"]?.stringValue else { throw .trace }
        let state = json["tracestate"]
        guard members.count == (state == nil ? 1 : 2), state == nil || state?.stringValue != nil,
            let trace = TraceContext(traceparent: parent, tracestate: state?.stringValue)
        else { throw .trace }
        return trace
    }
}

extension Event {
    /// The event in JSON, one to one: `prev` as lowercase hex or null, `data` as ``JSON/init(_:)`` writes it.
    public var json: JSON {
        var members = [
            JSONMember("type", .string(type)), JSONMember("stream", .string(stream)), JSONMember("seq", JSON(seq)),
            JSONMember("prev", prev.map { .string($0.hex) } ?? .null), JSONMember("time", JSON(time)),
            JSONMember("data", JSON(data)),
        ]
        if let trace { members.append(JSONMember("trace", JSON(trace.cbor))) }
        return .object(members)
    }

    /// Reads an event from JSON; all fields but `trace` must be there.
    public init(_ json: JSON) throws(EventError) {
        let draft = try EventDraft(json)
        guard let place = draft.place else { throw .missingField("seq") }
        guard let time = draft.time else { throw .missingField("time") }
        self = try draft.event(place: place, time: time)
    }
}
