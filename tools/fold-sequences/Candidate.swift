import COSE
import Governance
import Tlog

/// A statement on its way to the log, in parts that can be spoilt one by one.
struct Candidate {
    var type: String
    var data: CBOR
    var actor: Actor
    var time: UInt64
    var stream = "main"
    /// What is added to the place where the stream goes on.
    var ahead: UInt64 = 0
    /// The statement at the end of the stream again, with another content.
    var repeats = false
    var prev: Hash?
    /// Changes the payload's bytes.
    var damage: (([UInt8]) -> [UInt8])?
    var moreFields: CBORMap = [:]

    init(type: String, data: CBOR, actor: Actor, time: UInt64) {
        self.type = type
        self.data = data
        self.actor = actor
        self.time = time
    }

    func statement(in log: WrittenLog) throws -> SignedStatement {
        var (seq, prev) = try log.place(actor.issuer, stream)
        seq += ahead
        if repeats && seq > 0 { seq -= 1 }
        if seq == 0 { prev = nil } else if let wrong = self.prev ?? (prev == nil ? .zero : nil) { prev = wrong }
        var map: CBORMap = [
            "type": .text(type), "stream": .text(stream), "seq": .unsigned(seq),
            "prev": prev.map { .bytes($0.bytes) } ?? .null, "time": .unsigned(time), "data": data,
        ]
        for entry in moreFields.entries { map[entry.key] = entry.value }
        let payload = CBOR.map(map).encoded()
        return try WrittenLog.unsigned(
            payload: damage?(payload) ?? payload, contentType: Event.contentType, issuer: actor.issuer,
            keyID: actor.keyID)
    }
}

/// One fault at a time, as the specification doesn't say which of several is named.
extension Generator {
    mutating func spoil(_ candidate: inout Candidate) throws {
        switch number(20) {
        case 0, 1: candidate.actor = anybody()
        case 2: candidate.actor.issuer = pick(actors).issuer
        case 3: candidate.actor.key = Cast.keys[250]
        case 4: candidate.ahead = 1 + UInt64(number(2))
        case 5: candidate.repeats = true
        case 6: candidate.prev = hash()
        case 7, 8: spoilTime(&candidate)
        case 9: candidate.type = pick(["grant.lend", "log.seal", "log.other", "policy.get", "lease", "A.b", "x.y."])
        case 10, 11: spoilPayload(&candidate)
        default: candidate.data = spoilt(candidate.data)
        }
    }

    /// The last ms that the policy allows, either way, and the one beyond.
    private mutating func spoilTime(_ candidate: inout Candidate) {
        let distance = min(log.policy.limits.maxSkew, log.now / 2) + UInt64(number(2))
        candidate.time = once(in: 2) ? log.now + distance : log.now - distance
    }

    private mutating func spoilPayload(_ candidate: inout Candidate) {
        switch number(8) {
        case 0: candidate.damage = { $0.dropLast(3) }
        case 1: candidate.damage = { $0 + [0] }
        case 2: candidate.damage = { _ in [0x80] }
        case 3: candidate.damage = { _ in [0xf9, 0x3c, 0x00] }
        case 4: candidate.moreFields = ["note": 1]
        case 5: candidate.moreFields = ["trace": ["traceparent": "00-1-2-3"]]
        case 6:
            let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            candidate.moreFields = ["trace": ["traceparent": .text(parent), "tracestate": "a=b"]]
        default: candidate.moreFields = ["prev": .bytes([1])]
        }
    }

    /// Data with one field missing, unknown or of another value, somewhere.
    private mutating func spoilt(_ data: CBOR) -> CBOR {
        guard case .map(var map) = data, let key = map.entries.randomElement(using: &numbers)?.key else {
            return pick([.null, .map([:]), 7])
        }
        switch number(5) {
        case 0: map[key] = nil
        case 1: map["surplus"] = 1
        case 2:
            if let value = map[key], case .map = value { map[key] = spoilt(value) } else { map[key] = odd() }
        default: map[key] = odd()
        }
        return .map(map)
    }

    private mutating func odd() -> CBOR {
        pick([
            .null, true, "", "*x", "two words", .text(String(repeating: "x", count: 257)), "bad\u{7f}", .bytes([1]),
            .bytes([UInt8](repeating: 0, count: 31)), .array([]), ["x", "x"], .map([:]), -1, 0, 9,
            .unsigned(.max), "a.example+b",
        ])
    }
}
