import Tlog

/// The vectors of a witness's decision. What is expected of each case is written here by hand; `WitnessTests` holds the
/// code to it.
enum WitnessFixtures {
    static let suites: [FixtureSuite] = [
        FixtureSuite(folder: "witness") { [("decision.json", try document().file)] }
    ]

    private static func document() throws -> FixtureValue {
        let keys = [("log", try TlogCast.logKey()), ("log2", try secondKey()), ("w1", try TlogCast.witnessKey("w1"))]
        return [
            "about": .string(
                "What a witness (c2sp.org/tlog-witness) does with the body of an add-checkpoint request, given its list of "
                    + "logs and the latest checkpoint that it cosigned for the log (null: none). status 200: it cosigns, and "
                    + "then serves kept with its cosignatures behind; otherwise nothing changes. conflictSize is the body of "
                    + "status 409. misbehaviour: what the request proves against the log. Entry i of the log is the text "
                    + "\"entry i\"."),
            "keys": TlogCast.keys(keys),
            "logs": .string("# two keys of one log\n\(keys[0].1)\nlog \(keys[1].1) https://log.example/2026\n"),
            "cases": .array(try growth() + lines() + signatures() + sizes() + proofs() + forks()),
        ]
    }

    private static func secondKey() throws -> VerifierKey { try TlogCast.noteKey("log2", TlogCast.originText) }

    // MARK: Parts of a request

    private static func note(_ size: UInt64, by role: String = "log", after: [NoteSignature] = []) throws -> String {
        text(try TlogCast.checkpoint(size).signed(by: try TlogCast.key(role)).adding(after))
    }

    /// A checkpoint with a root that no entries have.
    private static func fork(_ size: UInt64, root: Hash = .sha256(Array("fork".utf8))) throws -> String {
        let checkpoint = Checkpoint(origin: try TlogCast.origin(), head: TreeHead(size: size, root: root))
        return text(checkpoint.signed(by: try TlogCast.key("log")))
    }

    private static func text(_ signed: SignedCheckpoint) -> String { String(decoding: signed.bytes, as: UTF8.self) }

    private static func body(_ old: UInt64, _ size: UInt64, _ note: String? = nil, path: [Hash]? = nil) throws -> String
    {
        let path = try path ?? TlogCast.hashes(of: .consistency(from: old, to: size), in: size)
        let note = try note ?? Self.note(size)
        return "old \(old)\n" + path.map { $0.base64 + "\n" }.joined() + "\n" + note
    }

    private static func cosigned(
        _ name: String, recorded: UInt64?, _ body: String, kept: String
    ) throws -> FixtureValue {
        .object([
            ("name", .string(name)), ("recorded", try recorded.map { .string(try note($0)) } ?? .null),
            ("body", .string(body)), ("status", 200), ("kept", .string(kept)),
        ])
    }

    private static func refused(
        _ name: String, _ status: UInt64, _ reason: String, recorded: UInt64? = 100, _ body: String,
        conflict: UInt64? = nil, misbehaviour: String? = nil
    ) throws -> FixtureValue {
        var fields: FixtureFields = [
            ("name", .string(name)), ("recorded", try recorded.map { .string(try note($0)) } ?? .null),
            ("body", .string(body)), ("status", .number(status)), ("reason", .string(reason)),
        ]
        if let conflict { fields.append(("conflictSize", .number(conflict))) }
        if let misbehaviour { fields.append(("misbehaviour", .string(misbehaviour))) }
        return .object(fields)
    }

    // MARK: Cases

    private static func growth() throws -> [FixtureValue] {
        [
            try cosigned("first contact", recorded: nil, body(0, 300), kept: note(300)),
            try cosigned("first contact with an empty log", recorded: nil, body(0, 0), kept: note(0)),
            try cosigned("growth from the empty tree", recorded: 0, body(0, 300), kept: note(300)),
            try cosigned("growth", recorded: 100, body(100, 300), kept: note(300)),
            try cosigned("growth by one", recorded: 299, body(299, 300), kept: note(300)),
            try cosigned("growth from a power of two", recorded: 256, body(256, 300), kept: note(300)),
            try cosigned("the same checkpoint again", recorded: 300, body(300, 300), kept: note(300)),
        ]
    }

    /// Lines that are not the log's.
    private static func lines() throws -> [FixtureValue] {
        let witness = try TlogCast.witnessKey("w1")
        let forged = NoteSignature(
            name: witness.name, keyID: witness.keyID, signature: [UInt8](repeating: 0x7f, count: 72))
        let grease = NoteSignature(name: try KeyName("grease.example"), keyID: 0x0102_0304, signature: [1])
        let mldsa = try (0..<14).map { number in
            NoteSignature(
                name: try KeyName("witness.example/pq\(number)"), keyID: UInt32(number),
                signature: [UInt8](repeating: UInt8(number), count: 8 + 2420))
        }
        let namesake = NoteSignature(
            name: try TlogCast.origin().keyName, keyID: 1, signature: [UInt8](repeating: 1, count: 64))
        func case200(_ name: String, _ lines: [NoteSignature]) throws -> FixtureValue {
            try cosigned(name, recorded: 100, body(100, 300, try note(300, after: lines)), kept: note(300))
        }
        let extended = try Checkpoint(
            origin: try TlogCast.origin(), head: try TlogCast.checkpoint(300).treeHead,
            extensions: ["an extension line", "2"])
        let signed = text(extended.signed(by: try TlogCast.key("log")))
        return [
            try case200("a forged line in a witness's name", [forged]),
            try case200("grease", [grease]),
            try case200("14 lines of ML-DSA-44", mldsa),
            try case200("an unknown key in the log's name", [namesake]),
            try cosigned("extension lines", recorded: 100, body(100, 300, signed), kept: signed),
        ]
    }

