import COSE
import Governance
import Testing
import Tlog

@testable import Verification

/// Logs whose tree is sound and whose checkpoint is cosigned, but whose entries break the log's own rules.
@Suite("A whole log by its rules")
struct LogRuleTests {
    /// Makes a log wrong, ends it with a seal, and returns what is found.
    private func failures(_ damage: (inout TestLog) throws -> Void) async throws -> [String] {
        var log = try TestLog()
        try log.grow(to: 20)
        try damage(&log)
        let source = MemorySource(files: try log.files())
        let report = try await Verifier(trust: try trust(log)).log(in: source)
        #expect(report.verdict == .notVerified)
        #expect(report.outcome(.root) == .passed)
        return report.failures
    }

    private func event(
        _ log: TestLog, stream: String = "x", type: String = "work.done", seq: UInt64 = 0, prev: Hash? = nil,
        time: UInt64? = nil
    ) throws -> Event {
        try Event(type: type, stream: stream, seq: seq, prev: prev, time: time ?? log.time, data: .null)
    }

    @Test("an entry that is no statement, or not in canonical form")
    func form() async throws {
        #expect(
            try await failures { log in
                log.appendAnyway([1, 2, 3])
                log.seal()
            } == ["entries: untagged"])
        #expect(
            try await failures { log in
                let message = try COSESign1(decoding: try log.event().entryBytes)
                let loose = COSESign1(
                    protected: message.protected, unprotected: [99: 1], payload: message.payload,
                    signature: message.signature)
                log.appendAnyway(loose.encoded())
                log.seal()
            } == ["entries: not-canonical"])
    }

    @Test("a statement with a bad signature, of a stranger, or under another issuer's name")
    func signatures() async throws {
        #expect(
            try await failures { log in
                let entry = try log.event().entryBytes
                log.appendAnyway(entry.flipped(entry.count * 8 - 1))
                log.seal()
            } == ["statement-signatures: bad-signature"])
        #expect(
            try await failures { log in
                log.appendAnyway(try log.sign(try event(log), by: try TestLog.key(99)).entryBytes)
                log.seal()
            } == ["statement-signatures: unknown-key"])
        #expect(
            try await failures { log in
                log.appendAnyway(try log.sign(try event(log), issuer: "spiffe://example.org/other").entryBytes)
                log.seal()
            } == ["statement-signatures: key-of-another-issuer"])
    }

    @Test("a stream with a gap, and one with a fork")
    func streams() async throws {
        #expect(
            try await failures { log in
                log.appendAnyway(try log.sign(try event(log, stream: "new", seq: 1, prev: .zero)).entryBytes)
                log.seal()
            } == ["streams: stream-gap"])
        #expect(
            try await failures { log in
                log.appendAnyway(try log.sign(try event(log, stream: "s1")).entryBytes)
                log.seal()
            } == ["streams: stream-fork"])
    }

    @Test("what the policy did not admit: time, type, content")
    func admission() async throws {
        #expect(
            try await failures { log in
                log.appendAnyway(try log.sign(try event(log, time: log.time + 600_001)).entryBytes)
                log.seal()
            } == ["admission: time-skew"])
        #expect(
            try await failures { log in
                log.appendAnyway(try log.sign(try event(log, type: "policy.get")).entryBytes)
                log.seal()
            } == ["admission: reserved-type"])
        #expect(
            try await failures { log in
                let statement = try SignedStatement.sign(
                    payload: [1], contentType: "image/png", issuer: TestLog.issuer, subject: "x", key: log.issuerKey)
                log.appendAnyway(statement.entryBytes)
                log.seal()
            } == ["admission: content-type-not-allowed"])
    }

    @Test("seals that say another count, root, place or an earlier time")
    func seals() async throws {
        #expect(try await failures { $0.seal(count: 7) } == ["seals: seal-count"])
        #expect(try await failures { $0.seal(root: .zero) } == ["seals: state-root"])
        #expect(try await failures { $0.seal(seq: 9) } == ["seals: seal-chain"])
        #expect(try await failures { $0.seal(time: TestLog.start - 1) } == ["seals: time-backwards"])
    }

    @Test("a head that does not end with a seal, and something else under the log's statement key")
    func unsealed() async throws {
        #expect(try await failures { try $0.append(try $0.event()) } == ["seals: unsealed"])
        #expect(
            try await failures { log in
                let event = try event(log, stream: "log.seal", type: "log.note")
                log.appendAnyway(
                    try log.sign(event, by: log.statementKey, issuer: log.origin.text).entryBytes)
                log.seal()
            } == ["seals: issuer"])
    }

    @Test("opaque evidence that the policy allows is admitted")
    func evidence() async throws {
        var log = try TestLog()
        try log.append(
            try SignedStatement.sign(
                payload: [1], contentType: "text/plain", issuer: TestLog.issuer, subject: "x", key: log.issuerKey))
        log.seal()
        let report = try await Verifier(trust: try trust(log)).log(in: MemorySource(files: try log.files()))
        #expect(report.verdict == .verified, "\(report.text())")
    }

    @Test("no bit of any file of a log can be changed")
    func bitFlips() async throws {
        var log = try TestLog()
        try log.grow(to: 4)
        let files = try log.files()
        let verifier = Verifier(trust: try trust(log))
        for (path, bytes) in files {
            // Every bit of the short files, some of the long one's.
            for bit in stride(from: 0, to: bytes.count * 8, by: bytes.count > 1000 ? 31 : 1) {
                var changed = files
                changed[path] = bytes.flipped(bit)
                let report = try await verifier.log(in: MemorySource(files: changed))
                #expect(report.verdict == .notVerified, "\(path) bit \(bit)")
            }
        }
    }
}
