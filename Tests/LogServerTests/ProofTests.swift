import COSE
import Governance
import HTTPTypes
import HummingbirdTesting
import LogEngine
import LogStore
import Testing
import Tlog

@testable import LogServer

@Suite("Proofs and streams")
struct ProofTests {
    private func path(_ json: JSON?) throws -> [Hash] {
        try #require(json?["path"]?.arrayValue).map { try #require($0.stringValue.flatMap { Hash(base64: $0) }) }
    }

    /// The roots of all sizes, computed from the entries alone.
    private func roots(_ log: TestLog) throws -> [Hash] {
        let entries = try log.log.read { snapshot, head in try snapshot.entries(0..<head.size) }
        var frontier = Frontier()
        return [.emptyTree]
            + entries.map { entry in
                frontier.append(Hash.leaf(entry))
                return frontier.root()
            }
    }

    @Test("Inclusion proofs verify for every index and size, by index and by leaf hash")
    func inclusion() async throws {
        let log = try TestLog()
        try await log.fill(10)
        let roots = try roots(log)
        let entries = try log.log.read { snapshot, head in try snapshot.entries(0..<head.size) }
        try await log.ask { client in
            for size in 1..<roots.count {
                for index in 0..<size {
                    let leaf = Hash.leaf(entries[index])
                    for query in ["index=\(index)&size=\(size)", "size=\(size)&leaf=\(leaf.hex)"] {
                        let response = try await client.execute(uri: "/proof/inclusion?\(query)", method: .get)
                        #expect(response.status == .ok)
                        let json = response.json
                        #expect(json?["index"]?.unsignedValue == UInt64(index))
                        #expect(json?["leafHash"]?.stringValue == leaf.hex)
                        let proof = InclusionProof(index: UInt64(index), size: UInt64(size), path: try path(json))
                        try proof.verify(leafHash: leaf, root: roots[size])
                    }
                }
            }
        }
    }

    @Test("Consistency proofs verify for every pair of sizes, from the empty tree too")
    func consistency() async throws {
        let log = try TestLog()
        try await log.fill(10)
        let roots = try roots(log)
        try await log.ask { client in
            for to in 0..<roots.count {
                for from in 0...to {
                    let response = try await client.execute(
                        uri: "/proof/consistency?from=\(from)&to=\(to)", method: .get)
                    #expect(response.status == .ok, "\(from) \(to)")
                    let proof = ConsistencyProof(
                        oldSize: UInt64(from), newSize: UInt64(to), path: try path(response.json))
                    try proof.verify(oldRoot: roots[from], newRoot: roots[to])
                }
            }
        }
    }

    @Test("Sizes default to the published one; only with a size named may an answer be kept")
    func defaults() async throws {
        let log = try TestLog()
        try await log.fill(4)
        let size = log.log.published.size
        let inclusion = try await log.get("/proof/inclusion?index=1")
        #expect(inclusion.json?["size"]?.unsignedValue == size)
        #expect(inclusion.cachePolicy == "no-cache")
        #expect(try await log.get("/proof/inclusion?index=1&size=\(size)").cachePolicy.contains("immutable"))
        let consistency = try await log.get("/proof/consistency?from=2")
        #expect(consistency.json?["to"]?.unsignedValue == size)
        #expect(consistency.cachePolicy == "no-cache")
    }

    @Test("With COSE accepted, the proofs are receipts for the published size")
    func receipts() async throws {
        let log = try TestLog()
        try await log.fill(4)
        let older = log.log.published.treeHead
        let statement = try log.evidence("later")
        #expect(try await log.post(statement.entryBytes).status == .created)
        let head = log.log.published.treeHead
        let key = log.keys.receipt.publicKey
        let cose: HTTPFields = [.accept: "application/cose"]

        let inclusion = try await log.get("/proof/inclusion?leaf=\(statement.leafHash.hex)", cose)
        #expect(inclusion.mediaType == "application/cose")
        #expect(try Receipt(decoding: inclusion.bytes).verify(leafHash: statement.leafHash, key: key) == head)
        let consistency = try await log.get("/proof/consistency?from=\(older.size)&to=\(head.size)", cose)
        #expect(try Receipt(decoding: consistency.bytes).verifyConsistency(oldRoot: older.root, key: key) == head)

        #expect(try await log.get("/proof/inclusion?index=0&size=2", cose).status == .notAcceptable)
        #expect(try await log.get("/proof/consistency?from=1&to=2", cose).status == .notAcceptable)
        #expect(try await log.get("/proof/consistency?from=0", cose).status == .notAcceptable)
        let both: HTTPFields = [.accept: "application/cose;q=0.5, application/json"]
        #expect(try await log.get("/proof/inclusion?index=0", both).mediaType == "application/json")
        #expect(try await log.get("/proof/inclusion?index=0", [.accept: "text/html"]).status == .notAcceptable)
    }

