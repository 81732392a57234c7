import Testing
import Tlog

@Suite("Trust policies")
struct PolicyTests {
    private let log: VerifierKey
    private let witnesses: [VerifierKey]

    init() throws {
        log = try Sample.logKey(Sample.key(1))
        witnesses = try (0..<6).map {
            .cosigner(name: try KeyName("w\($0).example"), publicKey: try Sample.key(10 + UInt8($0)).publicKey)
        }
    }

    private func policy(_ text: String) throws(TlogPolicyError) -> TlogPolicy {
        var filled = text.replacing("LOG", with: log.text)
        for (number, key) in witnesses.enumerated() { filled = filled.replacing("KEY\(number)", with: key.text) }
        return try TlogPolicy(parsing: Array(filled.utf8))
    }

    private func cosigned(by numbers: [Int], times: [UInt64]? = nil) throws -> SignedCheckpoint {
        let checkpoint = try Sample.checkpoint()
        let lines = try numbers.enumerated().map { offset, number in
            Cosignature.sign(
                checkpoint, name: witnesses[number].name, key: try Sample.key(10 + UInt8(number)),
                time: times?[offset] ?? 100)
        }
        return checkpoint.signed(by: try Sample.key(1)).adding(lines)
    }

    /// The example of the specification.
    private let example = """
        log LOG

        witness X1 KEY0
        witness X2 KEY1
        witness X3 KEY2 https://w2.example/
        group X-witnesses 2 X1 X2 X3

        \twitness  Y1\tKEY3
        witness Y2 KEY4
        witness Y3 KEY5
          # a comment
        group Y-witnesses any Y1 Y2 Y3

        group X-and-Y all X-witnesses Y-witnesses
        quorum X-and-Y

        """

    @Test("the specification's example: exactly the right sets of witnesses satisfy it")
    func example64() throws {
        let policy = try policy(example)
        #expect(policy.logs.count == 1 && policy.witnesses.count == 6 && policy.groups.map(\.threshold) == [2, 1, 2])
        #expect(policy.witnesses[2].url?.description == "https://w2.example/")
        for set in 0..<64 {
            let names = (0..<6).filter { set >> $0 & 1 == 1 }.map { policy.witnesses[$0].name }
            let expected = (set & 7).nonzeroBitCount >= 2 && set >> 3 != 0
            #expect(policy.isSatisfied(policy.quorum, by: Set(names)) == expected, "\(names)")
        }
    }

