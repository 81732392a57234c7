import COSE
import Governance
import Testing
import Tlog

@testable import Verification

@Suite("Later keys and cut-offs in trust files")
struct TrustFileKeyTests {
    let log: TestLog
    let lines: [String]
    let next: [TestLog.Keys]

    init() throws {
        log = try TestLog()
        lines = try trustText(log)
        next = try [90, 120].map { seed in
            TestLog.Keys(
                checkpoint: try TestLog.key(seed), receipt: try TestLog.key(seed + 1),
                statement: try TestLog.key(seed + 2))
        }
    }

    private func later(_ number: Int, ended: TestLog.Keys? = nil, at size: UInt64 = 0) -> [String] {
        TestLog.laterLines(next[number], origin: log.origin, ended: ended, at: size)
    }

    private func reason(_ lines: [String]) throws -> String? {
        let error = #expect(throws: TrustFileError.self) { try parse(lines) }
        return error?.reason
    }

    @Test("keys follow each other as their lines do, the genesis's first, each from the cut-off before it")
    func succession() throws {
        let all = later(0, ended: log.keys, at: 12) + later(1, ended: next[0], at: 20)
        let file = try parse(lines + all)
        #expect(try TrustFile(parsing: file.bytes) == file)
        #expect(file.keys.statement.map(\.cutoff) == [12, 20, nil])
        #expect(file.keys.statement.map(\.start) == [nil, 12, 20])
        #expect(file.keys.receipt.map(\.key) == [log.keys, next[0], next[1]].map(\.receipt.publicKey))
        #expect(file.policy.logs.map { file.keys.cutoff(of: $0.key) } == [12, 20, nil])
        // The genesis's log line may stand anywhere.
        let moved = try parse(Array(lines.dropFirst()) + all + [lines[0]])
        #expect(moved.policy.logs.map { moved.keys.cutoff(of: $0.key) } == [20, nil, 12])
    }

    @Test("without cut-offs, several keys of a use count side by side")
    func sideBySide() throws {
        let file = try parse(lines + later(0))
        #expect(file.keys.receipt.count == 2)
        #expect(file.keys.receipt.map(\.cutoff) == [nil, nil])
    }

    @Test("what can't be told apart is refused")
    func ambiguous() throws {
        let one = later(0, ended: log.keys, at: 12)
        #expect(try reason(lines + one + [one[3]]) == "repeated-line")
        #expect(try reason(lines + one + [one[4].replacing(" 12", with: " 13")]) == "repeated-line")
        // No key of the use is left.
        for (number, use) in [(3, "checkpoint"), (4, "receipt"), (5, "statement")] {
            #expect(try reason(lines + [one[number]]) == "all-keys-ended", "\(use)")
        }
        // Of three keys, the second ends before the first, when it does, or while it goes on.
        for size in [11, 12] as [UInt64] {
            #expect(try reason(lines + one + later(1, ended: next[0], at: size)) == "cutoff-order")
        }
        #expect(try reason(lines + later(0) + later(1, ended: next[0], at: 20)) == "cutoff-order")
        // Keys with two uses.
        let receipt = "log-key receipt \(Base64.encode(log.statementKey.publicKey.bytes))"
        #expect(try reason(lines + [receipt]) == "same-key")
        #expect(try reason(lines + [later(0)[1], later(0)[1]]) == "same-key")
        #expect(
            try reason(lines + ["log-key receipt \(Base64.encode(log.authorityKey.publicKey.bytes))"]) == "same-key")
        let issuer = VerifierKey.ed25519(name: log.origin.keyName, publicKey: log.issuerKey.publicKey)
        #expect(try reason(lines + ["log \(issuer.text)"]) == "same-key")
        // A thumbprint of another use.
        let thumbprint = COSEKey(log.receiptKey.publicKey).thumbprint
        #expect(try reason(lines + later(0) + ["key-cutoff statement \(thumbprint) 12"]) == "unknown-key")
        let stranger = VerifierKey.ed25519(name: log.origin.keyName, publicKey: try TestLog.key(99).publicKey)
        #expect(try reason(lines + later(0) + ["key-cutoff checkpoint \(stranger.text) 12"]) == "unknown-key")
        let elsewhere = VerifierKey.ed25519(name: try KeyName("other"), publicKey: log.checkpointKey.publicKey)
        #expect(try reason(lines + later(0) + ["key-cutoff checkpoint \(elsewhere.text) 12"]) == "unknown-key")
    }

    @Test("later log lines are of the genesis's origin, and its own key is one of them")
    func logLines() throws {
        #expect(try reason(Array(lines.dropFirst()) + later(0)) == "log-key")
        let other = VerifierKey.ed25519(
            name: try KeyName("log.example/other"), publicKey: try TestLog.key(99).publicKey)
        #expect(try reason(lines + ["log \(other.text)"]) == "several-logs")
    }

    @Test("the log's URL may stand on any of its lines")
    func url() throws {
        #expect(try parse(lines).logURL == nil)
        var later = later(0)
        later[0] += " https://log.example/new"
        #expect(try parse(lines + later).logURL == "https://log.example/new")
        #expect(
            try parse(["\(lines[0]) https://log.example/"] + lines.dropFirst() + later).logURL == "https://log.example/"
        )
    }

    @Test("without the genesis entry only checkpoint keys can have later ones and end")
    func noGenesis() throws {
        let plain = lines.filter { !$0.hasPrefix("genesis") && !$0.hasPrefix("authority") }
        let all = later(0, ended: log.keys, at: 12)
        #expect(try reason(plain + [all[1]]) == "no-genesis-entry")
        #expect(try reason(plain + [all[4]]) == "no-genesis-entry")
        let file = try parse(plain + [all[0], all[3]])
        #expect(file.policy.logs.map { file.keys.cutoff(of: $0.key) } == [12, nil])
    }
}
