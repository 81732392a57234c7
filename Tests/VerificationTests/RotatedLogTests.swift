import COSE
import Governance
import Testing
import Tlog

@testable import Verification

@Suite("A whole log whose keys changed")
struct RotatedLogTests {
    private static func run(
        _ log: TestLog, _ trust: TrustFile, signing checkpoint: SignedCheckpoint? = nil
    ) async throws -> VerificationReport {
        var files = try log.files()
        if let checkpoint { files["checkpoint"] = checkpoint.bytes }
        return try await Verifier(trust: trust).log(in: MemorySource(files: files), isGovernance: true)
    }

    @Test("it verifies with the trust file of its genesis alone, and says what a trust file lacks")
    func genesisAlone() async throws {
        var log = try TestLog()
        let text = try log.trustText()
        let first = try TrustFile(parsing: Array(text.utf8))
        try log.grow(to: 10)
        let old = log
        #expect(try await Self.run(log, first).fold?.trustLines == [])
        let cutoff = try log.rotate()
        // The head whose last entry is the old key's seal is the new key's.
        #expect(try await Self.run(log, first).verdict == .verified)
        try log.grow(to: 30)
        let report = try await Self.run(log, first)
        #expect(report.verdict == .verified, "\(report.text())")
        #expect(report.value(.logKeys, "rotations") == "1")
        let lines = try #require(report.fold?.trustLines)
        #expect(Set(lines) == Set(TestLog.laterLines(log.keys, origin: log.origin, ended: old.keys, at: cutoff)))
        #expect(report.fold?.json["trust-lines"]?.arrayValue?.count == 6)
        #expect(report.fold?.json["log-keys"]?["statement"]?.arrayValue?.count == 2)
        let later = try TrustFile(parsing: first.bytes + Array(lines.map { $0 + "\n" }.joined().utf8))
        #expect(try await Self.run(log, later).verdict == .verified)
        // Again, with two keys that ended.
        let second = try log.rotate(seed: 120)
        try log.grow(to: 40)
        let again = try await Self.run(log, first)
        #expect(again.verdict == .verified)
        #expect(again.fold?.trustLines.count == 12)
        let both = try TrustFile(
            parsing: first.bytes + Array((again.fold?.trustLines ?? []).map { $0 + "\n" }.joined().utf8))
        #expect(both.keys.statement.map(\.cutoff) == [cutoff, second, nil])
        #expect(Verifier(trust: both).checkpoint(try log.checkpoint().bytes).verdict == .verified)
        #expect(try await Self.run(log, both).verdict == .verified)
    }

    @Test("its head is the key's that is in force there: a former one's is refused, and anybody else's")
    func wrongSigner() async throws {
        var log = try TestLog()
        let first = try TrustFile(parsing: Array(log.trustText().utf8))
        try log.grow(to: 10)
        let old = log
        _ = try log.rotate()
        var next = log
        try log.grow(to: 30)
        func failures(_ log: TestLog, by key: Ed25519.SigningKey) async throws -> [String] {
            var signing = log
            signing.use(checkpoint: key, receipt: key, statement: key)
            return try await Self.run(log, first, signing: try signing.checkpoint()).failures
        }
        #expect(try await failures(log, by: old.checkpointKey) == ["log-signature: key-ended"])
        #expect(try await failures(next, by: old.checkpointKey) == ["log-signature: key-ended"])
        #expect(try await failures(log, by: TestLog.key(99)).contains("log-signature: no-signature"))
        #expect(try await failures(old, by: old.checkpointKey).isEmpty)
        // The next key before its rotation is in the log.
        #expect(try await failures(old, by: log.checkpointKey).contains("log-signature: no-signature"))
        // A key that was in force between two rotations.
        let between = next.checkpointKey
        _ = try next.rotate(seed: 120)
        #expect(try await failures(next, by: between) == ["log-signature: key-ended"])
    }

    @Test("a rotation that the rules don't allow makes no key the log's")
    func forbidden() async throws {
        var log = try TestLog()
        let first = try TrustFile(parsing: Array(log.trustText().utf8))
        try log.grow(to: 10)
        let next = TestLog.Keys(
            checkpoint: try TestLog.key(90), receipt: try TestLog.key(91), statement: try TestLog.key(92))
        let data = LogRotate(logKeys: next.publicKeys, previous: log.fold.rules.policy.digest)
        let event = try Event(
            type: "log.rotate", stream: "self", seq: 0, prev: nil, time: log.time, data: data.cbor)
        log.appendAnyway(try log.sign(event).entryBytes)
        log.seal()
        log.use(checkpoint: next.checkpoint, receipt: next.receipt, statement: next.statement)
        log.seal()
        let report = try await Self.run(log, first)
        #expect(report.failures == ["log-signature: no-signature", "admission: not-permitted"])
        #expect(report.verdict == .notVerified)
    }

    @Test("what a trust file says of the log's keys has to be what the log says")
    func cutoffDiffers() async throws {
        var log = try TestLog()
        let text = try log.trustText()
        try log.grow(to: 10)
        let old = log
        _ = try log.rotate()
        try log.grow(to: 30)
        for (size, failures) in [(12, []), (10, ["log-keys: cutoff-differs"]), (31, [])] as [(UInt64, [String])] {
            let lines = TestLog.laterLines(log.keys, origin: log.origin, ended: old.keys, at: size)
            let trust = try TrustFile(parsing: Array((text + lines.map { $0 + "\n" }.joined()).utf8))
            #expect(try await Self.run(log, trust).failures == failures)
        }
        // A copy from before, under a trust file that knows of the cut-off, is carried over as any old head is.
        let lines = TestLog.laterLines(log.keys, origin: log.origin, ended: old.keys, at: 12)
        let trust = try TrustFile(parsing: Array((text + lines.map { $0 + "\n" }.joined()).utf8))
        #expect(try await Self.run(old, trust).failures == ["successor: successor-missing"])
    }
}
