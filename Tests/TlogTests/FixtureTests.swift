import Foundation
import Testing
import Tlog

@Suite("Committed vectors")
struct FixtureTests {
    @Test("signed-note.json: notes")
    func notes() throws {
        let fixture = try Fixture("signed-note.json")
        let known = try #require(fixture.document["knownKeys"] as? [String]).map { try VerifierKey(parsing: $0) }
        for vector in try fixture.cases("notes") {
            let bytes = try vector.bytes("note")
            try vector.run {
                let note = try SignedNote(parsing: bytes)
                var count = 0
                for key in known { count += try note.verify(key).count }
                return (note, count)
            } accepted: { (note, count) throws in
                #expect(try Array(note.text.utf8) == vector.bytes("text"))
                #expect(try count == Int(vector.number("signaturesOfKnownKeys")))
                #expect(note.bytes == bytes)
            }
        }
    }

    @Test("signed-note.json: verifier keys")
    func verifierKeys() throws {
        for vector in try Fixture("signed-note.json").cases("vkeys") {
            try vector.run {
                try VerifierKey(parsing: vector.text("vkey"))
            } accepted: { (key) throws in
                #expect(try key.name.text == vector.text("keyName"))
                #expect(try UInt64(key.keyID) == vector.number("keyID"))
                #expect(try UInt64(key.type.rawValue) == vector.number("type"))
                #expect(try Hex.encode(key.publicKey) == vector.text("publicKey"))
                #expect(try key.text == vector.text("vkey"))
            }
        }
    }

    @Test("checkpoint.json")
    func checkpoints() throws {
        let fixture = try Fixture("checkpoint.json")
        let key = try VerifierKey(parsing: fixture.text("logKey"))
        for vector in try fixture.cases("checkpoints") {
            let bytes = try vector.bytes("checkpoint")
            try vector.run {
                let signed = try SignedCheckpoint(parsing: bytes)
                try signed.verify(logKey: key)
                return signed
            } accepted: { (signed) throws in
                #expect(try signed.checkpoint.origin.text == vector.text("origin"))
                #expect(try signed.checkpoint.size == vector.number("size"))
                #expect(try signed.checkpoint.root.base64 == vector.text("root"))
                #expect(try signed.checkpoint.extensions == vector.texts("extensions"))
                #expect(signed.bytes == bytes)
                #expect(signed.checkpoint.noteText == signed.note.text)
            }
        }
    }

    @Test("cosignature.json")
    func cosignatures() throws {
        let fixture = try Fixture("cosignature.json")
        let key = try VerifierKey(parsing: fixture.text("cosigner"))
        for vector in try fixture.cases("cosignatures") {
            try vector.run {
                let line = try NoteSignature(parsing: vector.text("line"))
                return try Cosignature.verify(line, on: Checkpoint(parsing: vector.text("checkpointText")), key: key)
            } accepted: { (seconds) throws in
                #expect(try seconds == vector.number("seconds"))
            }
        }
    }

    @Test("tlog-policy.json: policies")
    func policies() throws {
        for vector in try Fixture("tlog-policy.json").cases("policies") {
            let file = try vector.bytes("policy")
            if let line = vector.optionalNumber("line") {
                let error = #expect(throws: TlogPolicyError.self) { try TlogPolicy(parsing: file) }
                #expect(error?.line.map { UInt64($0) } == line, "\(vector.name)")
            }
            try vector.run {
                try TlogPolicy(parsing: file)
            } accepted: { (policy) throws in
                let counts = [policy.logs.count, policy.witnesses.count, policy.groups.count].map { UInt64($0) }
                #expect(try counts == [vector.number("logs"), vector.number("witnesses"), vector.number("groups")])
                let quorum = TlogPolicy.Name(try vector.text("quorum").utf8)
                #expect(policy.quorum == (quorum == .none ? .none : .name(quorum)))
            }
        }
    }

