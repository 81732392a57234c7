import COSE
import Tlog

/// Event bodies: their bytes, their JSON, and what is none.
enum GovernanceEventFixtures {
    static let document: FixtureValue = [
        "about": """
        Event bodies. A valid one is given in CBOR (hex) and in compact JSON, and each form gives the other exactly; \
        an invalid one has the reason of its refusal.
        """,
        "valid": .array(
            valid.map {
                ["name": .string($0.name), "cbor": .string(Hex.encode($0.item.encoded())), "json": .string($0.json)]
            }),
        "invalid": .array(
            invalid.map { ["name": .string($0.name), "cbor": .string($0.hex), "reason": .string($0.reason)] }),
        "invalidJSON": .array(
            invalidJSON.map { ["name": .string($0.0), "json": .string($0.1), "reason": .string($0.2)] }),
    ]

    private static let prev = Hash.sha256(Array("previous".utf8))
    private static let prevHex = prev.hex
    private static let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    private static let valid: [(name: String, item: CBOR, json: String)] = [
        (
            "first of a stream", GovernanceCast.event("runtime.heartbeat", "runtime-1", 0, nil, ["load": 3]),
            #"{"type":"runtime.heartbeat","stream":"runtime-1","seq":0,"prev":null,"time":1790000000000,"#
                + #""data":{"load":3}}"#
        ),
        (
            "next of a stream", GovernanceCast.event("build.step-2.done", "Straße", 1, prev, nil, time: 0),
            #"{"type":"build.step-2.done","stream":"Straße","seq":1,"prev":"\#(prevHex)","time":0,"data":null}"#
        ),
        (
            "numbers at their ends",
            GovernanceCast.event(
                "a.b", "s", .max, prev, [.unsigned(.max), .negative(.max), 0, -1], time: .max),
            #"{"type":"a.b","stream":"s","seq":18446744073709551615,"prev":"\#(prevHex)","#
                + #""time":18446744073709551615,"data":[18446744073709551615,-18446744073709551616,0,-1]}"#
        ),
        (
            "bytes, tags and maps that JSON has no objects for",
            GovernanceCast.event(
                "a.b", "s", 0, nil,
                ["bytes": .bytes([0xfb, 0xff]), "map": [1: "one", "$x": 2], "tag": .tagged(37, .bytes([1]))], time: 1),
            #"{"type":"a.b","stream":"s","seq":0,"prev":null,"time":1,"data":{"map":{"$map":[[1,"one"],["$x",2]]},"#
                + #""tag":{"$tag":37,"$value":{"$bytes":"AQ"}},"bytes":{"$bytes":"-_8"}}}"#
        ),
        (
            "with a trace", with("trace", ["traceparent": .text(trace), "tracestate": "vendor=1"]),
            #"{"type":"a.b","stream":"s","seq":0,"prev":null,"time":1,"data":2,"#
                + #""trace":{"tracestate":"vendor=1","traceparent":"\#(trace)"}}"#
        ),
    ]

    /// A small event with one field changed, or with nil left out.
    private static func with(_ field: CBOR, _ value: CBOR?) -> CBOR {
        guard case .map(var map) = GovernanceCast.event("a.b", "s", 0, nil, 2, time: 1) else { return .null }
        map[field] = value
        return .map(map)
    }

    private static func changed(
        _ name: String, _ field: CBOR, _ value: CBOR?, _ reason: String
    ) -> (name: String, hex: String, reason: String) {
        (name, Hex.encode(with(field, value).encoded()), reason)
    }

    private static let invalid: [(name: String, hex: String, reason: String)] = [
        ("nothing", "", "end-of-input"),
        ("no map", "80", "not-a-map"),
        ("a byte after the event", Hex.encode(with("seq", 0).encoded()) + "00", "trailing-bytes"),
        (
            "keys not in bytewise order",
            "a6" + "646461746102" + "6373657100" + "6470726576f6" + "6474696d6501" + "647479706563612e62"
                + "6673747265616d6173", "key-order"
        ),
        (
            "a number not in its shortest form",
            "a6" + "637365711800" + "646461746102" + "6470726576f6" + "6474696d6501" + "647479706563612e62"
                + "6673747265616d6173", "not-shortest"
        ),
        changed("an unknown field", "extra", 1, "unknown-field"),
        changed("a field that is no text", 1, 1, "unknown-field"),
        changed("no type", "type", nil, "missing-field"),
        changed("no stream", "stream", nil, "missing-field"),
        changed("no seq", "seq", nil, "missing-field"),
        changed("no prev", "prev", nil, "missing-field"),
        changed("no time", "time", nil, "missing-field"),
        changed("no data", "data", nil, "missing-field"),
        changed("a negative time", "time", -1, "wrong-kind"),
        changed("a prev of 31 bytes", "prev", .bytes([UInt8](repeating: 0, count: 31)), "wrong-kind"),
        changed("a prev in hex", "prev", .text(prevHex), "wrong-kind"),
        changed("a prev at seq 0", "prev", .bytes(prev.bytes), "prev"),
        changed("no prev at seq 1", "seq", 1, "prev"),
        changed("a type of one word", "type", "heartbeat", "type"),
        changed("a type in capitals", "type", "Runtime.heartbeat", "type"),
        changed("a type with an empty word", "type", "runtime..heartbeat", "type"),
        changed("a type of 65 characters", "type", .text("a." + String(repeating: "b", count: 63)), "type"),
        changed("an empty stream", "stream", "", "stream"),
        changed("a stream with a line break", "stream", "a\nb", "stream"),
        changed("a stream with a line separator", "stream", "a\u{2028}b", "stream"),
        changed("a stream of 257 bytes", "stream", .text(String(repeating: "s", count: 257)), "stream"),
        changed("a trace that is a text", "trace", .text(trace), "trace"),
        changed("a trace with another field", "trace", ["traceparent": .text(trace), "x": 1], "trace"),
        changed("a trace in capitals", "trace", ["traceparent": .text(trace.uppercased())], "trace"),
    ]

    private static let invalidJSON: [(String, String, String)] = [
        ("a fraction", #"{"type":"a.b","stream":"s","seq":0,"prev":null,"time":1.5,"data":2}"#, "not-a-whole-number"),
        (
            "a name twice", #"{"type":"a.b","type":"a.b","stream":"s","seq":0,"prev":null,"time":1,"data":2}"#,
            "duplicate-name"
        ),
        (
            "a number beyond 64 bits",
            #"{"type":"a.b","stream":"s","seq":0,"prev":null,"time":18446744073709551616,"data":2}"#,
            "number-out-of-range"
        ),
        (
            "padded base64url",
            #"{"type":"a.b","stream":"s","seq":0,"prev":null,"time":1,"data":{"$bytes":"AQ=="}}"#, "invalid-bytes"
        ),
        (
            "an unknown form", #"{"type":"a.b","stream":"s","seq":0,"prev":null,"time":1,"data":{"$float":1}}"#,
            "unknown-form"
        ),
        (
            "a map that an object could write",
            #"{"type":"a.b","stream":"s","seq":0,"prev":null,"time":1,"data":{"$map":[["a",1]]}}"#, "invalid-map"
        ),
        ("no time", #"{"type":"a.b","stream":"s","seq":0,"prev":null,"data":2}"#, "missing-field"),
        (
            "a prev in capitals",
            #"{"type":"a.b","stream":"s","seq":1,"prev":"\#(prevHex.uppercased())","time":1,"data":2}"#, "wrong-kind"
        ),
    ]
}
