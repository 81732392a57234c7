import COSE
import Governance
import Testing
import Tlog

@Suite("Keys of the state as text")
struct StateKeyTextTests {
    private static let hash = Hash.leaf([1])
    private static let hex = Hash.leaf([1]).hex
    private static let agent = "spiffe://example.org/agent"
    private static let agentText = "spiffe%3A%2F%2Fexample.org%2Fagent"

    /// One key of every kind in `spec/event.cddl`.
    private static let keys: [(StateKey, String)] = [
        (.policy, "policy"), (.approvals, "approvals"),
        (.identity(issuer: agent, keyID: hash), "identity/\(agentText)/\(hex)"),
        (.stream(issuer: agent, stream: "a b/ü"), "stream/\(agentText)/a%20b%2F%C3%BC"),
        (.streamCount(issuer: agent), "streams/\(agentText)"),
        (.grant(hash), "grant/\(hex)"), (.uses(hash), "uses/\(hex)"), (.lease(hash), "lease/\(hex)"),
        (.model(ModelVersion(name: "sorter", version: "1.2~3_4-5")), "model/sorter/1.2~3_4-5"),
        (.attestation(agent), "attestation/\(agentText)"), (.heartbeat(agent), "heartbeat/\(agentText)"),
        (.telemetry(agent), "telemetry/\(agentText)"),
        (.containment(.runtime(agent)), "containment/runtime/\(agentText)"),
        (
            .containment(.execution(ExecutionID(home: "log.example:8080/x", id: "100%"))),
            "containment/execution/log.example%3A8080%2Fx/100%25"
        ),
        (.containment(.model(ModelVersion(name: "m", version: "1"))), "containment/model/m/1"),
        (.containment(.route("r")), "containment/route/r"), (.containment(.domain("d")), "containment/domain/d"),
        (.decision([UInt8](repeating: 0xab, count: 16)), "decision/" + String(repeating: "ab", count: 16)),
        (.execution(ExecutionID(home: "h", id: "i")), "execution/h/i"),
        (.peer("log.example/peer"), "peer/log.example%2Fpeer"), (.peerGrant(hash), "peerGrant/\(hex)"),
        (.route("out"), "route/out"),
    ]

    @Test("a key of every kind, and back from text and from bytes", arguments: keys)
    func roundTrip(_ key: StateKey, _ text: String) throws {
        #expect(key.text == text)
        #expect(try StateKey(text: text) == key)
        #expect(StateKey(decoding: key.bytes) == key)
        #expect(key.kind == text.prefix { $0 != "/" })
    }

    @Test("what RFC 3986 allows unencoded in a segment, or encodes without need, is the same key")
    func lenient() throws {
        #expect(try StateKey(text: "peer/log.example:8080") == .peer("log.example:8080"))
        #expect(try StateKey(text: "peer/%6cog.example%2fpeer") == .peer("log.example/peer"))
        #expect(try StateKey(text: "%70olicy") == .policy)
    }

    @Test("texts that are no keys, with the reason")
    func refused() {
        let cases = [
            ("", "segment"), ("/", "segment"), ("policy/", "segment"), ("policy/x", "segment-count"),
            ("peer", "segment-count"), ("peer/", "segment"), ("peer//x", "segment"), ("stream/x", "segment-count"),
            ("nothing/x", "unknown-kind"), ("Policy", "unknown-kind"), ("containment/world/x", "unknown-kind"),
            ("containment", "unknown-kind"), ("containment/runtime", "segment-count"), ("peer/%4", "segment"),
            ("peer/%zz", "segment"), ("peer/%ff", "segment"), ("peer/a b", "segment"), ("peer/ü", "segment"),
            ("peer/a?b", "segment"), ("grant/\(Self.hex.uppercased())", "not-hex"),
            ("grant/\(Self.hex)00", "not-hex"), ("grant/00", "not-hex"), ("decision/0011", "not-hex"),
            ("stream/a/b/c/d/e/f", "segment-count"), ("route/" + String(repeating: "x", count: 5000), "too-long"),
        ]
        for (text, reason) in cases {
            let error = #expect(throws: StateKeyTextError.self, "\(text)") { try StateKey(text: text) }
            #expect(error?.reason == reason, "\(text): \(String(describing: error))")
        }
    }

    @Test("bytes that are no keys")
    func refusedBytes() {
        let hash = CBOR.bytes(Self.hash.bytes)
        let items: [CBOR] = [
            [], "policy", ["policy", "x"], [1], ["grant", "x"], ["grant", .bytes([1])], ["peer", hash], ["peer", ""],
            ["identity", "x"], ["identity", hash, "x"], ["containment", "runtime", "x", "y"], ["unheard", "x"],
            ["decision", .bytes([UInt8](repeating: 0, count: 33))],
        ]
        for item in items { #expect(StateKey(decoding: item.encoded()) == nil, "\(item)") }
        #expect(StateKey(decoding: []) == nil)
        #expect(StateKey(decoding: StateKey.policy.bytes + [0]) == nil)
    }
}
