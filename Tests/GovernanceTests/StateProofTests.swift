import COSE
import Governance
import Testing
import Tlog

@Suite("State proofs as bytes")
struct StateProofTests {
    private static func proof(value: [UInt8]? = CBOR.unsigned(7).encoded(), others: Int = 3) throws -> StateProof {
        let key = StateKey.peer("log.example/peer")
        var map = MerkleMap()
        for other in 0..<others { map.set(.sha256([UInt8(other)]), .sha256([])) }
        map.set(key.mapKey, value.map { Hash.sha256($0) })
        let seal = Seal(time: 5, statements: 1, stateRoot: map.root, seq: 0, prev: nil)
        let head = Checkpoint(origin: try Origin("log.example/test"), head: TreeHead(size: 4, root: .zero))
        return StateProof(
            key: key, value: value, proof: map.proof(key.mapKey),
            seal: seal.statement(origin: head.origin, key: TestKeys.statement).entryBytes, index: 3,
            path: [.leaf([1]), .leaf([2])], checkpoint: head.signed(by: TestKeys.key(1)).bytes)
    }

    /// The proof as a map, to change something.
    private static func fields() throws -> CBORMap {
        try #require(try CBOR(decoding: try proof().encoded()).mapValue)
    }

    @Test("presence and absence come back, and the bytes are those of the CDDL")
    func roundTrip() throws {
        for proof in [try Self.proof(), try Self.proof(value: nil), try Self.proof(value: nil, others: 0)] {
            #expect(try StateProof(decoding: proof.encoded()) == proof)
            #expect(proof.sealedSize == 4)
        }
        let proof = try Self.proof()
        let item: CBOR = [
            "key": .bytes(proof.key.bytes), "value": .bytes([7]), "proof": proof.proof.cbor,
            "seal": .bytes(proof.seal), "index": 3,
            "path": .array(proof.path.map { .bytes($0.bytes) }), "checkpoint": .bytes(proof.checkpoint),
        ]
        #expect(proof.encoded() == item.encoded())
    }

    @Test("no change of one bit is read as anything but what it says")
    func bitFlips() throws {
        let bytes = try Self.proof().encoded()
        for bit in 0..<bytes.count * 8 {
            var changed = bytes
            changed[bit / 8] ^= 1 << (bit % 8)
            guard let read = try? StateProof(decoding: changed) else { continue }
            #expect(read.encoded() == changed, "bit \(bit)")
        }
    }

    @Test("what is no state proof, with the reason")
    func refused() throws {
        let hash = CBOR.bytes(Hash.zero.bytes)
        let long = CBOR.bytes([UInt8](repeating: 0, count: 65_536))
        let cases: [(String, CBOR?, String)] = [
            ("more", 1, "unknown-field"), ("seal", nil, "missing-field"), ("seal", .bytes([]), "invalid-value"),
            ("seal", long, "invalid-value"), ("seal", "text", "wrong-kind"), ("index", nil, "missing-field"),
            ("index", .negative(0), "wrong-kind"), ("index", .unsigned(1 << 63), "invalid-value"),
            ("path", 1, "wrong-kind"), ("path", [.bytes([1])], "wrong-kind"),
            ("path", .array([CBOR](repeating: hash, count: 64)), "invalid-value"),
            ("checkpoint", nil, "missing-field"), ("checkpoint", .bytes([]), "invalid-value"),
            ("checkpoint", .bytes([UInt8](repeating: 0, count: 131_073)), "invalid-value"),
            ("value", nil, "missing-field"), ("value", "text", "wrong-kind"), ("value", .bytes([]), "state-value"),
            ("value", .bytes([0x18, 0x01]), "state-value"), ("proof", nil, "missing-field"),
            ("proof", [4, []], "malformed"), ("key", nil, "missing-field"), ("key", .bytes([]), "invalid-value"),
            ("key", .bytes(CBOR.unsigned(1).encoded()), "state-key"),
            ("key", .bytes([UInt8](repeating: 0, count: 4097)), "invalid-value"),
        ]
        for (name, value, reason) in cases {
            var fields = try Self.fields()
            fields[.text(name)] = value
            let error = #expect(throws: StateProofError.self, "\(name)") {
                try StateProof(decoding: CBOR.map(fields).encoded())
            }
            #expect(error?.reason == reason, "\(name): \(String(describing: error))")
        }
        #expect(throws: StateProofError.tooLarge(bytes: 327_681, limit: 327_680)) {
            try StateProof(decoding: [UInt8](repeating: 0, count: 327_681))
        }
        #expect(throws: StateProofError.self) { try StateProof(decoding: try Self.proof().encoded() + [0]) }
    }

    @Test("the longest proof that there can be is read, and one hash more is not")
    func bounds() throws {
        var fields = try Self.fields()
        let hash = CBOR.bytes(Hash.zero.bytes)
        fields["path"] = .array([CBOR](repeating: hash, count: 63))
        fields["proof"] = [2, .array([CBOR](repeating: hash, count: 256)), hash, hash]
        fields["value"] = .bytes(CBOR.bytes([UInt8](repeating: 0, count: 65_535)).encoded())
        fields["seal"] = .bytes([UInt8](repeating: 0, count: 65_535))
        fields["checkpoint"] = .bytes([UInt8](repeating: 0, count: 131_072))
        fields["index"] = .unsigned((1 << 63) - 2)
        let bytes = CBOR.map(fields).encoded()
        #expect(try StateProof(decoding: bytes).encoded() == bytes)
        fields["proof"] = [1, .array([CBOR](repeating: hash, count: 257))]
        #expect(throws: StateProofError.proof(.tooDeep(257))) {
            try StateProof(decoding: CBOR.map(fields).encoded())
        }
    }
}
