import COSE
import Governance
import HTTPTypes
import HummingbirdTesting
import LogEngine
import NIOCore
import Testing
import Tlog

@testable import LogServer

@Suite("Registration")
struct EntriesTests {
    @Test("A statement is answered with 201, its index, its address and a receipt that verifies")
    func register() async throws {
        let log = try TestLog()
        let statement = try log.evidence("hello")
        let response = try await log.post(statement.entryBytes)
        #expect(response.status == .created)
        #expect(response.mediaType == "application/cose")
        #expect(response.headers[.location] == "/entries/\(statement.leafHash.hex)")
        #expect(response.headers[.holdfastIndex] == "2")
        #expect(response.cachePolicy == "no-store")
        let receipt = try Receipt(decoding: response.bytes)
        let root = try receipt.verify(leafHash: statement.leafHash, key: log.keys.receipt.publicKey)
        #expect(root == log.log.published.treeHead)
        #expect(receipt.checkpoint == log.log.published.checkpoint.bytes)
    }

    @Test("The same statement again is answered with 200, the old index and a fresh receipt")
    func duplicate() async throws {
        let log = try TestLog()
        let statement = try log.evidence("hello")
        #expect(try await log.post(statement.entryBytes).status == .created)
        try await log.fill(3)
        let response = try await log.post(statement.entryBytes)
        #expect(response.status == .ok)
        #expect(response.headers[.holdfastIndex] == "2")
        #expect(response.headers[.location] == "/entries/\(statement.leafHash.hex)")
        let head = try Receipt(decoding: response.bytes)
            .verify(leafHash: statement.leafHash, key: log.keys.receipt.publicKey)
        #expect(head == log.log.published.treeHead)
    }

    @Test("With a base URL the location is a whole URL")
    func baseURL() async throws {
        var log = try TestLog()
        log.options.baseURL = "https://log.example/test"
        let statement = try log.evidence("hello")
        let response = try await log.post(statement.entryBytes)
        #expect(response.headers[.location] == "https://log.example/test/entries/\(statement.leafHash.hex)")
    }

    @Test(
        "Only COSE and CBOR sequences are taken",
        arguments: [nil, "", "application/json", "application/cbor", "application/cose-key", "text/plain"])
    func contentType(type: String?) async throws {
        let log = try TestLog()
        let response = try await log.post(try log.evidence("hello").entryBytes, type)
        #expect(response.status == .unsupportedMediaType)
        #expect(response.problem?.code == "unsupported-media-type")
        #expect(log.log.published.size == 2)
    }

