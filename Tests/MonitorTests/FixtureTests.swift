import Foundation
import Governance
import LogClient
import Testing
import Tlog
import Verification

@testable import Monitor

/// The vectors in `fixtures/audit` and `fixtures/mirror`, which no code of ours has made.
@Suite("Vectors of audits and mirrors")
struct FixtureTests {
    private static func document(_ name: String) throws -> JSON {
        let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "fixtures")
        return try JSON(parsing: [UInt8](try Data(contentsOf: fixtures.appending(path: name))))
    }

    /// The log of the vectors, as files; its tiles by the code that logs write theirs with.
    private static func files(_ document: JSON) throws -> [String: [UInt8]] {
        let count = try #require(document["entries"]?.unsignedValue)
        let entries = (0..<count).map { Array("entry \($0)".utf8) }
        var files = ["checkpoint": Array(try #require(document["checkpoint"]?.stringValue).utf8)]
        var edge = TileEdge()
        for entry in entries { edge.append(.leaf(entry)) }
        for (tile, hashes) in edge.takeChangedTiles() { files[TileResource.tile(tile).path] = hashes }
        for first in stride(from: 0, to: entries.count, by: 256) {
            let bundle = Array(entries[first..<min(first + 256, entries.count)])
            let resource = TileResource.entries(index: UInt64(first / 256), width: bundle.count)
            files[resource.path] = EntryBundle.encode(entries: bundle)
        }
        return files
    }

    @Test("what an audit finds is what the vectors say, and a whole mirror repairs all of it")
    func damage() async throws {
        let document = try Self.document("audit/damage.json")
        let whole = try Self.files(document)
        let key = try #require(document["vkey"]?.stringValue)
        let trust = try TrustFile(parsing: Array("log \(key)\nquorum none\n".utf8))
        let cases = try #require(document["cases"]?.arrayValue)
        #expect(cases.count > 12)
        for item in cases {
            let name = try #require(item["name"]?.stringValue)
            var files = whole
            for change in item["changes"]?.arrayValue ?? [] {
                let path = try #require(change["path"]?.stringValue)
                if change["remove"] != nil {
                    files[path] = nil
                } else {
                    let offset = Int(try #require(change["offset"]?.unsignedValue))
                    files[path]?[offset] ^= UInt8(try #require(change["xor"]?.unsignedValue))
                }
            }
            var options = Audit.Options()
            options.followsRules = false
            let report = try await Audit(
                try await AuditTarget(files: FileTable(files)), trust: trust, options: options
            ).run()
            #expect(report.verdict.rawValue == item["verdict"]?.stringValue, "\(name)")
            let expected = try #require(item["damage"]?.arrayValue).map { damage in
                JSON.object((damage.objectValue ?? []) + [JSONMember("repaired", .bool(false))])
            }
            #expect(report.damage.map(\.json) == expected, "\(name)")
            try await repaired(files, whole, trust, name)
        }
    }

    private func repaired(
        _ files: [String: [UInt8]], _ whole: [String: [UInt8]], _ trust: TrustFile, _ name: String
    ) async throws {
        let scratch = Scratch()
        for (path, content) in files { try scratch.write(path, content) }
        var options = Audit.Options()
        options.followsRules = false
        options.mirror = FileTable(whole)
        let target = try await AuditTarget(
            files: DirectoryFiles(scratch.path), repairing: try MirrorDirectory(scratch.path))
        let report = try await Audit(target, trust: trust, options: options).run()
        #expect(report.verdict == (files == whole ? .clean : .repaired), "\(name)")
        #expect(scratch.files == whole, "\(name)")
    }

    @Test("a mirror cosigns as tlog-cosignature has it, beside the log's own line")
    func cosigned() throws {
        let document = try Self.document("mirror/cosigned.json")
        func text(_ name: String) throws -> String { try #require(document[name]?.stringValue) }
        let seed = try #require(Hash(hex: try text("seed"))).bytes
        let identity = Mirror.Identity(
            name: try KeyName(try text("name")), key: try Ed25519.SigningKey(seed: seed))
        #expect(identity.verifierKey.text == (try text("vkey")))
        let signed = try SignedCheckpoint(parsing: Array(try text("checkpoint").utf8))
        let line = identity.cosign(signed.checkpoint, at: try #require(document["time"]?.unsignedValue))
        #expect(signed.adding([line]).bytes == Array(try text("cosigned").utf8))
        try signed.verify(logKey: try VerifierKey(parsing: try text("log")))
    }
}
