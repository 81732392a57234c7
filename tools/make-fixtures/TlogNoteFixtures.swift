import Tlog

/// `signed-note.json`: notes under known keys, and verifier keys.
enum TlogNoteFixtures {
    private static let name = "note.example/key"
    private static let text = "A text with two lines.\nThis is the second: \u{e9}.\n"

    static func document() throws -> FixtureValue {
        let own = try TlogCast.noteKey("note", name)
        let other = try TlogCast.noteKey("other note", "other.example")
        return [
            "about": .string(
                "Signed notes (c2sp.org/signed-note). A note is accepted if it is well formed, at least one signature "
                    + "is under the name and key ID of a known key, and every such signature verifies. Accepted: the "
                    + "text, and how many signatures known keys made. vkeys: verifier keys."),
            "keys": TlogCast.keys([("note", own), ("other note", other)]),
            "knownKeys": [.string(own.text)],
            "notes": .array(try accepted(own, other) + refused(own)),
            "vkeys": .array(try vkeys(own)),
        ]
    }

    private static func accepted(_ own: VerifierKey, _ other: VerifierKey) throws -> [FixtureValue] {
        let line = try TlogCast.line(text, "note", name)
        let stranger = try TlogCast.line(text, "other note", "other.example")
        let postQuantum = "— pq.example \(Base64.encode([1, 2, 3, 4] + [UInt8](repeating: 9, count: 2428)))\n"
        func note(_ title: String, _ text: String, _ lines: String, signatures: UInt64 = 1) -> FixtureValue {
            FixtureCase.accepted(
                title, [("note", .string(text + "\n" + lines))],
                [("text", .string(text)), ("signaturesOfKnownKeys", .number(signatures))])
        }
        func signed(_ title: String, _ text: String) throws -> FixtureValue {
            note(title, text, try TlogCast.line(text, "note", name))
        }
        let sameID = NoteSignature(name: other.name, keyID: own.keyID, signature: [UInt8](repeating: 1, count: 64))
        let sameName = NoteSignature(name: own.name, keyID: ~own.keyID, signature: [1])
        return [
            note("one signature", text, line),
            try signed("text with empty lines", "a\n\n\nb\n\nc\n"),
            try signed("text that is one empty line", "\n"),
            try signed("text that ends with empty lines", "a\n\n\n"),
            try signed("text that looks like a signature line", "— a AAAAAQE=\n"),
            try signed("DELETE and C1 controls are no ASCII controls below U+0020", "a\u{7f}\u{85}b\n"),
            note("the known key signed twice", text, line + line, signatures: 2),
            note("unknown key first", text, stranger + line),
            note("unknown key last", text, line + stranger),
            note("unknown key of the same name", text, line + sameName.line + "\n"),
            note("unknown key of the same ID", text, sameID.line + "\n" + line),
            note("unknown key with one byte of signature", text, "— x AAAAAAE=\n" + line),
            note("unknown key with a name beyond ASCII", text, "— x/\u{1F9C8} AAAAAAE=\n" + line),
            note("unknown post-quantum signature", text, postQuantum + line),
            note("sixteen signatures", text, String(repeating: stranger, count: 15) + line),
            note(
                "sixteen signatures, fifteen of them post-quantum", text,
                String(repeating: postQuantum, count: 15) + line),
        ]
    }

