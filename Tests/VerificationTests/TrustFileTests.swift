import COSE
import Governance
import Testing
import Tlog

@testable import Verification

@Suite("Trust files")
struct TrustFileTests {
    let log: TestLog

    init() throws {
        log = try TestLog()
    }

    @Test("a trust file made from a genesis names the log's key, the genesis and its authorities")
    func fromGenesis() throws {
        let file = try trust(log)
        #expect(file.policy.logs.map(\.key.name.text) == ["log.example/test"])
        #expect(file.genesis?.leafHash == Hash.leaf(log.genesisEntry))
        #expect(file.genesis?.policy == log.policy)
        #expect(file.authorities == [COSEKey(log.authorityKey.publicKey).thumbprint])
        #expect(file.stateQuorum == nil)
        #expect(
            try trustText(log).map { $0.prefix { $0 != " " } } == [
                "log", "witness", "witness", "witness", "group", "quorum", "genesis", "authority",
            ])
    }

    @Test("reading what a trust file prints gives the same trust file; comments and spacing don't count")
    func printing() throws {
        let file = try trust(log)
        #expect(try TrustFile(parsing: file.bytes) == file)
        var lines = try trustText(log)
        lines[0] = "\t log  " + lines[0].dropFirst(4) + " "
        lines.insert("", at: 0)
        lines.insert("  # what we trust: ümläute \t too", at: 3)
        #expect(try parse(lines) == file)
        #expect(try parse(lines).bytes == file.bytes)
    }

    @Test("a plain tlog-policy is a trust file without a genesis")
    func plainPolicy() throws {
        let file = try parse(try trustText(log).filter { !$0.hasPrefix("genesis") && !$0.hasPrefix("authority") })
        #expect(file.genesis == nil)
        #expect(file.authorities.isEmpty)
    }

    @Test("a genesis may be pinned by its hash alone")
    func hashAlone() throws {
        let lines = try trustText(log).map { line in
            line.hasPrefix("genesis") ? line.split(separator: " ").prefix(2).joined(separator: " ") : line
        }
        let file = try parse(lines)
        #expect(file.genesis == PinnedGenesis(leafHash: Hash.leaf(log.genesisEntry)))
    }

    @Test("a state quorum names a witness, a group or none")
    func stateQuorum() throws {
        #expect(try parse(try trustText(log) + ["state-quorum both"]).stateQuorum == .name("both"))
        #expect(try parse(try trustText(log) + ["state-quorum w1"]).stateQuorum == .name("w1"))
        #expect(try parse(try trustText(log) + ["state-quorum none"]).stateQuorum == TlogPolicy.Quorum.none)
    }

    @Test(
        "a line that is wrong is refused by name and number",
        arguments: [
            ("trust log.example", "unknown-keyword", 9),
            ("Log x", "unknown-keyword", 9),
            ("log x", "malformed-verifier-key", 9),
            ("log", "policy-item-count", 9),
            ("quorum both", "policy-second-quorum", 9),
            ("group g any w9", "policy-undefined-name", 9),
            ("genesis", "item-count", 9),
            ("genesis 00 x y", "item-count", 9),
            ("genesis \(String(repeating: "0", count: 64))", "repeated-line", 9),
            ("authority", "item-count", 9),
            ("authority 00", "not-a-hash", 9),
            ("authority \(String(repeating: "A", count: 64))", "not-a-hash", 9),
            ("authority \(String(repeating: "0", count: 64)) x", "item-count", 9),
            ("authority \(String(repeating: "0", count: 64))", "authority-not-named", 7),
            ("state-quorum", "item-count", 9),
            ("state-quorum w9", "policy-undefined-name", 9),
            ("key-cutoff", "item-count", 9),
            ("key-cutoff witness x 7", "item-count", 9),
            ("key-cutoff receipt x 7", "not-a-hash", 9),
            ("key-cutoff checkpoint x 7", "malformed-verifier-key", 9),
            ("key-cutoff receipt \(String(repeating: "0", count: 64)) 07", "not-a-size", 9),
            ("key-cutoff receipt \(String(repeating: "0", count: 64)) 7", "unknown-key", 9),
            ("log-key receipt", "item-count", 9),
            ("log-key checkpoint AAAA", "item-count", 9),
            ("log-key receipt A", "not-base64", 9),
            ("log-key receipt AAAA", "public-key-length", 9),
            ("log-key statement \(Base64.encode([UInt8](repeating: 0, count: 32)))", "public-key-small-order", 9),
            ("\u{7F}", "policy-control-character", 9),
            ("# carriage return\r", "policy-control-character", 9),
        ])
    func wrongLine(line: String, reason: String, number: Int) throws {
        let error = #expect(throws: TrustFileError.self) { try parse(try trustText(log) + [line]) }
        #expect(error?.reason == reason, "\(String(describing: error))")
        #expect(error?.line == number, "\(String(describing: error))")
    }

    @Test("a second authority, a second state quorum, and an unfinished file are refused")
    func wrongFiles() throws {
        let lines = try trustText(log)
        #expect(throws: TrustFileError(.repeated("authority \(lines[7].dropFirst(10))"), line: 9)) {
            try parse(lines + [lines[7]])
        }
        #expect(throws: TrustFileError(.repeated("state-quorum"), line: 10)) {
            try parse(lines + ["state-quorum none", "state-quorum none"])
        }
        #expect(throws: TrustFileError(.policy(.noFinalNewline), line: nil)) {
            try TrustFile(parsing: trust(log).bytes.dropLast())
        }
        #expect(throws: TrustFileError(.policy(.noQuorum), line: nil)) { try TrustFile(parsing: []) }
        #expect(throws: TrustFileError(.noLog, line: nil)) { try parse(["quorum none"]) }
    }

    /// The trust file with its genesis line changed.
    private func withGenesis(_ change: ([String]) -> [String]) throws -> [String] {
        var lines = try trustText(log)
        lines[6] = change(lines[6].split(separator: " ").map(String.init)).joined(separator: " ")
        return lines
    }

    private func error(_ lines: [String]) throws -> TrustFileError? {
        #expect(throws: TrustFileError.self) { try parse(lines) }
    }

    @Test("the genesis entry must be the base64 of what hashes to its leaf hash")
    func genesisBytes() throws {
        #expect(try error(withGenesis { [$0[0], $0[1], $0[2] + "="] })?.fault == .notBase64)
        let other = try TestLog(seed: 50)
        let mismatch = TrustFileError.Fault.genesisHash(
            pinned: Hash.leaf(log.genesisEntry), computed: Hash.leaf(other.genesisEntry))
        #expect(try error(withGenesis { [$0[0], $0[1], Base64.encode(other.genesisEntry)] })?.fault == mismatch)
    }

    @Test("a genesis entry that hashes right must still be a genesis, signed, and canonical")
    func genesisForm() throws {
        func fault(_ entry: [UInt8]) throws -> String? {
            try error(withGenesis { _ in ["genesis", Hash.leaf(entry).hex, Base64.encode(entry)] })?.reason
        }
        #expect(try fault([1, 2, 3]) == "genesis-form")
        #expect(try fault(try log.event().entryBytes) == "genesis-policy")
        #expect(try fault(log.genesisEntry.flipped(log.genesisEntry.count * 8 - 1)) == "genesis-policy")
        let message = try COSESign1(decoding: log.genesisEntry)
        let loose = COSESign1(
            protected: message.protected, unprotected: [99: 1], payload: message.payload,
            signature: message.signature)
        #expect(try fault(loose.encoded()) == "genesis-not-canonical")
    }

    @Test("a pinned authority that did not sign, or is not named, is refused")
    func authorities() throws {
        var lines = try trustText(log)
        lines[7] = "authority \(COSEKey(log.issuerKey.publicKey).thumbprint.hex)"
        let signer = COSEKey(log.authorityKey.publicKey).thumbprint
        #expect(try error(lines)?.fault == .signerNotPinned(signer))
        #expect(try parse(Array(lines.dropLast())).authorities.isEmpty)
    }

    @Test("the log line must be the genesis's: one line, its origin, its key")
    func logLine() throws {
        var lines = try trustText(log)
        let good = lines[0]
        let other = try TestLog(origin: "log.example/other", seed: 50)
        let otherLine = try trustText(other)[0]
        lines[0] = otherLine
        #expect(
            try error(lines)?.fault == .logOrigin(genesis: "log.example/test", line: "log.example/other"))
        lines[0] = try trustText(try TestLog(seed: 50))[0]
        #expect(
            try error(lines)?.fault
                == .logKey(genesis: String(good.dropFirst(4)), line: String(lines[0].dropFirst(4))))
        lines[0] = good
        #expect(try error(lines + [otherLine])?.fault == .severalLogs(2))
        #expect(try error(lines + [otherLine])?.line == nil)
    }

    @Test("no bit of a trust file can be changed so that it trusts another log or fewer witnesses")
    func bitFlips() throws {
        let file = try trust(log)
        let bytes = file.bytes
        // Names that stand in several lines, and group thresholds, say something else when changed, and are the
        // owner's to say; keys and the genesis are bound to each other.
        let text = String(decoding: bytes, as: UTF8.self)
        for line in text.split(separator: "\n") where line.hasPrefix("log") || line.hasPrefix("genesis") {
            let start = text.utf8.distance(from: text.startIndex, to: line.startIndex)
            for bit in stride(from: start * 8, to: (start + line.utf8.count) * 8, by: 1) {
                let changed = bytes.flipped(bit)
                if let other = try? TrustFile(parsing: changed) {
                    #expect(other == file, "bit \(bit)")
                }
            }
        }
    }
}