    /// The log's own.
    private static func signatures() throws -> [FixtureValue] {
        let second = try TlogCast.checkpoint(300).signed(by: try TlogCast.key("log2"))
        let first = try TlogCast.checkpoint(300).signed(by: try TlogCast.key("log"))
        let key = try TlogCast.logKey()
        let bad = NoteSignature(name: key.name, keyID: key.keyID, signature: [UInt8](repeating: 2, count: 64))
        let stranger = try TlogCast.checkpoint(300).signed(by: try TlogCast.key("stranger"))
        let unknown = Checkpoint(origin: try Origin("log.example/unknown"), head: try TlogCast.checkpoint(300).treeHead)
        let otherName = text(unknown.signed(by: try TlogCast.key("log")))
        let badFirst = try SignedNote(text: first.note.text, signatures: [bad] + first.note.signatures)
        return [
            try cosigned("the second key", recorded: 100, body(100, 300, text(second)), kept: text(second)),
            try cosigned(
                "both keys", recorded: 100, body(100, 300, text(second.adding(first.note.signatures))),
                kept: text(first.adding(second.note.signatures))),
            try refused("unknown origin", 404, "unknown-origin", recorded: nil, body(0, 300, otherName, path: [])),
            try refused(
                "origin with a space", 404, "unknown-origin", recorded: nil,
                body(0, 300, otherName.replacing("log.example/unknown\n", with: "log example\n"), path: [])),
            try refused("no trusted key", 403, "no-trusted-signature", body(100, 300, text(stranger))),
            try refused(
                "a bad line after the good one", 403, "invalid-signature", body(100, 300, text(first.adding([bad])))),
            try refused(
                "a bad line before the good one", 403, "invalid-signature",
                body(100, 300, String(decoding: badFirst.bytes, as: UTF8.self))),
            try refused(
                "a bad line of one key, a good one of the other", 403, "invalid-signature",
                body(100, 300, text(second.adding([bad])))),
            try refused(
                "a signature of another tree", 403, "invalid-signature",
                body(100, 300, try note(300).replacing("\n300\n", with: "\n301\n"))),
        ]
    }

    private static func sizes() throws -> [FixtureValue] {
        [
            try refused("old size with a leading zero", 400, "request-old-size", "old 0100\n\n" + note(300)),
            try refused("no checkpoint", 400, "request-no-blank-line", "old 100\n"),
            try refused("old above new", 400, "old-size-too-large", recorded: 300, body(301, 300, path: [])),
            try refused("old above new, and wrong", 400, "old-size-too-large", body(301, 300, path: [])),
            try refused("old too small", 409, "old-size-conflict", body(99, 300), conflict: 100),
            try refused("old too large", 409, "old-size-conflict", body(101, 300), conflict: 100),
            try refused("old 0 to ask for the size", 409, "old-size-conflict", body(0, 300), conflict: 100),
            try refused(
                "first contact in the middle", 409, "old-size-conflict", recorded: nil, body(5, 300), conflict: 0),
            try refused("going back", 409, "old-size-conflict", recorded: 300, body(100, 200), conflict: 300),
        ]
    }

    private static func proofs() throws -> [FixtureValue] {
        let path = try TlogCast.hashes(of: .consistency(from: 100, to: 300), in: 300)
        return [
            try refused(
                "a proof from nothing", 422, "proof-from-empty-tree", recorded: nil, body(0, 300, path: [.emptyTree])),
            try refused("no proof", 422, "wrong-path-length", body(100, 300, path: [])),
            try refused("a hash too few", 422, "wrong-path-length", body(100, 300, path: Array(path.dropLast()))),
            try refused("a hash too many", 422, "wrong-path-length", body(100, 300, path: path + [.emptyTree])),
            try refused(
                "the first hash is wrong", 422, "old-root-mismatch",
                body(100, 300, path: [.emptyTree] + path.dropFirst())),
            try refused(
                "a proof between equal sizes", 422, "wrong-path-length", recorded: 300,
                body(300, 300, path: [.emptyTree])),
        ]
    }

    private static func forks() throws -> [FixtureValue] {
        let path = try TlogCast.hashes(of: .consistency(from: 100, to: 300), in: 300)
        return [
            try refused(
                "another history of a larger tree", 422, "root-mismatch", body(100, 300, fork(300), path: path)),
            try refused(
                "another root of the same size", 422, "roots-differ", body(100, 100, fork(100)), misbehaviour: "fork"),
            try refused(
                "another root of the same size, and a wrong old size", 409, "old-size-conflict",
                body(0, 100, fork(100)), conflict: 100, misbehaviour: "fork"),
            try refused(
                "an empty tree with a root", 422, "empty-tree-root", recorded: nil, body(0, 0, fork(0), path: []),
                misbehaviour: "empty-tree-root"),
        ]
    }
}
