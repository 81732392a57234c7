import Testing
import Tlog

@Suite("Checkpoints and cosignatures")
struct CheckpointTests {
    @Test("a checkpoint prints its three lines, and reads back")
    func printing() throws {
        let checkpoint = try Checkpoint(
            parsing: "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n")
        #expect(checkpoint.size == 20_852_163 && checkpoint.origin.text == "example.com/behind-the-sofa")
        #expect(
            checkpoint.noteText
                == "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n")
        #expect(checkpoint.extensions.isEmpty)
    }

    @Test("extension lines are kept as they are")
    func extensions() throws {
        let text = try Sample.checkpoint().noteText + "one\n two \u{e9}\n"
        let checkpoint = try Checkpoint(parsing: text)
        #expect(checkpoint.extensions == ["one", " two \u{e9}"])
        #expect(checkpoint.noteText == text)
        #expect(try checkpoint != Checkpoint(parsing: Sample.checkpoint().noteText + "one\n two e\u{301}\n"))
        #expect(throws: CheckpointError.emptyLine(5)) {
            try Checkpoint(origin: Sample.origin(), head: .empty, extensions: ["a", ""])
        }
        #expect(throws: CheckpointError.extensionCharacter("a\nb")) {
            try Checkpoint(origin: Sample.origin(), head: .empty, extensions: ["a\nb"])
        }
    }

    @Test("malformed checkpoints are refused for what is wrong with them")
    func malformed() {
        let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
        let cases: [(String, CheckpointError)] = [
            ("o\n1\n\(root)", .note(.noFinalNewline)), ("o\n1\n", .tooFewLines(2)), ("o\n", .tooFewLines(1)),
            ("\n1\n\(root)\n", .emptyLine(1)), ("o\n1\n\(root)\n\n", .emptyLine(4)), ("o\n\n\(root)\n", .emptyLine(2)),
            ("o o\n1\n\(root)\n", .origin(.keyNameCharacter(name: "o o", codepoint: 0x20))),
            ("o+o\n1\n\(root)\n", .origin(.keyNameCharacter(name: "o+o", codepoint: 0x2b))),
            ("o\n01\n\(root)\n", .size("01")), ("o\n+1\n\(root)\n", .size("+1")), ("o\n-1\n\(root)\n", .size("-1")),
            ("o\n 1\n\(root)\n", .size(" 1")), ("o\n1 \n\(root)\n", .size("1 ")), ("o\n0x1\n\(root)\n", .size("0x1")),
            ("o\n\u{0661}\n\(root)\n", .size("\u{0661}")),
            ("o\n18446744073709551616\n\(root)\n", .size("18446744073709551616")),
            ("o\n9223372036854775808\n\(root)\n", .sizeTooLarge("9223372036854775808")),
            ("o\n1\n\(root.dropLast())\n", .root(String(root.dropLast()))), ("o\n1\nAAAA\n", .root("AAAA")),
            (
                "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n",
                .root("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=")
            ),
        ]
        for (text, error) in cases {
            #expect(throws: error, "\(text.debugDescription)") { try Checkpoint(parsing: text) }
        }
    }

    @Test("a log's signature verifies under its own key and origin only")
    func signing() throws {
        let (key, other) = (try Sample.key(1), try Sample.key(2))
        let signed = try Sample.checkpoint().signed(by: key)
        #expect(try SignedCheckpoint(parsing: signed.bytes) == signed)
        try signed.verify(logKey: Sample.logKey(key))
        let stranger = try Sample.logKey(other)
        #expect(throws: NoteError.noSignature(name: stranger.name, keyID: stranger.keyID)) {
            try signed.verify(logKey: stranger)
        }
        let elsewhere = VerifierKey.ed25519(name: try KeyName("log.example/two"), publicKey: key.publicKey)
        #expect(throws: NoteError.keyNameIsNotOrigin(name: elsewhere.name, origin: try Sample.origin())) {
            try signed.verify(logKey: elsewhere)
        }
        let cosigner = VerifierKey.cosigner(name: try Sample.origin().keyName, publicKey: key.publicKey)
        #expect(throws: NoteError.unsupportedSignatureType(.cosignatureEd25519)) { try signed.verify(logKey: cosigner) }
        #expect(signed.adding(signed.note.signatures) == signed)
    }

    @Test("a cosignature is over its time and the whole text")
    func cosigning() throws {
        let (key, name) = (try Sample.key(3), try KeyName("witness.example/w1"))
        let verifier = VerifierKey.cosigner(name: name, publicKey: key.publicKey)
        let checkpoint = try Sample.checkpoint()
        let line = Cosignature.sign(checkpoint, name: name, key: key, time: 1_679_315_147)
        #expect(line.signature.count == 72)
        #expect(try Cosignature.verify(line, on: checkpoint, key: verifier) == 1_679_315_147)
        let message = "cosignature/v1\ntime 1679315147\n" + checkpoint.noteText
        #expect(Array(line.signature[8...]) == key.sign(Array(message.utf8)))

        let invalid = NoteError.invalidSignature(name: name, keyID: verifier.keyID)
        #expect(throws: invalid) { try Cosignature.verify(line, on: Sample.checkpoint(size: 1), key: verifier) }
        for byte in line.signature.indices {
            var bytes = line.signature
            bytes[byte] ^= 1
            let broken = NoteSignature(name: name, keyID: line.keyID, signature: bytes)
            #expect(throws: invalid) { try Cosignature.verify(broken, on: checkpoint, key: verifier) }
        }
        var late = line.signature
        late[0] = 0x80
        #expect(throws: NoteError.timestampTooLarge(0x8000_0000_0000_0000 + 1_679_315_147)) {
            let line = NoteSignature(name: name, keyID: line.keyID, signature: late)
            _ = try Cosignature.verify(line, on: checkpoint, key: verifier)
        }
        #expect(throws: NoteError.cosignatureLength(71)) {
            let line = NoteSignature(name: name, keyID: line.keyID, signature: line.signature.dropLast())
            _ = try Cosignature.verify(line, on: checkpoint, key: verifier)
        }
        #expect(throws: NoteError.noSignature(name: name, keyID: verifier.keyID)) {
            let line = NoteSignature(name: name, keyID: line.keyID ^ 1, signature: line.signature)
            _ = try Cosignature.verify(line, on: checkpoint, key: verifier)
        }
        let plain = VerifierKey.ed25519(name: name, publicKey: key.publicKey)
        #expect(throws: NoteError.unsupportedSignatureType(.ed25519)) {
            try Cosignature.verify(line, on: checkpoint, key: plain)
        }
    }

    @Test("of several cosignatures of one key the latest counts, and a bad one spoils them")
    func severalCosignatures() throws {
        let (key, name) = (try Sample.key(3), try KeyName("witness.example/w1"))
        let verifier = VerifierKey.cosigner(name: name, publicKey: key.publicKey)
        let checkpoint = try Sample.checkpoint()
        let lines = [7, 9, 8].map { Cosignature.sign(checkpoint, name: name, key: key, time: $0) }
        let signed = checkpoint.signed(by: try Sample.key(1))
        #expect(try Cosignature.verify(signed, key: verifier) == nil)
        #expect(try Cosignature.verify(signed.adding(lines), key: verifier) == 9)
        let bad = NoteSignature(name: name, keyID: verifier.keyID, signature: [UInt8](repeating: 0, count: 72))
        #expect(throws: NoteError.invalidSignature(name: name, keyID: verifier.keyID)) {
            try Cosignature.verify(signed.adding(lines + [bad]), key: verifier)
        }
    }
}