    @Test("tlog-policy.json: checkpoints under policies")
    func policyChecks() throws {
        for vector in try Fixture("tlog-policy.json").cases("checks") {
            try vector.run {
                try TlogPolicy(parsing: vector.bytes("policy")).verify(
                    SignedCheckpoint(parsing: vector.bytes("checkpoint")))
            } accepted: { (verified) throws in
                #expect(try verified.cosignatures.map(\.witness.description) == vector.texts("cosigned"))
                let time = try verified.headTime(notAfter: vector.number("notAfter"))
                #expect(time == vector.optionalNumber("headTime"), "\(vector.name)")
            }
        }
    }

    @Test("tlog-proof.json")
    func proofs() throws {
        let fixture = try Fixture("tlog-proof.json")
        let policy = try TlogPolicy(parsing: Array(fixture.text("policy").utf8))
        for vector in try fixture.cases("proofs") {
            let bytes = try vector.bytes("proof")
            try vector.run {
                let proof = try TlogProof(parsing: bytes)
                _ = try proof.verify(leafHash: vector.hash("leafHash"), policy: policy)
                return proof
            } accepted: { (proof) throws in
                #expect(proof.bytes == bytes)
                #expect(try proof.index == vector.number("index"))
                #expect(try proof.checkpoint.checkpoint.size == vector.number("size"))
                #expect(proof.extra.map { Hex.encode($0) } == vector.fields["extra"] as? String)
            }
        }
    }

