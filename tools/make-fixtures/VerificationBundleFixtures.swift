import COSE
import Governance
import Tlog
import Verification

/// Evidence bundles, whole and with one thing wrong in each.
enum VerificationBundleFixtures {
    static func document() throws -> FixtureValue {
        let log = try GovernedLog().log
        return [
            "about": .string(
                """
                Evidence bundles (hex), to verify under one of the trust files; "about" is what the bundle must be \
                about, where it is asked. The log is that of example/run-1.evidence.
                """),
            "trust": [
                "default": .string(try log.stateTrustText()),
                "no state quorum": .string(try log.stateTrustText(stateQuorum: nil)),
            ],
            "cases": .array(try (whole() + missing() + altered() + heads()).map(\.value)),
        ]
    }

    /// The bundle of an execution with a parent, a model and a containment, and the trust file for it.
    static func example() throws -> [(name: String, bytes: [UInt8])] {
        let governed = try GovernedLog()
        return [
            ("example/run-1.evidence", try governed.bundle(.execution(GovernedLog.execution("run-1"))).encoded()),
            ("example/run-1.trust", Array(try governed.log.stateTrustText().utf8)),
        ]
    }

    private static func given(
        _ bundle: EvidenceBundle, trust: String = "default", about: StateKey? = nil
    ) -> [(name: String, value: FixtureValue)] {
        let given: [(name: String, value: FixtureValue)] = [
            ("trust", .string(trust)), ("bundle", .hex(bundle.encoded())),
        ]
        return given + (about.map { [("about", .string($0.text))] } ?? [])
    }

    private static func whole() throws -> [VerificationCase] {
        let governed = try GovernedLog()
        let grant = try governed.bundle(.grant(governed.parentGrant))
        return [
            VerificationCase("a grant", given(grant, about: grant.subject)),
            VerificationCase("a model", given(try governed.bundle(.model(GovernedLog.model)))),
            VerificationCase(
                "what is not there", given(try governed.bundle(.grant(.zero))), failed: ["bundle-agreement: absent"]),
            VerificationCase(
                "another subject than was asked for", given(grant, about: .grant(.zero)),
                failed: ["expected-key: other-key"]),
            VerificationCase(
                "no state quorum in the trust file", given(grant, trust: "no state quorum"), leftOut: ["state-quorum"]),
        ]
    }

    private static func missing() throws -> [VerificationCase] {
        let governed = try GovernedLog()
        let key = StateKey.grant(governed.parentGrant)
        let grant = try governed.bundle(key)
        let handedOn = try governed.bundle(.grant(governed.grant))
        let statement = grant.entries.first { Hash.leaf($0.bytes) == governed.parentGrant }?.index ?? 0
        let size = governed.log.size
        return [
            VerificationCase(
                "without the statement that the subject is named by", given(grant.without(entry: statement)),
                failed: ["bundle-parts: part-missing"]),
            VerificationCase(
                "without the subject's record", given(grant.without(key)), failed: ["bundle-parts: part-missing"]),
            VerificationCase(
                "without the grant that it was handed on from", given(handedOn.without(key)),
                failed: ["bundle-parts: part-missing"]),
            VerificationCase(
                "without the policy that the signer is an authority under", given(grant.without(.policy, at: size)),
                failed: ["bundle-parts: part-missing"]),
            VerificationCase(
                "without a seal that values are under", given(grant.without(entry: size - 1)),
                failed: ["seal-form: seal-missing"], leftOut: ["bundle-parts"]),
        ]
    }

    private static func altered() throws -> [VerificationCase] {
        let governed = try GovernedLog()
        let grant = try governed.bundle(.grant(governed.parentGrant))
        let (first, second) = (grant.statements[0], grant.statements[1])
        let swapped = grant.replacing(first.index, second.bytes).replacing(second.index, first.bytes)
        let other = try GovernedLog(seed: 60)
        let foreign = try other.bundle(.grant(other.parentGrant)).statements[0]
        let last = grant.entries[grant.entries.count - 1]
        let state = grant.states[grant.states.count - 1]
        let hidden = state.values.map { value in
            value.key == grant.subject
                ? EvidenceBundle.Value(key: value.key, value: nil, proof: value.proof) : value
        }
        let states = grant.states.dropLast() + [EvidenceBundle.State(size: state.size, values: hidden)]
        return [
            VerificationCase(
                "two entries in each other's places", given(swapped),
                failed: ["inclusion: root-mismatch", "inclusion: root-mismatch"], leftOut: ["bundle-parts"]),
            VerificationCase(
                "an entry of another log", given(grant.replacing(first.index, foreign.bytes)),
                failed: ["inclusion: root-mismatch"], leftOut: ["bundle-parts"]),
            VerificationCase(
                "a path that is too short",
                given(grant.replacing(last.index, path: Array(last.path.dropLast()))),
                failed: ["inclusion: wrong-path-length"], leftOut: ["bundle-parts"]),
            VerificationCase(
                "a record said to be absent", given(grant.changed(states: Array(states))),
                failed: ["map-proof: proves-presence"], leftOut: ["bundle-parts"]),
            VerificationCase(
                "the subject of another bundle", given(grant.changed(subject: .grant(governed.grant))),
                failed: ["bundle-parts: part-missing"]),
            VerificationCase(
                "a subject that no bundle is about", given(grant.changed(subject: .policy)),
                failed: ["bundle-form: state-key"]),
        ]
    }

    private static func heads() throws -> [VerificationCase] {
        let governed = try GovernedLog()
        let log = governed.log
        let grant = try governed.bundle(.grant(governed.parentGrant))
        let foreign = try GovernedLog(seed: 60).log.replayedCheckpoint()
        return [
            VerificationCase(
                "a checkpoint of another log", given(grant.changed(checkpoint: foreign.bytes)),
                failed: ["log-signature: no-signature"], leftOut: ["witness-quorum", "bundle-parts"]),
            VerificationCase(
                "one cosignature of the two needed",
                given(grant.changed(checkpoint: try log.replayedCheckpoint(witnesses: 1).bytes)),
                failed: ["witness-quorum: quorum-not-reached"], leftOut: ["bundle-parts"]),
            VerificationCase(
                "one state witness of the two needed",
                given(grant.changed(checkpoint: try log.replayedCheckpoint(stateWitnesses: 1).bytes)),
                failed: ["state-quorum: state-quorum-not-reached"]),
        ]
    }
}
