import COSE
import Governance
import Tlog

/// State proofs, right and wrong in one thing each.
enum VerificationStateFixtures {
    /// A log of 13 entries: genesis, seal, grant, seal at 3, eight events, seal at 12.
    private struct Given {
        var log: TestLog
        let grant: StateKey

        init(seed: UInt8 = 1, origin: String = "log.example/test") throws {
            log = try TestLog(origin: origin, seed: seed)
            grant = .grant(try log.grant())
            log.seal()
            try log.grow(to: 13)
        }

        /// The size of the log when only the grant was in it.
        var early: UInt64 { 4 }
    }

    static func document() throws -> FixtureValue {
        let log = try Given().log
        return [
            "about": """
            State proofs (hex) to verify under one of the trust files. "key" is the key asked for, in text, "expect" \
            what is asked of it: "present", "absent", or JSON as text that the value must say; "atLeastSize" the \
            least size; "withoutStateQuorum" asks for what the log alone vouches for.
            """,
            "trust": [
                "default": .string(try log.stateTrustText()),
                "no state quorum": .string(try log.stateTrustText(stateQuorum: nil)),
                "state-quorum none": .string(try log.stateTrustText(stateQuorum: "none")),
                "no witness": .string(try log.stateTrustText(quorum: "none", stateQuorum: nil)),
                "no genesis": .string(
                    try log.stateTrustText().split(separator: "\n").filter { !$0.hasPrefix("genesis") }
                        .map { $0 + "\n" }.joined()),
            ],
            "cases": .array(
                (try sound() + quorums() + values() + seals() + questions() + malformed()).map(\.value)),
        ]
    }

    private static func given(
        _ proof: StateProof, trust: FixtureValue = "default", _ more: [(name: String, value: FixtureValue)] = []
    ) -> [(name: String, value: FixtureValue)] {
        [("trust", trust), ("proof", .hex(proof.encoded()))] + more
    }

    private static func sound() throws -> [VerificationCase] {
        let given = try Given()
        let (log, grant) = (given.log, given.grant)
        let absent = StateKey.containment(.runtime(TestLog.issuer))
        return [
            VerificationCase("a grant", Self.given(try log.stateProof(grant))),
            VerificationCase("an absent containment", Self.given(try log.stateProof(absent))),
            VerificationCase(
                "an earlier state under a later head", Self.given(try log.stateProof(grant, at: given.early))),
            VerificationCase(
                "an earlier state under its own head",
                Self.given(try log.stateProof(grant, at: given.early, in: given.early))),
            VerificationCase("the policy", Self.given(try log.stateProof(.policy))),
            VerificationCase(
                "a stream's newest link", Self.given(try log.stateProof(.stream(issuer: TestLog.issuer, stream: "s1")))),
        ]
    }

    private static func quorums() throws -> [VerificationCase] {
        let given = try Given()
        let (log, grant) = (given.log, given.grant)
        let proof = try log.stateProof(grant)
        let without: [(name: String, value: FixtureValue)] = [("withoutStateQuorum", true)]
        return [
            VerificationCase(
                "one state cosignature of the two needed", Self.given(try log.stateProof(grant, stateWitnesses: 1)),
                failed: ["state-quorum: state-quorum-not-reached"]),
            VerificationCase(
                "no state cosignature", Self.given(try log.stateProof(grant, stateWitnesses: 0)),
                failed: ["state-quorum: state-quorum-not-reached"]),
            VerificationCase(
                "no state cosignature, though the caller would do without",
                Self.given(try log.stateProof(grant, stateWitnesses: 0), without),
                failed: ["state-quorum: state-quorum-not-reached"]),
            VerificationCase(
                "one cosignature of the two needed", Self.given(try log.stateProof(grant, witnesses: 1)),
                failed: ["witness-quorum: quorum-not-reached"]),
            VerificationCase(
                "no state quorum in the trust file", Self.given(proof, trust: "no state quorum"),
                leftOut: ["state-quorum"]),
            VerificationCase(
                "no state quorum in the trust file, and none asked for",
                Self.given(proof, trust: "no state quorum", without)),
            VerificationCase(
                "no witness and no state quorum", Self.given(proof, trust: "no witness"), leftOut: ["state-quorum"]),
            VerificationCase(
                "no witness and no state quorum, and none asked for", Self.given(proof, trust: "no witness", without)),
            VerificationCase(
                "state-quorum none",
                Self.given(try log.stateProof(grant, stateWitnesses: 0), trust: "state-quorum none")),
            VerificationCase(
                "no genesis in the trust file", Self.given(proof, trust: "no genesis"), leftOut: ["seal-signature"]),
        ]
    }

