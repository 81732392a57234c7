import Testing
import Tlog

/// Keys and names that the tests share.
enum Sample {
    static func key(_ number: UInt8) throws -> Ed25519.SigningKey {
        try Ed25519.SigningKey(seed: [UInt8](repeating: number, count: 32))
    }

    static func origin() throws -> Origin { try Origin("log.example/one") }

    static func checkpoint(size: UInt64 = 20_852_163) throws -> Checkpoint {
        Checkpoint(origin: try origin(), head: TreeHead(size: size, root: .leaf([1])))
    }

    static func logKey(_ key: Ed25519.SigningKey) throws -> VerifierKey {
        .ed25519(name: try origin().keyName, publicKey: key.publicKey)
    }
}

/// The example of the signed-note specification.
private let exampleNote = """
    This is an example message.

    — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=

    """
private let exampleKey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"

@Suite("Signed notes")
struct NoteTests {
    private func parse(_ text: String) throws(NoteError) -> SignedNote { try SignedNote(parsing: Array(text.utf8)) }

    private let line = "— a AAAAAQE=\n"

    @Test("the specification's example verifies and prints as it was")
    func example() throws {
        let note = try parse(exampleNote)
        #expect(note.text == "This is an example message.\n")
        #expect(note.bytes == Array(exampleNote.utf8))
        let key = try VerifierKey(parsing: exampleKey)
        #expect(key.text == exampleKey && key.keyID == 0x530d_903a && key.type == .ed25519)
        #expect(try note.verify(key) == note.signatures)
    }

