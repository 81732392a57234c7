import COSE
import Foundation
import Governance
import Testing
import Tlog

/// The vectors in `fixtures/governance`. What they expect was written down or computed from the definition by the
/// program that makes them, not by the code that is tested here.
@Suite("Governance vectors")
struct GovernanceFixtureTests {
    private struct Missing: Error {
        let what: String
    }

    private func document(_ name: String) throws -> JSON {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try JSON(parsing: [UInt8](Data(contentsOf: root.appending(path: "fixtures/governance/\(name).json"))))
    }

    private func cases(_ document: JSON, _ name: String) throws -> [JSON] {
        guard let cases = document[name]?.arrayValue, !cases.isEmpty else { throw Missing(what: name) }
        return cases
    }

    private func text(_ json: JSON, _ name: String) throws -> String {
        guard let text = json[name]?.stringValue else { throw Missing(what: name) }
        return text
    }

    private func bytes(_ json: JSON, _ name: String) throws -> [UInt8] {
        guard let bytes = Hex.decode(try text(json, name)) else { throw Missing(what: name) }
        return bytes
    }

    private func hash(_ json: JSON, _ name: String) throws -> Hash {
        guard let hash = Hash(hex: try text(json, name)) else { throw Missing(what: name) }
        return hash
    }

    /// Nil for null.
    private func value(_ json: JSON) throws -> Hash? {
        json["value"]?.isNull == true ? nil : try hash(json, "value")
    }

    /// Runs what must fail, and compares the reason's name.
    private func expectReason(_ json: JSON, _ body: () throws -> Void) throws {
        let expected = try text(json, "reason")
        let name = try text(json, "name")
        do {
            try body()
            Issue.record("\(name): nothing was refused; expected \(expected)")
        } catch let error as any NamedFailure {
            #expect(error.reason == expected, "\(name): \(error)")
        }
    }

    @Test("events")
    func events() throws {
        let document = try document("event")
        for json in try cases(document, "valid") {
            let event = try Event(decoding: bytes(json, "cbor"))
            #expect(event.json.text() == (try text(json, "json")))
            let back = try Event(JSON(parsing: text(json, "json")))
            #expect(back.encoded() == (try bytes(json, "cbor")))
        }
        for json in try cases(document, "invalid") {
            try expectReason(json) { _ = try Event(decoding: bytes(json, "cbor")) }
        }
        for json in try cases(document, "invalidJSON") {
            try expectReason(json) {
                do {
                    _ = try Event(JSON(parsing: text(json, "json")))
                } catch let error as JSONError {
                    throw EventError.json(error)
                }
            }
        }
    }

    @Test("policies and genesis entries")
    func policies() throws {
        let document = try document("policy")
        for json in try cases(document, "valid") {
            let policy = try Policy(decoding: bytes(json, "cbor"))
            #expect(policy.encoded() == (try bytes(json, "cbor")))
            #expect(policy.digest == (try hash(json, "digest")))
        }
        for json in try cases(document, "invalid") {
            try expectReason(json) { _ = try Policy(decoding: bytes(json, "cbor")) }
        }
        let genesis = try #require(document["genesis"])
        let entry = try SignedStatement(decoding: bytes(genesis, "entry"))
        #expect(entry.leafHash == (try hash(genesis, "leafHash")))
        #expect(try Genesis.policy(of: entry).digest == hash(genesis, "digest"))
        for json in try cases(document, "invalidGenesis") {
            try expectReason(json) { _ = try Genesis.policy(of: SignedStatement(decoding: bytes(json, "entry"))) }
        }
    }

    @Test("Merkle maps")
    func maps() throws {
        let document = try document("merkle-map")
        for json in try cases(document, "maps") {
            var map = MerkleMap()
            for pair in try #require(json["content"]?.arrayValue) { map.set(try hash(pair, "key"), try value(pair)) }
            let root = try hash(json, "root")
            #expect(map.root == root)
            for proof in try cases(json, "proofs") {
                let key = try hash(proof, "key")
                try MapProof(decoding: bytes(proof, "proof")).verify(key: key, value: value(proof), root: root)
                #expect(map.proof(key).encoded() == (try bytes(proof, "proof")))
            }
        }
        for json in try cases(document, "refused") {
            try expectReason(json) {
                try MapProof(decoding: bytes(json, "proof"))
                    .verify(key: hash(json, "key"), value: value(json), root: hash(json, "root"))
            }
        }
    }

    @Test("data of statements, in CBOR and in the examples' JSON")
    func statements() throws {
        let document = try document("statements")
        let valid = try cases(document, "valid")
        #expect(try valid.map { try text($0, "type") } == StatementType.allCases.map(\.rawValue))
        for json in valid {
            let name = try text(json, "type")
            let type = try #require(StatementType(rawValue: name))
            let data = try CBOR(decoding: bytes(json, "data"))
            _ = try GovernanceStatement(type, data)
            let event = try Event(self.document("examples/\(name)"))
            #expect(event.type == name && event.data == data)
        }
        for json in try cases(document, "invalid") {
            let type = try #require(StatementType(rawValue: text(json, "type")))
            try expectReason(json) { _ = try GovernanceStatement(type, CBOR(decoding: bytes(json, "data"))) }
        }
    }

    /// Replays a log and holds every seal to the state that is written beside it.
    private func replay(_ log: JSON) throws {
        var replay = LogReplay()
        var seals = try cases(log, "seals")[...]
        for json in try cases(log, "entries") {
            let entry = try bytes(json, "entry")
            #expect(Hash.leaf(entry) == (try hash(json, "leafHash")))
            try replay.append(entry)
            guard replay.sealedSize == replay.size, let seal = seals.popFirst() else { continue }
            #expect(replay.size - 1 == seal["index"]?.unsignedValue)
            #expect(replay.lastSeal?.time == seal["time"]?.unsignedValue)
            #expect(replay.lastSeal?.statements == seal["statements"]?.unsignedValue)
            #expect(replay.map.root == (try hash(seal, "stateRoot")))
            var state: [StateKey: [UInt8]] = [:]
            for pair in try cases(seal, "state") {
                state[StateKey(bytes: try bytes(pair, "key"))] = try bytes(pair, "value")
            }
            #expect(replay.state.values == state)
        }
        try replay.finish()
        #expect(seals.isEmpty)
    }

    @Test("states that were derived by hand from the specification, and their roots")
    func derived() throws {
        let logs = try cases(document("derived"), "logs")
        #expect(try logs.map { try text($0, "name") } == ["tiny", "used-grant", "contained", "governed"])
        for log in logs { try replay(log) }
    }

    @Test("sealed logs", arguments: ["seal", "fold"])
    func seals(_ name: String) throws {
        let document = try document(name)
        try replay(document)
        for json in try cases(document, "refused") {
            var replay = LogReplay()
            try expectReason(json) {
                do {
                    for entry in try cases(json, "entries") {
                        try replay.append(#require(Hex.decode(entry.stringValue ?? "-")))
                    }
                    try replay.finish()
                } catch let error as ReplayError {
                    #expect(error.index == json["index"]?.unsignedValue, "\(error)")
                    throw error
                }
            }
        }
    }
}
