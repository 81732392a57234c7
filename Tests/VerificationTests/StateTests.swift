import COSE
import Governance
import Testing
import Tlog

@testable import Verification

@Suite("State proofs")
struct StateTests {
    private let log: TestLog
    private let grant: StateKey
    private let verifier: Verifier

    init() throws {
        var log = try TestLog()
        grant = .grant(try log.grant())
        log.seal()
        try log.grow(to: 13)
        self.log = log
        verifier = Verifier(trust: try TrustFile(parsing: Array(log.stateTrustText().utf8)))
    }

    @Test("every key of the state, and its absence before it was there")
    func everyKey() throws {
        let state = try #require(log.states[log.size])
        let first = try #require(log.states.keys.min())
        for (key, value) in state.values {
            let report = verifier.state(try log.stateProof(key).encoded())
            #expect(report.verdict == .verified, "\(key): \(report.text())")
            #expect(report.state?.value == value)
            let before = verifier.state(try log.stateProof(key, at: first).encoded())
            #expect(before.verdict == .verified, "\(key)")
            #expect(before.state?.value == log.states[first]?.value(key))
        }
    }

    @Test("no bit of a state proof can be changed")
    func bitFlips() throws {
        for proof in [try log.stateProof(grant), try log.stateProof(.route("out"), at: 4)] {
            let bytes = proof.encoded()
            for bit in stride(from: 0, to: bytes.count * 8, by: 3) {
                #expect(verifier.state(bytes.flipped(bit)).verdict == .notVerified, "bit \(bit)")
            }
        }
    }

    @Test("a seal that is in the tree and that the log did not sign")
    func sealSignature() throws {
        var log = self.log
        let seal = log.entries[Int(log.size - 1)]
        log.appendAnyway(seal.flipped(seal.count * 8 - 1))
        let index = log.size - 1
        let proof = try log.stateProof(grant, at: index)
            .changed(seal: log.entries[Int(index)], index: index, path: log.inclusion(index).path)
        #expect(verifier.state(proof.encoded()).failures == ["seal-signature: bad-signature"])
    }

    @Test("what is shown: the value's members in words, and in JSON only where all holds")
    func shown() throws {
        let report = verifier.state(try log.stateProof(grant).encoded())
        #expect(report.value(.stateValue, "revoked") == "false")
        #expect(report.value(.stateValue, "grant.subject") == TestLog.issuer)
        #expect(report.value(.stateValue, "grant.actions") == "[read]")
        #expect(report.value(.stateForm, "key") == grant.text)
        #expect(report.json["state"]?["value"]?["revoked"] == .bool(false))
        #expect(report.json["state"]?["size"] == .integer(13))
        let unvouched = verifier.state(try log.stateProof(grant, stateWitnesses: 1).encoded())
        #expect(unvouched.json["state"] == nil)
        #expect(unvouched.verdictText().hasPrefix("NOT VERIFIED: state-quorum"))
    }

    @Test("nobody but the log vouches: said plainly, and a good answer only where that was asked for")
    func noStateQuorum() throws {
        let trust = try TrustFile(parsing: Array(log.stateTrustText(stateQuorum: nil).utf8))
        let proof = try log.stateProof(grant, stateWitnesses: 0).encoded()
        let report = Verifier(trust: trust).state(proof)
        #expect(report.verdict == .notVerified)
        #expect(report.verdictText().contains("nobody but the log vouches"))
        let asked = Verifier(trust: trust).state(proof, StateQuestion(isWithoutStateQuorum: true))
        #expect(asked.verdict == .verified)
        #expect(asked.verdictText().contains("not checked: state-quorum"))
    }

    @Test("what a person asks of a value")
    func expectations() throws {
        let item: CBOR = ["a": 1, "b": ["x", .bytes([0xab])], "c": ["d": .null]]
        func has(_ text: String) throws -> Bool { item.has(try JSON(parsing: Array(text.utf8))) }
        for text in [
            "{}", #"{"a": 1}"#, #"{"b": ["x", "ab"]}"#, #"{"b": ["x", {"$bytes": "qw"}], "a": 1}"#, #"{"c": {}}"#,
            #"{"c": {"d": null}}"#,
        ] {
            #expect(try has(text), "\(text)")
        }
        for text in [
            "1", "null", #"{"a": 2}"#, #"{"A": 1}"#, #"{"b": ["x"]}"#, #"{"b": ["ab", "x"]}"#, #"{"c": null}"#,
            #"{"c": {"d": 0}}"#, #"{"e": null}"#, #"{"b": ["x", "AB"]}"#,
        ] {
            #expect(try !has(text), "\(text)")
        }
    }

    @Test("receipts and transparent statements of an issuer enrolled later")
    func enrolledLater() throws {
        var log = try TestLog()
        let key = try TestLog.key(230)
        let issuer = "spiffe://example.org/late"
        let identity = try log.enrol(issuer, key)
        log.seal()
        let statement = try log.statement("work.done", .null, stream: "late", by: key, issuer: issuer)
        try log.append(statement)
        let index = log.size - 1
        log.seal()
        let trust = try TrustFile(parsing: Array(log.stateTrustText().utf8))
        let proof = try log.stateProof(identity).encoded()
        let receipt = try log.receipt(index)
        for verifier in [Verifier(trust: trust), Verifier(trust: trust, stateProofs: [proof])] {
            let expected = verifier.stateProofs.isEmpty ? ["statement-signature: not-enrolled"] : []
            #expect(verifier.transparentStatement(try log.transparent(index, receipt)).failures == expected)
            let report = verifier.receipt(receipt.encoded(), statement: statement.entryBytes)
            #expect(report.failures == expected)
            #expect(report.verdict == (expected.isEmpty ? .verified : .notVerified))
            if !expected.isEmpty { #expect(report.verdictText().contains("--state")) }
        }
        // Without a checkpoint nothing shows the index.
        let bare = Verifier(trust: trust, stateProofs: [proof])
            .receipt(try log.receipt(index, witnesses: nil).encoded(), statement: statement.entryBytes)
        #expect(bare.leftOut == [.statementSignature])
    }

    @Test("an authority that a later policy names signs under the policy's state")
    func laterAuthority() throws {
        var log = try TestLog()
        let key = try TestLog.key(231)
        let old = log.policy
        let next = try Policy(
            origin: old.origin, logKeys: old.logKeys, authorities: old.authorities + [key.publicKey], threshold: 1,
            issuers: old.issuers, contentTypes: old.contentTypes, previous: old.digest)
        try log.append(log.governing(.policySet, next.cbor))
        log.seal()
        let name = KeyDirectory.authorityIssuer(COSEKey(key.publicKey))
        let grant = try GrantIssue(
            subject: TestLog.issuer, actions: [#require(GrantPattern("read"))], resources: [#require(GrantPattern("x"))]
        )
        let statement = try log.statement("grant.issue", grant.cbor, stream: "g", by: key, issuer: name)
        try log.append(statement)
        let index = log.size - 1
        log.seal()
        let trust = try TrustFile(parsing: Array(log.stateTrustText().utf8))
        let proof = try log.tlogProof(index).bytes
        let without = Verifier(trust: trust).statement(statement.entryBytes, proof: proof)
        #expect(without.failures == ["statement-signature: not-enrolled"])
        let state = try log.stateProof(.policy).encoded()
        let with = Verifier(trust: trust, stateProofs: [state]).statement(statement.entryBytes, proof: proof)
        #expect(with.verdict == .verified, "\(with.text())")
        #expect(with.value(.statementSignature, "role") == "authority")
    }
}