    @Test("A client that accepts no COSE is told before anything is registered")
    func notAcceptable() async throws {
        let log = try TestLog()
        let body = try log.evidence("hello").entryBytes
        #expect(try await log.post(body, "application/cose", [.accept: "text/html"]).status == .notAcceptable)
        #expect(
            try await log.post(body, "application/cbor-seq", [.accept: "application/cose"]).status == .notAcceptable)
        #expect(log.log.published.size == 2)
        let accept: HTTPFields = [.accept: "application/cbor, application/cose"]
        #expect(try await log.post(body, "application/cose; x=y", accept).status == .created)
    }

    @Test("A body past the limit is 413, points to the hash envelope, and ends the connection")
    func tooLarge() async throws {
        var log = try TestLog()
        log.options.maxStatementBytes = 1000
        let response = try await log.post(Array(repeating: 0, count: 1001))
        #expect(response.status == .contentTooLarge)
        #expect(response.problem?.code == "too-large")
        #expect(response.problem?.detail.contains("hash envelope") == true)
        #expect(response.headers[.connection] == "close")
        let kept = try await log.post(Array(repeating: 0, count: 1000))
        #expect(kept.status == .badRequest)
        #expect(kept.headers[.connection] == nil)
    }

    @Test("A statement longer than the policy's entries is 413 too; its unprotected header does not count")
    func policyLimit() async throws {
        let log = try TestLog(limits: PolicyLimits(maxEntryBytes: 2048))
        let long = try log.evidence(String(repeating: "x", count: 2048))
        let response = try await log.post(long.entryBytes)
        #expect(response.status == .contentTooLarge)
        #expect(response.problem?.code == "too-large")
        #expect(response.headers[.connection] == nil)

        let message = try COSESign1(decoding: log.evidence("short").entryBytes)
        let padded = COSESign1(
            protected: message.protected, unprotected: ["note": .bytes(Array(repeating: 0, count: 8000))],
            payload: message.payload, signature: message.signature)
        #expect(try await log.post(padded.encoded()).status == .created)
    }

    @Test("A transparent statement that comes back is the duplicate of its statement")
    func transparentAgain() async throws {
        let log = try TestLog()
        let statement = try log.evidence("hello")
        #expect(try await log.post(statement.entryBytes).status == .created)
        let transparent = try await log.get("/entries/2/statement").bytes
        let response = try await log.post(transparent)
        #expect(response.status == .ok)
        #expect(response.headers[.holdfastIndex] == "2")
    }

    @Test("A gap names the expected seq and prev, in CBOR and in JSON")
    func gap() async throws {
        let log = try TestLog()
        let first = try log.event("releases", seq: 0, prev: nil)
        #expect(try await log.post(first.entryBytes).status == .created)
        let gap = try log.event("releases", seq: 5, prev: first.leafHash).entryBytes
        let problem = try #require(try await log.post(gap).problem)
        #expect(problem.code == "stream-gap")
        #expect(problem.fields["expected-seq"] == 1)
        #expect(problem.fields["expected-prev"] == .bytes(first.leafHash.bytes))
        let fork = try log.event("releases", seq: 0, prev: nil, time: log.clock.now() + 1).entryBytes
        let forked = try #require(try await log.post(fork).problem)
        #expect(forked.code == "stream-fork")
        #expect(forked.fields["existing-index"] == 2)
        #expect(forked.fields["rule"] == "stream-fork" && forked.fields["set-by"] == 2)
        #expect(forked.fields["expected-seq"] == 1)

        let accept: HTTPFields = [.accept: "application/cose, application/problem+json"]
        let json = try await log.post(gap, "application/cose", accept)
        #expect(json.status == .conflict)
        #expect(json.mediaType == "application/problem+json")
        #expect(json.json?["expected-seq"] == 1)
        #expect(json.json?["rule"] == "stream-gap" && json.json?["set-by"] == nil)
        #expect(json.json?["expected-prev"] == .string(first.leafHash.hex))
        #expect(json.json?["status"] == 409)
        #expect(json.json?["code"] == "stream-gap")

        let early = try #require(try await log.post(log.event("new", seq: 1, prev: first.leafHash).entryBytes).problem)
        #expect(early.fields["expected-seq"] == 0)
        #expect(early.fields["expected-prev"] == .null)
    }

    // MARK: Reading entries

    @Test("An entry is found by leaf hash and by index, as receipt, transparent statement and tlog-proof")
    func read() async throws {
        let log = try TestLog()
        let statement = try log.evidence("hello")
        #expect(try await log.post(statement.entryBytes).status == .created)
        try await log.fill(2)
        let head = log.log.published
        for id in [statement.leafHash.hex, "2"] {
            let receipt = try await log.get("/entries/\(id)")
            #expect(receipt.status == .ok)
            #expect(receipt.headers[.location] == "/entries/\(statement.leafHash.hex)")
            #expect(receipt.cachePolicy == "no-cache")
            let root = try Receipt(decoding: receipt.bytes)
                .verify(leafHash: statement.leafHash, key: log.keys.receipt.publicKey)
            #expect(root == head.treeHead)

            let transparent = try TransparentStatement(decoding: try await log.get("/entries/\(id)/statement").bytes)
            #expect(transparent.statement.entryBytes == statement.entryBytes)
            #expect(transparent.receipts.count == 1)

            let text = try await log.get("/entries/\(id)/proof")
            #expect(text.mediaType == "text/plain; charset=utf-8")
            let proof = try TlogProof(parsing: text.bytes)
            #expect(proof.index == 2)
            try InclusionProof(index: 2, size: head.size, path: proof.path)
                .verify(leafHash: statement.leafHash, root: head.treeHead.root)
            #expect(proof.checkpoint.bytes == head.checkpoint.bytes)
        }
    }

    @Test(
        "An unknown entry is 404, a name that is none 400",
        arguments: [
            ("99", 404), (String(repeating: "ab", count: 32), 404), ("01", 400), ("-1", 400), ("x", 400),
            (String(repeating: "AB", count: 32), 400), ("18446744073709551616", 400), ("18446744073709551615", 404),
            ("%32", 200),
        ])
    func names(id: String, status: Int) async throws {
        let log = try TestLog()
        try await log.fill(1)
        for suffix in ["", "/statement", "/proof"] {
            let response = try await log.get("/entries/\(id)\(suffix)")
            #expect(response.status.code == status, "\(id)\(suffix)")
            if status == 404 {
                #expect(response.problem?.title == "Not Found")
                #expect(response.cachePolicy == "no-store")
            }
        }
    }

    @Test("What a client does not accept is 406")
    func acceptOnRead() async throws {
        let log = try TestLog()
        for (path, accept, status) in [
            ("/entries/0", "application/cose", 200), ("/entries/0", "application/cbor", 200),
            ("/entries/0", "text/plain", 406), ("/entries/0", "*/*", 200), ("/entries/0/proof", "text/*", 200),
            ("/entries/0/proof", "application/cose", 406), ("/entries/0/statement", "application/json", 406),
        ] {
            #expect(try await log.get(path, [.accept: accept]).status.code == status, "\(path) \(accept)")
        }
    }
}
