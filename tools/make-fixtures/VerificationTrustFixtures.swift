import COSE
import Tlog

/// Trust files, sound and wrong in one thing each.
enum VerificationTrustFixtures {
    static func document() throws -> FixtureValue {
        let log = try TestLog()
        let lines = try log.trustText().split(separator: "\n").map(String.init)
        return [
            "about": """
            Trust files. A valid one has the lines it comes to without comments and extra spaces; an invalid one has \
            the reason of its refusal and the line, from 1, that is at fault, or null if it is the file as a whole.
            """,
            "genesisLeafHash": .string(Hash.leaf(log.genesisEntry).hex),
            "valid": .array(
                try valid(log, lines).map { name, given, printed in
                    ["name": .string(name), "file": .string(given), "printed": .string(printed)]
                }),
            "invalid": .array(
                try invalid(log, lines).map { name, file, reason, line in
                    [
                        "name": .string(name), "file": .string(file), "reason": .string(reason),
                        "line": line.map { .number($0) } ?? .null,
                    ]
                }),
        ]
    }

    private static func join(_ lines: [String]) -> String { lines.map { $0 + "\n" }.joined() }

    private static func valid(_ log: TestLog, _ lines: [String]) throws -> [(String, String, String)] {
        let plain = lines.filter { !$0.hasPrefix("genesis") && !$0.hasPrefix("authority") }
        let pinned = lines.map { $0.hasPrefix("genesis") ? String($0.prefix(8 + 64)) : $0 }
        var spaced = lines
        spaced[0] = "\tlog  " + lines[0].dropFirst(4) + " "
        spaced.insert("# what we trust, and why", at: 0)
        spaced.insert("", at: 3)
        let noWitnesses = try log.trustText(quorum: "none")
        let (later, ended, thrice) = try successions(log)
        return [
            ("everything", join(lines), join(lines)),
            ("comments, empty lines, tabs", join(spaced), join(lines)),
            ("a plain tlog-policy", join(plain), join(plain)),
            ("the genesis by its hash alone", join(pinned), join(pinned)),
            ("quorum none", noWitnesses, noWitnesses),
            ("a state quorum", join(lines + ["state-quorum both"]), join(lines + ["state-quorum both"])),
            ("later keys", join(lines + later), join(lines + later)),
            ("later keys and cut-offs", join(lines + ended), join(lines + ended)),
            ("three keys of each kind", join(lines + thrice), join(lines + thrice)),
            (
                "the genesis's log line last", join(lines.dropFirst() + ended + [lines[0]]),
                join(lines.dropFirst() + ended + [lines[0]])
            ),
            ("state quorum none", join(lines + ["state-quorum none"]), join(lines + ["state-quorum none"])),
        ]
    }

    /// Lines with later keys: without cut-offs, with them, and with a second change.
    private static func successions(_ log: TestLog) throws -> (later: [String], ended: [String], thrice: [String]) {
        let keys = try [90, 120].map { seed in
            TestLog.Keys(
                checkpoint: try TestLog.key(seed), receipt: try TestLog.key(seed + 1),
                statement: try TestLog.key(seed + 2))
        }
        let ended = TestLog.laterLines(keys[0], origin: log.origin, ended: log.keys, at: 12)
        return (
            TestLog.laterLines(keys[0], origin: log.origin), ended,
            ended + TestLog.laterLines(keys[1], origin: log.origin, ended: keys[0], at: 20)
        )
    }

    private typealias Fault = (name: String, file: String, reason: String, line: UInt64?)

    private static func invalid(_ log: TestLog, _ lines: [String]) throws -> [Fault] {
        let zeros = String(repeating: "0", count: 64)
        let added: [(String, String, String)] = [
            ("an unknown word", "trust log.example", "unknown-keyword"),
            ("an uppercase word", "Quorum both", "unknown-keyword"),
            ("a log that is no vkey", "log log.example", "malformed-verifier-key"),
            ("a second quorum", "quorum w0", "policy-second-quorum"),
            ("a group of a witness that is not there", "group g any w9", "policy-undefined-name"),
            ("a genesis without a hash", "genesis", "item-count"),
            ("a second genesis", "genesis \(zeros)", "repeated-line"),
            ("an authority with 63 digits", "authority \(zeros.dropLast())", "not-a-hash"),
            ("an authority in uppercase", "authority \(String(repeating: "A", count: 64))", "not-a-hash"),
            ("a state quorum that is not there", "state-quorum w9", "policy-undefined-name"),
            ("a state quorum without a name", "state-quorum", "item-count"),
            ("a key cut-off of an unknown kind", "key-cutoff witness \(zeros) 7", "item-count"),
            ("a cut-off of a key that is not there", "key-cutoff receipt \(zeros) 7", "unknown-key"),
            ("a cut-off without a thumbprint", "key-cutoff statement x 7", "not-a-hash"),
            ("a cut-off without a vkey", "key-cutoff checkpoint \(zeros) 7", "malformed-verifier-key"),
            ("a cut-off at no size", "key-cutoff receipt \(zeros) 07", "not-a-size"),
            ("a later key of checkpoints that is no log line", "log-key checkpoint AAAA", "item-count"),
            ("a later key in hex", "log-key receipt \(zeros)", "public-key-length"),
            ("a later key that is not base64", "log-key receipt A", "not-base64"),
            ("a carriage return", "# comment\r", "policy-control-character"),
        ]
        var faults: [Fault] = added.map { ($0.0, join(lines + [$0.1]), $0.2, UInt64(lines.count + 1)) }
        faults.append(("an empty file", "", "policy-no-quorum", nil))
        faults.append(("no log", "quorum none\n", "no-log", nil))
        faults.append(("no newline at the end", String(join(lines).dropLast()), "policy-no-final-newline", nil))
        return faults + (try disagreements(log, lines)) + (try keyFaults(log, lines))
    }