    private static func refused(_ own: VerifierKey) throws -> [FixtureValue] {
        let line = try TlogCast.line(text, "note", name)
        let base64 = String(line.dropLast().split(separator: " ")[2])
        let forged = NoteSignature(name: own.name, keyID: own.keyID, signature: [UInt8](repeating: 1, count: 64))
        func note(_ title: String, _ reason: String, _ text: String) -> FixtureValue {
            FixtureCase.refused(title, reason, [("note", .string(text))])
        }
        func bytes(_ title: String, _ reason: String, _ head: [UInt8]) -> FixtureValue {
            FixtureCase.refused(title, reason, [FixtureCase.text("note", head + Array("\n\n\(line)".utf8))])
        }
        func lines(_ title: String, _ reason: String, _ lines: String) -> FixtureValue {
            note(title, reason, text + "\n" + lines)
        }
        return [
            note("empty", "no-final-newline", ""),
            note("text alone", "no-blank-line", text),
            note("no blank line", "no-blank-line", text + line),
            note("no signatures", "no-signatures", text + "\n"),
            note("no text", "no-blank-line", "\n" + line),
            note("no final newline", "no-final-newline", text + "\n" + line.dropLast()),
            note("empty line after the signatures", "no-signatures", text + "\n" + line + "\n"),
            bytes("NUL", "control-character", [0x61, 0x00]),
            bytes("tab", "control-character", [0x61, 0x09]),
            bytes("escape", "control-character", [0x61, 0x1b]),
            note("carriage returns", "control-character", "a\r\n\r\n" + line),
            bytes("byte that is never UTF-8", "not-utf8", [0x61, 0xff]),
            bytes("overlong UTF-8", "not-utf8", [0xc1, 0xa1]),
            bytes("surrogate in UTF-8", "not-utf8", [0xed, 0xa0, 0x80]),
            bytes("UTF-8 cut off", "not-utf8", [0x61, 0xe2, 0x80]),
            lines("hyphen for em dash", "malformed-signature-line", "- \(name) \(base64)\n"),
            lines("en dash for em dash", "malformed-signature-line", "– \(name) \(base64)\n"),
            lines("no space after the dash", "malformed-signature-line", "—\(name) \(base64)\n"),
            lines("space before the dash", "malformed-signature-line", " — \(name) \(base64)\n"),
            lines("two spaces between name and signature", "malformed-signature-line", "— \(name)  \(base64)\n"),
            lines("space at the end", "malformed-signature-line", "— \(name) \(base64) \n"),
            lines("no signature field", "malformed-signature-line", "— \(name)\n"),
            lines("text between the signatures", "malformed-signature-line", line + "text\n" + line),
            lines("empty key name", "empty-key-name", "—  \(base64)\n"),
            lines("plus in the key name", "key-name-character", "— a+b \(base64)\n"),
            lines("no-break space in the key name", "key-name-character", "— a\u{a0}b \(base64)\n"),
            lines("ideographic space in the key name", "key-name-character", "— a\u{3000}b \(base64)\n"),
            lines("line separator in the key name", "key-name-character", "— a\u{2028}b \(base64)\n"),
            lines("next line (U+0085) in the key name", "key-name-character", "— a\u{85}b \(base64)\n"),
            lines("base64 without its padding", "signature-base64", "— \(name) \(base64.dropLast())\n"),
            lines("base64 with unused bits set", "signature-base64", line + "— x AAAAAAF=\n"),
            lines("base64 of the URL alphabet", "signature-base64", line + "— x AAAA-_AA\n"),
            lines("no bytes", "signature-too-short", line + "— x \n"),
            lines("key ID alone", "signature-too-short", line + "— x AAAAAA==\n"),
            lines("only unknown keys", "no-signature", try TlogCast.line(text, "other note", "other.example")),
            lines("signature that does not verify", "invalid-signature", forged.line + "\n"),
            lines("bad signature beside a good one", "invalid-signature", line + forged.line + "\n"),
            lines(
                "signature of another length", "invalid-signature",
                NoteSignature(name: own.name, keyID: own.keyID, signature: [1]).line + "\n"),
            note("text changed", "invalid-signature", "A" + text + "\n" + line),
            note("text with one newline more", "invalid-signature", text + "\n\n" + line),
            note(
                "text in another Unicode normal form", "invalid-signature",
                text.replacing("\u{e9}", with: "e\u{301}") + "\n" + line),
            lines(
                "more than 100 signatures (our limit)", "too-many-signatures",
                String(repeating: "— x AAAAAAE=\n", count: 101)),
        ]
    }

    private static func vkeys(_ own: VerifierKey) throws -> [FixtureValue] {
        func accepted(_ title: String, _ key: VerifierKey) -> FixtureValue {
            FixtureCase.accepted(
                title, [("vkey", .string(key.text))],
                [
                    ("keyName", .string(key.name.text)), ("keyID", .number(UInt64(key.keyID))),
                    ("type", .number(UInt64(key.type.rawValue))), ("publicKey", .string(Hex.encode(key.publicKey))),
                ])
        }
        func refused(_ title: String, _ reason: String, _ vkey: String) -> FixtureValue {
            FixtureCase.refused(title, reason, [("vkey", .string(vkey))])
        }
        /// With the key ID that the name and material give, so that nothing but the material is wrong.
        func material(_ bytes: [UInt8]) -> String {
            let id = Hash.sha256(parts: Array("k".utf8), [0x0a], bytes).bytes.prefix(4)
            return "k+\(Hex.encode(Array(id)))+\(Base64.encode(bytes))"
        }
        let parts = own.text.split(separator: "+", maxSplits: 2).map(String.init)
        let zeros = [UInt8](repeating: 0, count: 31)
        let ones = [UInt8](repeating: 0xff, count: 30)
        return [
            accepted("note key", own),
            accepted("cosigner key", try TlogCast.witnessKey("w1")),
            accepted("name beyond ASCII", try TlogCast.noteKey("note", "\u{e9}.example/\u{1F9C8}")),
            refused("key ID of another name", "key-id-mismatch", "other" + own.text.dropFirst(5)),
            refused("uppercase key ID", "malformed-verifier-key", "\(parts[0])+\(parts[1].uppercased())+\(parts[2])"),
            refused("short key ID", "malformed-verifier-key", "\(parts[0])+\(parts[1].dropLast())+\(parts[2])"),
            refused("two parts", "malformed-verifier-key", "\(parts[0])+\(parts[1])"),
            refused("no material", "malformed-verifier-key", "\(parts[0])+\(parts[1])+"),
            refused("base64 without its padding", "malformed-verifier-key", "k+00000000+AQ"),
            refused("newline at the end", "malformed-verifier-key", own.text + "\n"),
            refused("empty name", "empty-key-name", "+\(parts[1])+\(parts[2])"),
            refused("space in the name", "key-name-character", "a b+\(parts[1])+\(parts[2])"),
            refused("type that is not known here", "unsupported-signature-type", material([0x02] + own.publicKey)),
            refused("public key of 31 bytes", "public-key-length", material([0x01] + own.publicKey.dropLast())),
            refused("public key of 33 bytes", "public-key-length", material([0x01] + own.publicKey + [0])),
            refused("public key of small order", "public-key-small-order", material([0x01, 0x01] + zeros)),
            refused("public key not canonical", "public-key-not-canonical", material([0x01, 0xee] + ones + [0x7f])),
            refused("public key that is no point", "public-key-not-on-curve", material([0x01, 0x02] + zeros)),
        ]
    }
}