    private static func values() throws -> [VerificationCase] {
        let given = try Given()
        let (log, grant) = (given.log, given.grant)
        let proof = try log.stateProof(grant)
        let other = StateKey.stream(issuer: TestLog.issuer, stream: "s1")
        let mismatch = ["map-proof: root-mismatch"]
        guard let value = proof.value, let record = try? GrantRecord(decoding: value) else { return [] }
        var revoked = record
        revoked.isRevoked = true
        return [
            VerificationCase(
                "another value", Self.given(proof.changed(value: .some(revoked.encoded()))), failed: mismatch),
            VerificationCase(
                "absence claimed of what is there", Self.given(proof.changed(value: .some(nil))),
                failed: ["map-proof: proves-presence"]),
            VerificationCase(
                "presence claimed of what is absent",
                Self.given(
                    try log.stateProof(.grant(.zero)).changed(value: .some(value))),
                failed: ["map-proof: proves-absence"]),
            VerificationCase(
                "another key", Self.given(proof.changed(key: .grant(.zero))), failed: mismatch),
            VerificationCase(
                "the proof of another key", Self.given(proof.changed(proof: try log.stateProof(other).proof)),
                failed: mismatch),
            VerificationCase(
                "absence shown with the key's own leaf",
                Self.given(
                    proof.changed(
                        value: .some(nil),
                        proof: try MapProof([
                            2, .array(proof.proof.elements.map { .bytes($0.bytes) }), .bytes(grant.mapKey.bytes),
                            .bytes(Hash.sha256(value).bytes),
                        ]))),
                failed: ["map-proof: same-key"]),
            try lie("a value that is no record of its kind", failed: ["state-value: state-record"]) { state in
                state.apply([StateChange(key: grant, value: CBOR.unsigned(1).encoded())])
            },
        ]
    }

    /// A proof of the grant from a log that says what it likes, with everybody's signatures.
    private static func lie(
        _ name: String, failed: [String] = [], _ change: (inout MemoryState) -> Void
    ) throws -> VerificationCase {
        var given = try Given()
        guard var state = given.log.states[given.log.size] else { throw TestLog.NotSealed(size: given.log.size) }
        change(&state)
        given.log.seal(root: state.map().root)
        return VerificationCase(
            name, Self.given(try given.log.stateProof(given.grant, state: state)), failed: failed)
    }