    @Test("a note of the Go checksum database verifies")
    func sumdb() throws {
        let note = try parse(
            """
            go.sum database tree
            35225469
            vt5T6GaLCXvyHFl9VUvvItR43XZxfLgftEcTyO3eJCQ=

            — sum.golang.org Az3grpukl5AXaVfYkLiDGORx/DN2nlcS5kZHR5uYOBV2KA2HgXpD+gu9HHONebHLAyaKbbTM75QTtPydhKCExixSfwQ=

            """)
        let key = try VerifierKey(parsing: "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")
        #expect(try note.verify(key).count == 1)
        // Its origin has spaces and is not its key's name, so to this project it is a note and not a checkpoint.
        #expect(throws: CheckpointError.origin(.keyNameCharacter(name: "go.sum database tree", codepoint: 0x20))) {
            try Checkpoint(parsing: note.text)
        }
    }

    @Test(
        "keys of public witnesses have the IDs that they publish",
        arguments: [
            "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
            "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
            "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
            "witness.navigli.sunlight.geomys.org+a3e00fe2+BNy/co4C1Hn1p+INwJrfUlgz7W55dSZReusH/GhUhJ/G",
        ])
    func publicWitnesses(vkey: String) throws {
        let key = try VerifierKey(parsing: vkey)
        #expect(key.type == .cosignatureEd25519 && key.text == vkey)
    }

    @Test("every bit of the example that is turned over is noticed")
    func bits() throws {
        let key = try VerifierKey(parsing: exampleKey)
        let bytes = Array(exampleNote.utf8)
        for offset in bytes.indices {
            for bit in 0..<8 {
                var broken = bytes
                broken[offset] ^= 1 << bit
                #expect(throws: NoteError.self, "byte \(offset), bit \(bit)") {
                    try SignedNote(parsing: broken).verify(key)
                }
            }
        }
    }

    @Test("text and signatures part at the last blank line, and text may have blank lines")
    func blankLines() throws {
        let note = try parse("a\n\n\nb\n\n" + line)
        #expect(note.text == "a\n\n\nb\n" && note.signatures.count == 1)
        #expect(try parse("\n\n" + line).text == "\n")
        #expect(note.bytes == Array(("a\n\n\nb\n\n" + line).utf8))
    }

    @Test("malformed notes are refused for what is wrong with them")
    func malformed() {
        let cases: [(String, NoteError)] = [
            ("", .noFinalNewline),
            ("text\n", .noBlankLine),
            ("text\n\n— a AAAAAQE=", .noFinalNewline),
            ("text\n\n", .noSignatures),
            ("text" + "\n" + line, .noBlankLine),
            ("\n" + line, .noBlankLine),
            ("a\u{0}b\n\n" + line, .controlCharacter(byte: 0, offset: 1)),
            ("a\tb\n\n" + line, .controlCharacter(byte: 9, offset: 1)),
            ("ab\r\n\r\n" + line, .controlCharacter(byte: 13, offset: 2)),
            ("t\n\n- a AAAAAQE=\n", .malformedSignatureLine(line: 1)),
            ("t\n\n—a AAAAAQE=\n", .malformedSignatureLine(line: 1)),
            ("t\n\n— a  AAAAAQE=\n", .malformedSignatureLine(line: 1)),
            ("t\n\n— a AAAAAQE= \n", .malformedSignatureLine(line: 1)),
            ("t\n\n— aAAAAAQE=\n", .malformedSignatureLine(line: 1)),
            ("t\n\n" + line + "text\n", .malformedSignatureLine(line: 2)),
            ("t\n\n—  AAAAAQE=\n", .emptyKeyName),
            ("t\n\n— a+b AAAAAQE=\n", .keyNameCharacter(name: "a+b", codepoint: 0x2b)),
            ("t\n\n— a\u{a0}b AAAAAQE=\n", .keyNameCharacter(name: "a\u{a0}b", codepoint: 0xa0)),
            ("t\n\n— a\u{2028}b AAAAAQE=\n", .keyNameCharacter(name: "a\u{2028}b", codepoint: 0x2028)),
            ("t\n\n— a AAAAAQE\n", .signatureBase64(line: 1)),
            ("t\n\n— a AAAAAQF=\n", .signatureBase64(line: 1)),
            ("t\n\n— a \n", .signatureTooShort(line: 1, bytes: 0)),
            ("t\n\n— a AAAAAQ==\n", .signatureTooShort(line: 1, bytes: 4)),
        ]
        for (text, error) in cases {
            #expect(throws: error, "\(text.debugDescription)") { try parse(text) }
        }
        #expect(throws: NoteError.notUTF8) {
            try SignedNote(parsing: [0xff, 0x0a, 0x0a] + Array(line.utf8))
        }
    }

    @Test("a hundred signature lines and post-quantum sizes are legal, more are not")
    func limits() throws {
        #expect(try parse("t\n\n" + String(repeating: line, count: 100)).signatures.count == 100)
        #expect(throws: NoteError.tooManySignatures(count: 101, limit: 100)) {
            try parse("t\n\n" + String(repeating: line, count: 101))
        }
        // ML-DSA-44: key ID, time, 2420 bytes of signature; and the largest that signed-note foresees.
        for (bytes, count) in [(4 + 8 + 2420, 32), (5000, 16)] {
            let large = "— a \(Base64.encode([UInt8](repeating: 7, count: bytes)))\n"
            #expect(try parse("t\n\n" + String(repeating: large, count: count)).signatures.count == count)
        }
        #expect(throws: NoteError.tooLarge(bytes: 131_073, limit: 131_072)) {
            try SignedNote(parsing: [UInt8](repeating: 0x61, count: 131_073))
        }
    }

    @Test("signatures of unknown keys are ignored, also under the same name or the same ID")
    func unknownKeys() throws {
        let key = try VerifierKey(parsing: exampleKey)
        let body = String(exampleNote.dropLast(0))
        for extra in [
            "— example.com/foo AAAAAQE=\n", "— example.com/other Uw2QOkn8srU=\n",
            "— grease.invalid/\u{1F9C8} AAECAwQF\n",
        ] {
            let note = try parse(body + extra)
            #expect(try note.verify(key).count == 1)
            #expect(note.bytes == Array((body + extra).utf8))
        }
    }

    @Test("a signature of a known key that is not valid rejects the note, beside a valid one too")
    func invalidSignature() throws {
        let key = try VerifierKey(parsing: exampleKey)
        let bad = "— example.com/foo Uw2QOkn8srU=\n"
        for text in [exampleNote + bad, "This is an example message.\n\n" + bad] {
            #expect(throws: NoteError.invalidSignature(name: key.name, keyID: key.keyID)) {
                try parse(text).verify(key)
            }
        }
        #expect(throws: NoteError.noSignature(name: key.name, keyID: key.keyID)) {
            try parse("t\n\n" + line).verify(key)
        }
    }

    @Test("names that differ only in Unicode normalisation are different")
    func normalisation() throws {
        let (composed, decomposed) = (try KeyName("caf\u{e9}"), try KeyName("cafe\u{301}"))
        #expect(composed != decomposed && Set([composed, decomposed]).count == 2)
        #expect(try parse("\u{e9}\n\n" + line) != parse("e\u{301}\n\n" + line))
    }

    @Test("verifier keys say what is wrong with them")
    func verifierKeys() throws {
        let bad: [(String, NoteError)] = [
            ("", .malformedVerifierKey("")),
            ("a+530d903a", .malformedVerifierKey("a+530d903a")),
            ("a+530d903+AQ==", .malformedVerifierKey("a+530d903+AQ==")),
            ("a+530D903A+AQ==", .malformedVerifierKey("a+530D903A+AQ==")),
            ("a+530d903a+", .malformedVerifierKey("a+530d903a+")),
            ("a+530d903a+AQ", .malformedVerifierKey("a+530d903a+AQ")),
            (" +530d903a+AQ==", .keyNameCharacter(name: " ", codepoint: 0x20)),
            ("+530d903a+AQ==", .emptyKeyName),
            ("a+530d903a+AQ==", .publicKeyLength(type: .ed25519, bytes: 0)),
            ("a+530d903a+AgE=", .unsupportedSignatureType(SignatureType(rawValue: 2))),
            ("a+530d903a+BgE=", .publicKeyLength(type: .cosignatureMLDSA44, bytes: 1)),
            (
                exampleKey.replacingPrefix("example", "exemple"),
                .keyIDMismatch(stated: 0x530d_903a, computed: 0x6c04_4d9c)
            ),
        ]
        for (text, error) in bad {
            let caught = #expect(throws: NoteError.self, "\(text)") { try VerifierKey(parsing: text) }
            if case .keyIDMismatch = error { #expect(caught?.reason == error.reason) } else { #expect(caught == error) }
        }
        let weak = Base64.encode([1, 1] + [UInt8](repeating: 0, count: 31))
        #expect(throws: NoteError.publicKey(.publicKeySmallOrder)) { try VerifierKey(parsing: "a+00000000+\(weak)") }
    }

    @Test("a key of post-quantum cosignatures reads and prints, and verifies nothing")
    func postQuantumKey() throws {
        let key = try VerifierKey(
            name: KeyName("w.example/pq"), type: .cosignatureMLDSA44, publicKey: [UInt8](repeating: 9, count: 1312))
        #expect(try VerifierKey(parsing: key.text) == key)
        #expect(throws: NoteError.unsupportedSignatureType(.cosignatureMLDSA44)) {
            try parse("t\n\n" + line).verify(key)
        }
    }
}

extension String {
    fileprivate func replacingPrefix(_ old: String, _ new: String) -> String {
        hasPrefix(old) ? new + dropFirst(old.count) : self
    }
}
