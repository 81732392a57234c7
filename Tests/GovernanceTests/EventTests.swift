import COSE
import Governance
import Testing
import Tlog

@Suite("Events")
struct EventTests {
    private func map(_ change: (inout CBORMap) -> Void = { _ in }) -> [UInt8] {
        var map: CBORMap = [
            "type": "runtime.heartbeat", "stream": "s", "seq": 1, "prev": .bytes(Hash.zero.bytes), "time": 5,
            "data": nil,
        ]
        change(&map)
        return CBOR.map(map).encoded()
    }

    @Test("comes back from CBOR and from JSON")
    func identity() throws {
        let trace = TraceContext(
            traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", tracestate: "a=b")
        let event = try Event(
            type: "build.finished", stream: "Straße 1", seq: 7, prev: Hash.sha256([1]), time: .max,
            data: [1: .bytes([1]), "n": -1], trace: trace)
        #expect(try Event(decoding: event.encoded()) == event)
        #expect(try Event(JSON(parsing: event.json.text(.pretty))) == event)
        #expect(event.json["prev"] == .string(Hash.sha256([1]).hex))
        #expect(event.json["trace"]?["tracestate"] == "a=b")
        let first = try heartbeat()
        #expect(try Event(first.json) == first)
        #expect(first.json["prev"] == .null)
    }

    @Test("has the bytes that the specification says")
    func bytes() throws {
        let event = try Event(type: "a.b", stream: "s", seq: 0, prev: nil, time: 1, data: 2)
        // Keys in bytewise order of their encodings: seq, data, prev, time, type, stream.
        let expected =
            "a6" + "6373657100" + "646461746102" + "6470726576f6" + "6474696d6501" + "647479706563612e62"
            + "6673747265616d6173"
        #expect(Hex.encode(event.encoded()) == expected)
    }

    @Test("refuses a payload that is no event, with the reason")
    func refusals() throws {
        let cases: [([UInt8], EventError)] = [
            ([], .cbor(.endOfInput(offset: 0))), (map() + [0], .cbor(.trailingBytes(offset: map().count))),
            (CBOR.array([]).encoded(), .notMap), (map { $0["extra"] = 1 }, .unknownField("extra")),
            (map { $0[1] = 1 }, .unknownField("1")), (map { $0["data"] = nil }, .missingField("data")),
            (map { $0["prev"] = nil }, .missingField("prev")), (map { $0["type"] = nil }, .missingField("type")),
            (map { $0["seq"] = -1 }, .wrongKind(field: "seq")), (map { $0["time"] = "5" }, .wrongKind(field: "time")),
            (map { $0["prev"] = .bytes([1]) }, .wrongKind(field: "prev")),
            (map { $0["stream"] = .bytes([1]) }, .wrongKind(field: "stream")),
            (map { $0["seq"] = 0 }, .prevAtSeq(0)), (map { $0["prev"] = .null }, .prevAtSeq(1)),
            (map { $0["trace"] = "00" }, .trace),
        ]
        for (payload, error) in cases {
            #expect(throws: error) { try Event(decoding: payload) }
        }
    }

    @Test("a payload with random changes is refused, or is the one encoding of what it says")
    func changes() throws {
        var random = SeededNumbers(seed: 3)
        let trace = TraceContext(
            traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", tracestate: "a=b")
        let seeds = [
            try heartbeat().encoded(),
            try Event(
                type: "build.finished", stream: "s", seq: 7, prev: Hash.sha256([1]), time: 5, data: ["n": [1, "x"]],
                trace: trace
            ).encoded(),
        ]
        var accepted = 0
        for round in 0..<20_000 {
            var payload = seeds[round % seeds.count]
            let place = Int.random(in: 0..<payload.count, using: &random)
            payload[place] = UInt8.random(in: 0...255, using: &random)
            guard let event = try? Event(decoding: payload) else { continue }
            accepted += 1
            #expect(event.encoded() == payload)
        }
        #expect(accepted > 1000)
    }

    @Test("data may be as deep and have as many items as a payload may, and no more")
    func limits() throws {
        func nested(_ depth: Int) -> CBOR { (1..<depth).reduce(CBOR.null) { item, _ in .array([item]) } }
        func wide(_ count: Int) -> CBOR { .array([CBOR](repeating: 0, count: count)) }
        // The map, six keys, five other values and the array itself.
        let rest = 13
        for data in [nested(15), wide(10_000 - rest)] {
            let payload = map { $0["data"] = data }
            #expect(try Event(decoding: payload).data == data)
        }
        for data in [nested(16), wide(10_000 - rest + 1)] {
            let payload = map { $0["data"] = data }
            #expect { try Event(decoding: payload) } throws: { error in
                if case .cbor? = error as? EventError { true } else { false }
            }
        }
    }

    @Test(
        "refuses types that are not dotted lowercase words",
        arguments: ["", "a", "a.", ".a", "a..b", "A.b", "a.b_c", "a.1b", "a.b-", "é.b", "a.b ", "a.\u{212a}"])
    func types(_ type: String) {
        #expect(throws: EventError.type(type)) { try heartbeat(type: type) }
    }

    @Test("takes types and streams up to their bounds")
    func bounds() throws {
        _ = try heartbeat(stream: String(repeating: "é", count: 128), type: "a." + String(repeating: "b", count: 62))
        #expect(throws: EventError.self) { try heartbeat(type: "a." + String(repeating: "b", count: 63)) }
        for stream in ["", String(repeating: "s", count: 257), "a\nb", "\u{7f}", "\u{85}", "\u{2028}", "\0"] {
            #expect(throws: EventError.stream(stream)) { try heartbeat(stream: stream) }
        }
    }

    @Test(
        "refuses trace parents that W3C does not allow",
        arguments: [
            "", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
        ])
    func traceparent(_ text: String) {
        #expect(TraceContext(traceparent: text) == nil)
    }

    @Test("a draft may leave out its place and its time, and nothing else")
    func drafts() throws {
        let prev = Hash.sha256([9])
        let draft = try EventDraft(JSON(parsing: #"{"type":"a.b","stream":"s","data":{"x":1}}"#))
        let event = try draft.event(place: EventDraft.Place(seq: 3, prev: prev), time: 4)
        #expect(event == (try Event(type: "a.b", stream: "s", seq: 3, prev: prev, time: 4, data: ["x": 1])))
        let whole = try EventDraft(event.json).event(place: .first, time: 0)
        #expect(whole == event)
        let refusals: [(String, EventError)] = [
            (#"[]"#, .notMap), (#"{"type":"a.b","stream":"s"}"#, .missingField("data")),
            (#"{"type":"a.b","data":1}"#, .missingField("stream")),
            (#"{"type":"a.b","stream":"s","data":1,"x":1}"#, .unknownField("x")),
            (#"{"type":"a.b","stream":"s","data":1,"seq":1}"#, .missingField("prev")),
            (#"{"type":"a.b","stream":"s","data":1,"prev":null}"#, .missingField("seq")),
            (#"{"type":"a.b","stream":"s","data":1,"seq":1,"prev":"AB"}"#, .wrongKind(field: "prev")),
            (#"{"type":"a.b","stream":"s","data":{"$x":1}}"#, .jsonCoding(.unknownForm("$x"))),
        ]
        for (text, error) in refusals {
            let json = try JSON(parsing: text)
            #expect(throws: error) { try EventDraft(json) }
        }
        #expect(throws: EventError.missingField("seq")) {
            try Event(JSON(parsing: #"{"type":"a.b","stream":"s","data":1,"time":1}"#))
        }
    }

    @Test("types that the log gives a meaning to are reserved")
    func reserved() {
        for type in ["log.seal", "log.rewind", "policy.get", "identity.lend", "grant.read", "lease.x", "trust.give"] {
            #expect(EventType.isReserved(type))
        }
        for type in StatementType.allCases { #expect(!EventType.isReserved(type.rawValue)) }
        for type in ["runtime.attest", "telemetry.digest", "execution.start", "logs.seal", "package.installed"] {
            #expect(!EventType.isReserved(type))
        }
    }
}