    @Test("tiles.json: paths, trees, bundles")
    func tiles() throws {
        let fixture = try Fixture("tiles.json")
        for vector in try fixture.cases("paths") {
            let path = try vector.text("path")
            try vector.run {
                guard let resource = TileResource(path: path) else { throw NoResource() }
                return resource
            } accepted: { (resource) throws in
                #expect(resource.path == path)
                let (index, width) = (try vector.number("index"), Int(try vector.number("width")))
                if try vector.text("kind") == "tile" {
                    let coordinate = try #require(TileCoordinate(level: Int(vector.number("level")), index: index))
                    #expect(try resource == .tile(#require(Tile(coordinate: coordinate, width: width))))
                } else {
                    #expect(resource == .entries(index: index, width: width))
                }
            }
        }
        for tree in try fixture.cases("trees") {
            let size = try tree.number("size")
            let reference = ReferenceTree(leaves: Int(size))
            #expect(try reference.root(Int(size)) == tree.hash("root"))
            let tiles = reference.tiles(Int(size))
            let listed = try #require(tree.fields["tiles"] as? [[String: String]])
            #expect(listed.count == tiles.count)
            for tile in listed {
                guard case .tile(let named) = TileResource(path: tile["path"] ?? "") else {
                    Issue.record("\(tile)")
                    continue
                }
                #expect(tiles[named.coordinate].map { Hash.sha256($0).hex } == tile["sha256"])
                if let hashes = tile["hashes"] { #expect(tiles[named.coordinate].map { Hex.encode($0) } == hashes) }
            }
        }
        for vector in try fixture.cases("bundles") {
            let bytes = try #require(Hex.decode(vector.text("bytes")))
            try vector.run {
                try EntryBundle(parsing: bytes, width: Int(vector.number("width")))
            } accepted: { (bundle) throws in
                #expect(try bundle.entries.map { Hex.encode($0) } == vector.texts("entries"))
                #expect(EntryBundle.encode(entries: bundle.entries) == bytes)
            }
        }
    }

    /// A path that is no resource has no finer reason.
    private struct NoResource: NamedFailure {
        let reason = "resource-path"
    }

    @Test("tiles.json: inclusion and consistency proofs")
    func merkleProofs() throws {
        let fixture = try Fixture("tiles.json")
        for vector in try fixture.cases("inclusion") {
            let proof = InclusionProof(
                index: try vector.number("index"), size: try vector.number("size"), path: try vector.hashes("path"))
            try vector.run {
                try proof.verify(leafHash: vector.hash("leafHash"), root: vector.hash("root"))
            } accepted: { () throws in
                let tree = ReferenceTree(leaves: Int(proof.size))
                #expect(proof.path == tree.path(Int(proof.index), 0, Int(proof.size)))
            }
        }
        for vector in try fixture.cases("consistency") {
            let proof = ConsistencyProof(
                oldSize: try vector.number("oldSize"), newSize: try vector.number("newSize"),
                path: try vector.hashes("path"))
            try vector.run {
                try proof.verify(oldRoot: vector.hash("oldRoot"), newRoot: vector.hash("newRoot"))
            } accepted: { () throws in
                let tree = ReferenceTree(leaves: Int(proof.newSize))
                #expect(proof.path == tree.proof(Int(proof.oldSize), Int(proof.newSize)))
            }
        }
    }

    @Test("add-checkpoint.json")
    func addCheckpoint() throws {
        let fixture = try Fixture("add-checkpoint.json")
        for vector in try fixture.cases("requests") {
            let body = try vector.bytes("body")
            try vector.run {
                let request = try AddCheckpointRequest(parsing: body)
                try request.consistencyProof.verify(
                    oldRoot: vector.hash("oldRoot"), newRoot: request.checkpoint.checkpoint.root)
                return request
            } accepted: { (request) throws in
                #expect(request.body == body)
                #expect(try request.oldSize == vector.number("oldSize"))
                #expect(try request.checkpoint.checkpoint.size == vector.number("size"))
            }
        }
        let (checkpoint, key) = (
            try Checkpoint(parsing: fixture.text("checkpointText")), try VerifierKey(parsing: fixture.text("witness"))
        )
        for vector in try fixture.cases("responses") {
            let body = try vector.bytes("body")
            try vector.run {
                let response = try AddCheckpointResponse(parsing: body)
                return (response, try response.cosignatures(of: checkpoint, from: [key]))
            } accepted: { (response, copied) throws in
                #expect(response.body == body)
                #expect(try copied.map(\.line) == vector.texts("copied"))
            }
        }
        for vector in try fixture.cases("conflicts") {
            let body = try vector.bytes("body")
            try vector.run {
                try AddCheckpointResponse.conflictSize(parsing: body)
            } accepted: { (size) throws in
                #expect(try size == vector.number("size"))
                #expect(AddCheckpointResponse.conflictBody(size: size) == body)
            }
        }
    }

    @Test("make-fixtures writes the committed bytes, and no other files of this folder")
    func regeneration() throws {
        // The tests run from the build folder that has the program too.
        let program = try #require(
            [Bundle.main.bundleURL, Bundle.main.executableURL?.deletingLastPathComponent()].compactMap { $0 }
                .map { $0.appending(path: "make-fixtures") }
                .first { FileManager.default.isExecutableFile(atPath: $0.path) })
        let folder = FileManager.default.temporaryDirectory.appending(path: "fixtures-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let process = Process()
        process.executableURL = program
        process.arguments = [folder.path]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let (made, committed) = (folder.appending(path: "tlog"), Vectors.packageRoot.appending(path: "fixtures/tlog"))
        let names = try FileManager.default.contentsOfDirectory(atPath: made.path).sorted()
        #expect(try FileManager.default.contentsOfDirectory(atPath: committed.path).sorted() == names)
        #expect(names.count == 7)
        for name in names {
            let same =
                try Data(contentsOf: made.appending(path: name)) == Data(contentsOf: committed.appending(path: name))
            #expect(same, "\(name)")
        }
    }
}

extension TlogPolicyError {
    /// The line at fault, where there is one.
    fileprivate var line: Int? {
        switch self {
        case .tooLarge, .noFinalNewline, .noQuorum: nil
        case .controlCharacter(_, let line), .unknownKeyword(_, let line), .itemCount(_, _, let line),
            .key(_, let line), .keyType(_, let line), .duplicateLog(_, let line), .duplicateWitness(_, let line),
            .duplicateName(_, let line), .reservedName(let line), .undefinedName(_, let line),
            .repeatedMember(_, let line), .threshold(_, let line), .thresholdOutOfRange(_, _, let line),
            .secondQuorum(let line), .tooMany(_, let line):
            line
        }
    }
}
