import Tlog

/// The vectors of the transparency log's own formats. What is expected of each case is written here by hand;
/// `TlogTests` holds the code to it.
enum TlogFixtures {
    static let suites: [FixtureSuite] = [
        FixtureSuite(folder: "tlog") {
            [
                ("signed-note.json", try TlogNoteFixtures.document().file),
                ("checkpoint.json", try TlogCheckpointFixtures.document().file),
                ("cosignature.json", try TlogCosignatureFixtures.document().file),
                ("tlog-policy.json", try TlogPolicyFixtures.document().file),
                ("tlog-proof.json", try TlogProofFixtures.document().file),
                ("tiles.json", try TlogTileFixtures.document().file),
                ("add-checkpoint.json", try TlogWitnessFixtures.document().file),
            ]
        }
    ]
}

/// Members of a JSON object, in order.
typealias FixtureFields = [(name: String, value: FixtureValue)]

/// One vector: what goes in, and either what comes out or the name of the failure.
enum FixtureCase {
    static func accepted(_ name: String, _ input: FixtureFields, _ expected: FixtureFields = []) -> FixtureValue {
        .object([("name", .string(name))] + input + [("valid", true)] + expected)
    }

    static func refused(_ name: String, _ reason: String, _ input: FixtureFields) -> FixtureValue {
        .object([("name", .string(name))] + input + [("valid", false), ("reason", .string(reason))])
    }

    /// As a text where the bytes are UTF-8, otherwise in base64 under the name with `Base64` at its end.
    static func text(_ field: String, _ bytes: [UInt8]) -> (name: String, value: FixtureValue) {
        if let text = String(validating: bytes, as: UTF8.self) { return (field, .string(text)) }
        return (field + "Base64", .string(Base64.encode(bytes)))
    }

    static func strings(_ texts: some Sequence<String>) -> FixtureValue { .array(texts.map { .string($0) }) }
}

/// Keys, names and trees that the vectors share.
enum TlogCast {
    /// The SHA-256 of "holdfast fixture " and the role.
    static func seed(_ role: String) -> [UInt8] { Hash.sha256(Array("holdfast fixture \(role)".utf8)).bytes }

    static func key(_ role: String) throws -> Ed25519.SigningKey { try Ed25519.SigningKey(seed: seed(role)) }

    static let originText = "log.example/2026"
    static func origin() throws -> Origin { try Origin(originText) }

    /// A note key (0x01) of the role under a name.
    static func noteKey(_ role: String, _ name: String) throws -> VerifierKey {
        .ed25519(name: try KeyName(name), publicKey: try key(role).publicKey)
    }

    static func logKey() throws -> VerifierKey { try noteKey("log", originText) }

    static func witnessName(_ role: String) -> String { "witness.example/\(role)" }

    /// A cosigner's key (0x04); its name has the role in it.
    static func witnessKey(_ role: String) throws -> VerifierKey {
        .cosigner(name: try KeyName(witnessName(role)), publicKey: try key(role).publicKey)
    }

    static func cosignature(_ checkpoint: Checkpoint, _ role: String, time: UInt64) throws -> NoteSignature {
        Cosignature.sign(checkpoint, name: try KeyName(witnessName(role)), key: try key(role), time: time)
    }

    /// A signature line over any text by a note key.
    static func line(_ text: String, _ role: String, _ name: String) throws -> String {
        let key = try noteKey(role, name)
        return NoteSignature(
            name: key.name, keyID: key.keyID, signature: try self.key(role).sign(Array(text.utf8))
        ).line + "\n"
    }

    /// Entry `number` of the tree of the vectors.
    static func entry(_ number: UInt64) -> [UInt8] { Array("entry \(number)".utf8) }

    static func frontier(_ size: UInt64) -> Frontier {
        var frontier = Frontier()
        for number in 0..<size { frontier.append(.leaf(entry(number))) }
        return frontier
    }

    /// The checkpoint of the first `size` entries.
    static func checkpoint(_ size: UInt64) throws -> Checkpoint {
        Checkpoint(origin: try origin(), head: frontier(size).treeHead)
    }

    /// All tiles of the tree of `size` entries.
    static func tiles(_ size: UInt64) -> [(tile: Tile, hashes: [UInt8])] {
        var edge = TileEdge()
        for number in 0..<size { edge.append(.leaf(entry(number))) }
        return edge.takeChangedTiles()
    }

    static func hashes(of plan: ProofPlan, in size: UInt64) throws -> [Hash] {
        try plan.hashes(in: Dictionary(uniqueKeysWithValues: tiles(size).map { ($0.tile.coordinate, $0.hashes) }))
    }

    /// What a vector file says of its keys.
    static func keys(_ keys: [(role: String, key: VerifierKey)]) -> FixtureValue {
        .array(
            keys.map { role, key in
                ["role": .string(role), "seed": .string(Hex.encode(seed(role))), "vkey": .string(key.text)]
            })
    }
}