    @Test("a checkpoint needs the log and the quorum")
    func verification() throws {
        let policy = try policy(example)
        let verified = try policy.verify(cosigned(by: [0, 2, 4]))
        #expect(verified.cosignatures.map(\.witness) == ["X1", "X3", "Y2"])
        #expect(throws: PolicyFailure.quorumNotReached(.name("X-and-Y"), cosigned: ["X1", "X2", "X3"])) {
            try policy.verify(cosigned(by: [0, 1, 2]))
        }
        let unsigned = try SignedCheckpoint(
            parsing: Array((Sample.checkpoint().noteText + "\n").utf8)
                + Array((cosigned(by: [0]).note.signatures[1].line + "\n").utf8))
        #expect(throws: PolicyFailure.signature(.noSignature(name: log.name, keyID: log.keyID))) {
            try policy.verify(unsigned)
        }
        let foreign = Checkpoint(origin: try Origin("elsewhere.example"), head: .empty).signed(by: try Sample.key(1))
        #expect(throws: PolicyFailure.unknownLog(try Origin("elsewhere.example"))) { try policy.verify(foreign) }
        let forged = NoteSignature(name: witnesses[5].name, keyID: witnesses[5].keyID, signature: [1])
        #expect(throws: PolicyFailure.signature(.cosignatureLength(1))) {
            try policy.verify(cosigned(by: [0, 1, 3]).adding([forged]))
        }
    }

    @Test("the same witness twice is one witness")
    func repeated() throws {
        let policy = try policy(example)
        let once = try cosigned(by: [0, 3])
        let twice = once.adding(try cosigned(by: [0], times: [101]).note.signatures)
        #expect(throws: PolicyFailure.quorumNotReached(.name("X-and-Y"), cosigned: ["X1", "Y1"])) {
            try policy.verify(twice)
        }
    }

    @Test("a policy without logs takes the log from elsewhere, and quorum none demands no cosignature")
    func noLogs() throws {
        let policy = try policy("quorum none\n")
        let signed = try cosigned(by: [])
        #expect(try policy.verify(signed, logKeys: [log]).cosignatures.isEmpty)
        #expect(throws: PolicyFailure.unknownLog(try Sample.origin())) { try policy.verify(signed) }
        #expect(try policy.verify(signed, logKeys: [log]).headTime(notAfter: .max) == nil)
    }

    @Test("any of a log's keys will do, but none may fail")
    func severalLogKeys() throws {
        let second = try Sample.logKey(Sample.key(2))
        let policy = try policy("log \(second.text)\nlog LOG\nquorum none\n")
        _ = try policy.verify(cosigned(by: []))
        let bad = NoteSignature(name: second.name, keyID: second.keyID, signature: [UInt8](repeating: 1, count: 64))
        #expect(throws: PolicyFailure.signature(.invalidSignature(name: second.name, keyID: second.keyID))) {
            try policy.verify(cosigned(by: []).adding([bad]))
        }
    }

    @Test("the head time is the latest that a quorum of cosignatures reaches")
    func headTime() throws {
        let policy = try policy("log LOG\nwitness a KEY0\nwitness b KEY1\nwitness c KEY2\ngroup g 2 a b c\nquorum g\n")
        let verified = try policy.verify(cosigned(by: [0, 1, 2], times: [100, 300, 200]))
        #expect(verified.headTime(notAfter: 1000) == 200)
        #expect(verified.headTime(notAfter: 299) == 100)
        #expect(verified.headTime(notAfter: 199) == nil)
    }

    @Test("names are octets")
    func octetNames() throws {
        // The Kelvin sign is not K, and bytes that are no UTF-8 are names too.
        let head = "witness K KEY0\nwitness \u{212a} KEY1\n"
        #expect(try policy(head + "quorum K\n").witnesses.count == 2)
        var bytes = Array("witness ".utf8) + [0xff, 0x80] + Array(" \(witnesses[0].text)\nquorum ".utf8)
        bytes += [0xff, 0x80, 0x0a]
        #expect(try TlogPolicy(parsing: bytes).quorum == .name(TlogPolicy.Name([0xff, 0x80])))
    }

    @Test("malformed policies are refused for what is wrong with them")
    func malformed() throws {
        let zero = try VerifierKey(
            name: KeyName("pq"), type: .cosignatureMLDSA44, publicKey: [UInt8](repeating: 0, count: 1312))
        let renamed = VerifierKey.ed25519(name: try KeyName("b"), publicKey: try Sample.key(1).publicKey)
        let cosigner0 = VerifierKey.cosigner(name: try KeyName("b"), publicKey: try Sample.key(10).publicKey)
        let w = "witness a KEY0\nwitness b KEY1\n"
        let cases: [(String, TlogPolicyError)] = [
            ("", .noQuorum), ("# nothing\n\n", .noQuorum), ("quorum none", .noFinalNewline),
            ("quorum none\r\n", .controlCharacter(byte: 13, line: 1)),
            ("# \u{7f}\nquorum none\n", .controlCharacter(byte: 0x7f, line: 1)),
            ("\nquorum\u{b}none\n", .controlCharacter(byte: 11, line: 2)),
            ("quorum none\nquorum none\n", .secondQuorum(line: 2)),
            ("quorum none # comment\n", .itemCount(keyword: "quorum", items: 4, line: 1)),
            ("quorum\n", .itemCount(keyword: "quorum", items: 1, line: 1)),
            ("Quorum none\n", .unknownKeyword("Quorum", line: 1)),
            ("quorum a\n" + w, .undefinedName("a", line: 1)),
            ("log\nquorum none\n", .itemCount(keyword: "log", items: 1, line: 1)),
            ("log LOG u u\nquorum none\n", .itemCount(keyword: "log", items: 4, line: 1)),
            ("log x\nquorum none\n", .key(.malformedVerifierKey("x"), line: 1)),
            ("log KEY0\nquorum none\n", .keyType(.cosignatureEd25519, line: 1)),
            ("witness a LOG\nquorum none\n", .keyType(.ed25519, line: 1)),
            ("witness a \(zero.text)\nquorum none\n", .keyType(.cosignatureMLDSA44, line: 1)),
            ("log LOG\nlog \(renamed.text)\nquorum none\n", .duplicateLog(renamed, line: 2)),
            ("witness a KEY0\nwitness b \(cosigner0.text)\nquorum a\n", .duplicateWitness(cosigner0, line: 2)),
            ("witness a KEY0\nwitness a KEY1\nquorum a\n", .duplicateName("a", line: 2)),
            (w + "group a any b\nquorum a\n", .duplicateName("a", line: 3)),
            ("witness none KEY0\nquorum none\n", .reservedName(line: 1)),
            (w + "group none any a\nquorum none\n", .reservedName(line: 3)),
            (w + "group g any none\nquorum g\n", .reservedName(line: 3)),
            (w + "group g any\nquorum g\n", .itemCount(keyword: "group", items: 3, line: 3)),
            (w + "group g any a c\nquorum g\n", .undefinedName("c", line: 3)),
            (w + "group g any g\nquorum g\n", .undefinedName("g", line: 3)),
            (w + "group g any a a\nquorum g\n", .repeatedMember("a", line: 3)),
            (w + "group g any a\ngroup h any a b\nquorum h\n", .repeatedMember("a", line: 4)),
            (w + "group g 0 a b\nquorum g\n", .thresholdOutOfRange(k: 0, members: 2, line: 3)),
            (w + "group g 3 a b\nquorum g\n", .thresholdOutOfRange(k: 3, members: 2, line: 3)),
            (w + "group g 01 a b\nquorum g\n", .threshold("01", line: 3)),
            (w + "group g most a b\nquorum g\n", .threshold("most", line: 3)),
            (w + "group g -1 a b\nquorum g\n", .threshold("-1", line: 3)),
            (w + "group g 18446744073709551617 a b\nquorum g\n", .threshold("18446744073709551617", line: 3)),
        ]
        for (text, error) in cases {
            #expect(throws: error, "\(text)") { try policy(text) }
        }
        let binary = Array("log ".utf8) + [0xff, 0x0a] + Array("quorum none\n".utf8)
        #expect(throws: TlogPolicyError.key(.notUTF8, line: 1)) { try TlogPolicy(parsing: binary) }
    }

    @Test("more than thirty-two logs, witnesses and groups are taken")
    func limits() throws {
        var text = ""
        for number in 0..<100 {
            let key = try Sample.key(100 + UInt8(number)).publicKey
            text += "log \(VerifierKey.ed25519(name: try KeyName("l\(number)"), publicKey: key).text)\n"
            text += "witness w\(number) \(VerifierKey.cosigner(name: try KeyName("w\(number)"), publicKey: key).text)\n"
            text += number == 0 ? "group g0 all w0\n" : "group g\(number) all w\(number) g\(number - 1)\n"
        }
        let policy = try policy(text + "quorum g99\n")
        let all = Set(policy.witnesses.map(\.name))
        #expect(policy.isSatisfied(policy.quorum, by: all))
        #expect(!policy.isSatisfied(policy.quorum, by: all.subtracting(["w0"])))
        #expect(throws: TlogPolicyError.tooLarge(bytes: (1 << 20) + 1, limit: 1 << 20)) {
            try TlogPolicy(parsing: [UInt8](repeating: 0x20, count: (1 << 20) + 1))
        }
    }
}
