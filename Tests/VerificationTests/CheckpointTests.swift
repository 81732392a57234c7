import COSE
import Governance
import Testing
import Tlog

@testable import Verification

@Suite("Checkpoints and consistency")
struct CheckpointTests {
    let log: TestLog
    let verifier: Verifier

    init() throws {
        var log = try TestLog()
        try log.grow(to: 40, batch: 4)
        self.log = log
        verifier = Verifier(trust: try trust(log))
    }

    @Test("a checkpoint verifies under log key and quorum, and says what it does not show")
    func good() throws {
        let report = verifier.checkpoint(try log.checkpoint().bytes)
        #expect(report.verdict == .verified)
        #expect(report.noted == [.history, .freshness])
        #expect(report.value(.checkpointForm, "size") == "40")
        #expect(report.value(.witnessQuorum, "cosigned-by") == "w0 w1")
    }

    @Test("another log's checkpoint, another key's, and too few witnesses are refused")
    func bad() throws {
        #expect(verifier.checkpoint([]).failures == ["checkpoint-form: no-final-newline"])
        let other = try TestLog(origin: "log.example/other", seed: 50)
        #expect(verifier.checkpoint(try other.checkpoint().bytes).failures == ["log-signature: unknown-log"])
        let sameName = try TestLog(seed: 50)
        #expect(verifier.checkpoint(try sameName.checkpoint().bytes).failures == ["log-signature: no-signature"])
        #expect(
            verifier.checkpoint(try log.checkpoint(witnesses: 1).bytes).failures
                == ["witness-quorum: quorum-not-reached"])
    }

    @Test("an unknown signature line is ignored; a wrong one under a witness's name is not")
    func cosignatures() throws {
        let checkpoint = Checkpoint(origin: log.origin, head: log.head())
        let stranger = Cosignature.sign(
            checkpoint, name: try KeyName("stranger.example"), key: try TestLog.key(99), time: 1)
        #expect(verifier.checkpoint(try log.checkpoint().adding([stranger]).bytes).verdict == .verified)
        let otherHead = Checkpoint(origin: log.origin, head: log.head(20))
        let wrong = Cosignature.sign(
            otherHead, name: try KeyName("w2.example"), key: log.witnessKeys[2], time: 1)
        #expect(
            verifier.checkpoint(try log.checkpoint().adding([wrong]).bytes).failures
                == ["witness-quorum: invalid-signature"])
    }

    @Test("no bit of a checkpoint can be changed")
    func bitFlips() throws {
        let bytes = try log.checkpoint().bytes
        for bit in 0..<bytes.count * 8 {
            #expect(verifier.checkpoint(bytes.flipped(bit)).verdict == .notVerified, "bit \(bit)")
        }
    }

    // MARK: Consistency

    private func json(_ proof: ConsistencyProof) -> [UInt8] {
        let path = proof.path.map { "\"\($0.base64)\"" }.joined(separator: ", ")
        return Array("{\"from\": \(proof.oldSize), \"to\": \(proof.newSize), \"path\": [\(path)]}\n".utf8)
    }

    private func lines(_ proof: ConsistencyProof) -> [UInt8] {
        Array(proof.path.map { $0.base64 + "\n" }.joined().utf8)
    }

    private func failures(_ old: UInt64, _ new: UInt64, _ proof: [UInt8]) throws -> [String] {
        let report = verifier.consistency(
            old: try log.checkpoint(old).bytes, new: try log.checkpoint(new).bytes, proof: proof)
        #expect((report.verdict == .verified) == report.failures.isEmpty)
        return report.failures
    }

    @Test("every pair of sizes verifies, the proof as JSON or as lines", arguments: [0, 1, 2, 7, 8, 12, 32, 39, 40])
    func pairs(old: UInt64) throws {
        for new in old...40 {
            let proof = log.consistency(old, new)
            #expect(try failures(old, new, json(proof)).isEmpty)
            #expect(try failures(old, new, lines(proof)).isEmpty)
        }
    }

    @Test("the wrong proof, the wrong order, and two logs are refused, each by its name")
    func wrong() throws {
        let proof = log.consistency(12, 40)
        #expect(try failures(13, 40, json(proof)) == ["consistency: other-sizes"])
        #expect(try failures(12, 39, json(proof)) == ["consistency: other-sizes"])
        #expect(try failures(13, 40, lines(proof)) == ["consistency: wrong-path-length"])
        #expect(try failures(40, 12, lines(proof)) == ["consistency: sizes-out-of-order"])
        var path = proof.path
        path[0] = .zero
        let changed = ConsistencyProof(oldSize: 12, newSize: 40, path: path)
        #expect(try failures(12, 40, lines(changed)) == ["consistency: old-root-mismatch"])
        path = proof.path
        path[path.count - 1] = .zero
        #expect(
            try failures(12, 40, lines(ConsistencyProof(oldSize: 12, newSize: 40, path: path)))
                == ["consistency: root-mismatch"])
    }

    @Test("a fork of the same size is refused")
    func fork() throws {
        var fork = try TestLog()
        try fork.grow(to: 40, batch: 5)
        let report = verifier.consistency(
            old: try log.checkpoint().bytes, new: try fork.checkpoint().bytes, proof: [])
        #expect(report.failures == ["consistency: root-mismatch"])
    }

    @Test("checkpoints of two logs, both trusted, are not of one history, even with the same tree")
    func twoLogs() throws {
        let other = try TestLog(origin: "log.example/other", seed: 50)
        let lines = try trustText(log).filter { !$0.hasPrefix("genesis") && !$0.hasPrefix("authority") }
        let verifier = Verifier(trust: try parse([try trustText(other)[0]] + lines))
        let old = try log.checkpoint(12).bytes
        let new = try other.cosigned(Checkpoint(origin: other.origin, head: log.head())).bytes
        let proof = log.consistency(12, 40)
        #expect(verifier.consistency(old: old, new: new, proof: json(proof)).failures == ["consistency: other-log"])
        let own = verifier.consistency(old: old, new: try log.checkpoint().bytes, proof: json(proof))
        #expect(own.verdict == .verified, "\(own.text())")
    }

    @Test("both checkpoints are held to the trust file")
    func checkpoints() throws {
        let proof = lines(log.consistency(12, 40))
        let report = verifier.consistency(
            old: try log.checkpoint(12, witnesses: 0).bytes, new: try log.checkpoint(40, witnesses: 1).bytes,
            proof: proof)
        #expect(
            report.failures == [
                "old checkpoint: witness-quorum: quorum-not-reached",
                "new checkpoint: witness-quorum: quorum-not-reached",
            ])
    }

    @Test(
        "a proof file that is none is refused by name",
        arguments: [
            ("{", "end-of-text"), ("{}", "json-member"), ("{\"from\":1,\"to\":2}", "json-member"),
            ("{\"from\":1.5,\"to\":2,\"path\":[]}", "not-a-whole-number"),
            ("{\"from\":-1,\"to\":2,\"path\":[]}", "json-member"),
            ("{\"from\":1,\"to\":2,\"path\":[\"AA==\"]}", "not-a-hash"),
            ("{\"from\":1,\"from\":1,\"to\":2,\"path\":[]}", "duplicate-name"),
            ("AA==\n", "not-a-hash"), ("AA==", "not-terminated"), ("\n\n", "not-a-hash"),
        ])
    func proofForm(text: String, code: String) throws {
        #expect(try failures(12, 40, Array(text.utf8)) == ["proof-form: \(code)"])
    }

    @Test("no bit of a proof can be changed")
    func proofBitFlips() throws {
        let (old, new) = (try log.checkpoint(12).bytes, try log.checkpoint().bytes)
        for proof in [json(log.consistency(12, 40)), lines(log.consistency(12, 40))] {
            for bit in 0..<proof.count * 8 {
                let report = verifier.consistency(old: old, new: new, proof: proof.flipped(bit))
                #expect(report.verdict == .notVerified, "bit \(bit)")
            }
        }
    }
}