    /// Later keys and cut-offs that don't go together.
    private static func keyFaults(_ log: TestLog, _ lines: [String]) throws -> [Fault] {
        let (later, ended, thrice) = try successions(log)
        let plain = lines.filter { !$0.hasPrefix("genesis") && !$0.hasPrefix("authority") }
        func fault(_ name: String, _ lines: [String], _ reason: String, at line: Int? = nil) -> Fault {
            (name, join(lines), reason, UInt64(line ?? lines.count))
        }
        return [
            fault("a cut-off for every key of a kind", lines + [ended[4]], "all-keys-ended"),
            fault("a cut-off twice", lines + ended + [ended[5]], "repeated-line"),
            fault(
                "a second cut-off before the first", lines + thrice.map { $0.replacing(" 20", with: " 11") },
                "cutoff-order", at: 18),
            fault("a second cut-off without the first", lines + later + thrice.dropFirst(6), "cutoff-order", at: 15),
            fault(
                "a receipt key for statements", lines + later + [ended[4].replacing("receipt", with: "statement")],
                "unknown-key"),
            fault("a later key that has a use already", lines + [later[1], later[1]], "same-key"),
            fault("a later key without a genesis", plain + [later[1]], "no-genesis-entry"),
            ("later log lines without the genesis's", join(lines.dropFirst() + later), "log-key", 6),
        ]
    }

    /// Files whose lines are well formed and say different things.
    private static func disagreements(_ log: TestLog, _ lines: [String]) throws -> [Fault] {
        func changed(_ number: Int, _ line: String) -> String {
            var lines = lines
            lines[number - 1] = line
            return join(lines)
        }
        func genesis(_ entry: [UInt8], _ hash: Hash? = nil) -> String {
            changed(7, "genesis \(hash ?? Hash.leaf(entry)) \(Base64.encode(entry))")
        }
        let other = try TestLog(origin: "log.example/other", seed: 50)
        let sameName = try TestLog(seed: 50)
        let otherLog = try String(other.trustText().split(separator: "\n")[0])
        let sameNameLog = try String(sameName.trustText().split(separator: "\n")[0])
        var unsigned = log.genesisEntry
        unsigned[unsigned.count - 1] ^= 1
        let message = try COSESign1(decoding: log.genesisEntry)
        let loose = COSESign1(
            protected: message.protected, unprotected: [99: 1], payload: message.payload,
            signature: message.signature)
        let stranger = COSEKey(log.issuerKey.publicKey).thumbprint
        return [
            ("a genesis of another hash", genesis(log.genesisEntry, .zero), "genesis-hash", 7),
            ("a genesis in unpadded base64", changed(7, lines[6] + "="), "not-base64", 7),
            ("a genesis that is no statement", genesis([1, 2, 3]), "genesis-form", 7),
            ("a genesis that is an event", genesis(try log.event().entryBytes), "genesis-policy", 7),
            ("a genesis with a bad signature", genesis(unsigned), "genesis-policy", 7),
            ("a genesis with an unprotected header", genesis(loose.encoded()), "genesis-not-canonical", 7),
            ("an authority that did not sign", changed(8, "authority \(stranger)"), "signer-not-pinned", 7),
            (
                "an authority that the genesis does not name", join(lines + ["authority \(stranger)"]),
                "authority-not-named", 7
            ),
            ("the log line of another origin", changed(1, otherLog), "log-origin", 7),
            ("the log line of another key", changed(1, sameNameLog), "log-key", 7),
            ("two log lines beside a genesis", join(lines + [otherLog]), "several-logs", nil),
        ]
    }
}