    @Test(
        "Parameters at fault are 400 and named",
        arguments: [
            ("/proof/inclusion", "index"), ("/proof/inclusion?size=1", "index"), ("/proof/inclusion?index=99", "index"),
            ("/proof/inclusion?index=1&size=1", "index"), ("/proof/inclusion?index=0&size=99", "size"),
            ("/proof/inclusion?index=0&size=0", "index"), ("/proof/inclusion?index=x", "index"),
            ("/proof/inclusion?leaf=x", "leaf"),
            ("/proof/inclusion?index=0&leaf=\(String(repeating: "0", count: 64))", "index"),
            ("/proof/inclusion?index=0&tree=1", "size"), ("/proof/consistency", "from"),
            ("/proof/consistency?to=1", "from"),
            ("/proof/consistency?from=3&to=2", "from"), ("/proof/consistency?from=1&to=99", "to"),
            ("/proof/consistency?from=1&from=1", "from"), ("/proof/consistency?from=1&index=1", "to"),
        ])
    func parameters(path: String, named: String) async throws {
        let log = try TestLog()
        try await log.fill(1)
        let response = try await log.get(path)
        #expect(response.status == .badRequest)
        #expect(response.problem?.code == "bad-parameter")
        #expect(response.problem?.title == "Malformed request")
        #expect(response.problem?.detail.contains(named) == true)
    }

    // MARK: Streams

    @Test("A stream's newest statement is answered with its proof; issuer and name are percent-encoded")
    func stream() async throws {
        let log = try TestLog()
        let first = try log.event("a stream/with slash", seq: 0, prev: nil)
        let second = try log.event("a stream/with slash", seq: 1, prev: first.leafHash)
        #expect(try await log.post(first.entryBytes).status == .created)
        #expect(try await log.post(second.entryBytes).status == .created)
        try await log.fill(2)
        let path = "/streams/https%3A%2F%2Fissuer.example%2Fci/a%20stream%2fwith%20slash"
        let response = try await log.get(path)
        #expect(response.status == .ok)
        #expect(response.mediaType == "application/json")
        let json = try #require(response.json)
        #expect(json["issuer"]?.stringValue == TestLog.issuer)
        #expect(json["stream"]?.stringValue == "a stream/with slash")
        #expect(json["seq"] == 1)
        #expect(json["leafHash"]?.stringValue == second.leafHash.hex)
        let proof = try TlogProof(parsing: Array(try #require(json["proof"]?.stringValue).utf8))
        #expect(json["index"]?.unsignedValue == proof.index)
        let head = log.log.published
        try InclusionProof(index: proof.index, size: head.size, path: proof.path)
            .verify(leafHash: second.leafHash, root: head.treeHead.root)
        #expect(try await log.get(path, [.accept: "application/cose"]).status == .notAcceptable)
        #expect(try await log.get(path + "?x=1").status == .badRequest)
    }

    @Test(
        "A stream without statements is 404 and says how to begin",
        arguments: [
            "/streams/https%3A%2F%2Fissuer.example%2Fci/other", "/streams/https%3A%2F%2Fother.example/releases",
        ])
    func emptyStream(path: String) async throws {
        let log = try TestLog()
        #expect(try await log.post(log.event("releases", seq: 0, prev: nil).entryBytes).status == .created)
        let response = try await log.get(path)
        #expect(response.status == .notFound)
        #expect(response.problem?.code == "empty-stream")
        #expect(response.problem?.detail.contains("seq 0") == true)
        #expect(try await log.get("/streams/https://issuer.example/ci/releases").status == .notFound)
    }

    // MARK: Keys

    @Test("The receipt key is in the key set and found by its thumbprint in base64url")
    func keys() async throws {
        let log = try TestLog()
        let key = COSEKey(log.keys.receipt.publicKey)
        let set = try await log.get("/.well-known/scitt-keys", [.accept: "application/cbor"])
        #expect(set.mediaType == "application/cbor")
        #expect(try COSEKeySet(decoding: set.bytes).keys == [key])
        for kid in [Base64.encodeURL(key.thumbprint.bytes), key.thumbprint.hex] {
            let single = try await log.get("/.well-known/scitt-keys/\(kid)")
            #expect(single.mediaType == "application/cbor")
            #expect(try COSEKey(decoding: single.bytes) == key)
        }
        for kid in ["x", Base64.encodeURL(COSEKey(log.keys.checkpoint.publicKey).thumbprint.bytes), "a%2Fb"] {
            let response = try await log.get("/.well-known/scitt-keys/\(kid)")
            #expect(response.status == .notFound)
            #expect(response.problem?.title == "No such key")
            #expect(response.problem?.code == "no-such-key")
        }
    }
}
