import COSE
import Governance
import HTTPTypes
import HummingbirdTesting
import LogEngine
import LogStore
import Testing
import Tlog

@testable import LogServer

@Suite("Tiles")
struct TileTests {
    @Test("The checkpoint is the published one, verifies, and is asked for each time")
    func checkpoint() async throws {
        let log = try TestLog()
        try await log.fill(3)
        let response = try await log.get("/checkpoint")
        #expect(response.status == .ok)
        #expect(response.mediaType == "text/plain; charset=utf-8")
        #expect(response.cachePolicy == "no-cache")
        let checkpoint = try SignedCheckpoint(parsing: response.bytes)
        try checkpoint.verify(
            logKey: .ed25519(name: log.policy.origin.keyName, publicKey: log.keys.checkpoint.publicKey))
        #expect(checkpoint.checkpoint.treeHead == log.log.published.treeHead)
    }

    @Test("Every width up to the published one is served as a prefix; what it hashes to is the published root")
    func widths() async throws {
        let log = try TestLog()
        try await log.fill(300)
        let size = log.log.published.size
        #expect(size == 303)
        let full = try await log.get("/tile/0/000")
        #expect(full.status == .ok)
        #expect(full.mediaType == "application/octet-stream")
        #expect(full.cachePolicy == "public, max-age=31536000, immutable")
        #expect(full.bytes.count == 8192)
        let last = try await log.get("/tile/0/001.p/47")
        #expect(last.bytes.count == 47 * 32)
        for width in [1, 2, 46] {
            #expect(try await log.get("/tile/0/001.p/\(width)").bytes == Array(last.bytes.prefix(width * 32)))
        }
        #expect(try await log.get("/tile/0/000.p/255").bytes == Array(full.bytes.prefix(255 * 32)))
        let upper = try await log.get("/tile/1/000.p/1")
        let plan = ProofPlan.root(size: size)
        let coordinates = try [(0, 0, full), (0, 1, last), (1, 0, upper)].map { level, index, response in
            (try #require(TileCoordinate(level: level, index: UInt64(index))), response.bytes)
        }
        #expect(
            try plan.hashes(in: Dictionary(uniqueKeysWithValues: coordinates)) == [log.log.published.treeHead.root])
    }

    @Test("Bundles have the entries whose hashes the tiles have")
    func bundles() async throws {
        let log = try TestLog()
        try await log.fill(260)
        for (path, tile, width) in [
            ("/tile/entries/000", "/tile/0/000", 256), ("/tile/entries/001.p/7", "/tile/0/001.p/7", 7),
            ("/tile/entries/000.p/9", "/tile/0/000.p/9", 9),
        ] {
            let response = try await log.get(path)
            #expect(response.mediaType == "application/octet-stream")
            #expect(response.cachePolicy.contains("immutable"))
            let bundle = try EntryBundle(parsing: response.bytes, width: width)
            let hashes = bundle.entries.flatMap { Hash.leaf($0).bytes }
            #expect(try await log.get(tile).bytes == hashes)
        }
        let first = try EntryBundle(parsing: try await log.get("/tile/entries/000.p/1").bytes, width: 1).entries[0]
        #expect(first == log.genesis.entryBytes)
        #expect(try await log.get("/genesis").bytes == first)
    }

    @Test("What is committed and not published is not there, on any resource")
    func publishedView() async throws {
        let log = try TestLog()
        try await log.fill(3)
        let hidden = try (0..<300).map { try log.evidence("hidden \($0)") }
        try log.store.commitUnpublished(hidden.map(\.entryBytes))
        #expect(try log.store.base.read { try $0.head.size } == 306)
        for path in [
            "/tile/0/000", "/tile/0/000.p/7", "/tile/0/001", "/tile/0/001.p/1", "/tile/1/000.p/1", "/tile/entries/000",
            "/tile/entries/000.p/7", "/entries/6", "/entries/\(hidden[0].leafHash.hex)", "/entries/6/statement",
            "/entries/6/proof", "/proof/inclusion?leaf=\(hidden[0].leafHash.hex)",
        ] {
            let response = try await log.get(path)
            #expect(response.status == .notFound, "\(path)")
            #expect(response.problem?.code == "not-found", "\(path)")
            #expect(response.cachePolicy == "no-store", "\(path)")
        }
        for path in ["/proof/inclusion?index=6", "/proof/inclusion?index=0&size=7", "/proof/consistency?from=1&to=7"] {
            #expect(try await log.get(path).status == .badRequest, "\(path)")
        }
        for path in ["/tile/0/000.p/6", "/tile/entries/000.p/6", "/entries/5", "/proof/inclusion?index=5"] {
            #expect(try await log.get(path).status == .ok, "\(path)")
        }
        #expect(try await log.get("/").text.contains("size      6\n"))
    }

    @Test(
        "Another spelling of a tile is no tile",
        arguments: [
            "/tile/0/0", "/tile/0/00", "/tile/0/0000", "/tile/00/000", "/tile/0/x000/000", "/tile/0/000.p/0",
            "/tile/0/000.p/01", "/tile/0/000.p/256", "/tile/0/000.p", "/tile/64/000", "/tile/-1/000", "/tile/0/000/",
            "/tile/0/%30%30%30", "/tile/0//000", "/tile/entries/0", "/tile/data/000", "/tile/0/001", "/tile/0/000.p/7 ",
            "/tile/8/000", "/tile/0/x999/x999/x999/x999/x999/x999/999", "/tile/7/001",
        ])
    func grammar(path: String) async throws {
        let response = try await TestLog().get(path)
        #expect(response.status == .notFound)
        #expect(response.problem?.code == "not-found")
        #expect(response.cachePolicy == "no-store")
    }

    @Test("A client that has a version is told so, with the same ETag for the same path")
    func conditional() async throws {
        let log = try TestLog()
        try await log.fill(5)
        let first = try await log.get("/tile/0/000.p/3")
        let tag = try #require(first.headers[.eTag])
        #expect(tag.hasPrefix("\"") && tag.hasSuffix("\""))
        for field in [tag, "W/\(tag)", "\"other\", \(tag)", "*"] {
            let again = try await log.get("/tile/0/000.p/3", [.ifNoneMatch: field])
            #expect(again.status == .notModified)
            #expect(again.bytes.isEmpty)
            #expect(again.headers[.eTag] == tag)
            #expect(again.cachePolicy.contains("immutable"))
        }
        #expect(try await log.get("/tile/0/000.p/3", [.ifNoneMatch: "\"other\""]).status == .ok)
        #expect(try await log.get("/tile/0/000.p/4").headers[.eTag] != tag)
        #expect(try await log.get("/tile/0/000.p/200", [.ifNoneMatch: "*"]).status == .notFound)
    }

    @Test("HEAD answers as GET does, without the body")
    func head() async throws {
        let log = try TestLog()
        try await log.fill(5)
        for path in ["/tile/0/000.p/3", "/checkpoint", "/entries/0", "/nowhere"] {
            let get = try await log.get(path)
            let head = try await log.get(path, method: .head)
            #expect(head.status == get.status)
            #expect(head.bytes.isEmpty)
            #expect(head.headers[.contentLength] == get.headers[.contentLength])
            #expect(head.headers[.contentType] == get.headers[.contentType])
        }
    }
}