    private static func seals() throws -> [VerificationCase] {
        let given = try Given()
        let (log, grant) = (given.log, given.grant)
        let proof = try log.stateProof(grant)
        let early = try log.stateProof(grant, at: given.early)
        let event = proof.changed(seal: log.entries[7], index: 7, path: log.inclusion(7).path)
        let other = try Given(seed: 50, origin: "log.example/other")
        let sameName = try Given(seed: 50)
        let moved = ["seal-inclusion: root-mismatch"]
        return [
            VerificationCase(
                "another size", Self.given(early.changed(index: given.early)), failed: moved),
            VerificationCase(
                "an earlier seal in the place of the last",
                Self.given(proof.changed(seal: log.entries[3])), failed: moved + ["map-proof: root-mismatch"]),
            VerificationCase(
                "an earlier seal in its own place, with the map of the last",
                Self.given(early.changed(proof: proof.proof)), failed: ["map-proof: root-mismatch"]),
            VerificationCase(
                "the checkpoint of a smaller tree",
                Self.given(proof.changed(checkpoint: try log.replayedCheckpoint(given.early).bytes)),
                failed: ["seal-inclusion: index-out-of-range"]),
            VerificationCase(
                "a hash too few", Self.given(proof.changed(path: proof.path.dropLast())),
                failed: ["seal-inclusion: wrong-path-length"]),
            VerificationCase(
                "an event in the place of the seal", Self.given(event), failed: ["seal-form: issuer"]),
            VerificationCase(
                "the seal of another log", Self.given(proof.changed(seal: other.log.entries[12])),
                failed: ["seal-form: issuer"] + moved),
            VerificationCase(
                "the seal of another log of the same name", Self.given(proof.changed(seal: sameName.log.entries[12])),
                failed: ["seal-signature: key-mismatch"] + moved + ["map-proof: root-mismatch"]),
            VerificationCase(
                "all of another log", Self.given(try other.log.stateProof(other.grant)),
                failed: ["log-signature: unknown-log", "seal-form: issuer"],
                leftOut: ["witness-quorum", "state-quorum"]),
            VerificationCase(
                "all of another log of the same name", Self.given(try sameName.log.stateProof(sameName.grant)),
                failed: ["log-signature: no-signature", "seal-signature: key-mismatch"],
                leftOut: ["witness-quorum", "state-quorum"]),
        ]
    }

    private static func questions() throws -> [VerificationCase] {
        let given = try Given()
        let (log, grant) = (given.log, given.grant)
        let proof = try log.stateProof(grant)
        let absent = try log.stateProof(.route("out"))
        func asked(
            _ name: String, _ proof: StateProof, _ question: [(name: String, value: FixtureValue)],
            failed: [String] = []
        ) -> VerificationCase {
            VerificationCase(name, Self.given(proof, question), failed: failed)
        }
        let holds = """
            {"revoked": false, "grant": {"subject": "\(TestLog.issuer)", "actions": ["read"]}}
            """
        return [
            asked("the key asked for", proof, [("key", .string(grant.text))]),
            asked("another key asked for", proof, [("key", "policy")], failed: ["expected-key: other-key"]),
            asked("presence asked for", proof, [("expect", "present")]),
            asked("absence asked for", absent, [("expect", "absent")]),
            asked("presence where there is none", absent, [("expect", "present")], failed: ["expected-value: absent"]),
            asked("absence where there is a value", proof, [("expect", "absent")], failed: ["expected-value: present"]),
            asked("what the value says", proof, [("expect", .string(holds))]),
            asked(
                "what the value does not say", proof, [("expect", #"{"revoked": true}"#)],
                failed: ["expected-value: other-value"]),
            asked(
                "a member that the value has not", proof, [("expect", #"{"colour": "red"}"#)],
                failed: ["expected-value: other-value"]),
            asked(
                "a value where there is none", absent, [("expect", #"{"phase": "activated"}"#)],
                failed: ["expected-value: absent"]),
            asked("the size asked for", proof, [("atLeastSize", 13)]),
            asked(
                "an older state than asked for", try log.stateProof(grant, at: given.early), [("atLeastSize", 13)],
                failed: ["expected-size: too-old"]),
        ]
    }

    private static func malformed() throws -> [VerificationCase] {
        let given = try Given()
        let proof = try given.log.stateProof(given.grant)
        func bytes(_ name: String, _ bytes: [UInt8], _ reason: String) -> VerificationCase {
            VerificationCase(name, [("trust", "default"), ("proof", .hex(bytes))], failed: ["state-form: \(reason)"])
        }
        return [
            bytes("nothing", [], "end-of-input"),
            bytes("a byte behind it", proof.encoded() + [0], "trailing-bytes"),
            bytes("the bare map proof", proof.proof.encoded(), "wrong-kind"),
            bytes(
                "a key that no state has", proof.changed(key: StateKey(bytes: [0x81, 0x61, 0x78])).encoded(),
                "state-key"),
            VerificationCase(
                "no checkpoint in the proof", Self.given(proof.changed(checkpoint: [0x0A])),
                failed: ["checkpoint-form: no-blank-line"]),
        ]
    }
}
