import COSE
import Governance
import HTTPTypes
import HummingbirdTesting
import LogEngine
import LogStore
import Testing
import Tlog

@testable import LogServer

@Suite("State proofs over HTTP")
struct StateProofTests {
    private static let cbor: HTTPFields = [.accept: StateProof.mediaType]

    /// Everything that a proof shows but the signatures, checked under the published head; the value.
    private func verify(_ proof: StateProof, in log: GovernedLog) throws -> CBOR? {
        let statement = try SignedStatement(decoding: proof.seal)
        try statement.verify(log.test.keys.statement.publicKey)
        let seal = try Seal(statement, origin: try Origin(GovernedLog.origin))
        try proof.proof.verify(
            key: proof.key.mapKey, value: proof.value.map { Hash.sha256($0) }, root: seal.stateRoot)
        let head = log.test.log.published
        #expect(proof.checkpoint == head.checkpoint.bytes)
        try InclusionProof(index: proof.index, size: head.size, path: proof.path)
            .verify(leafHash: statement.leafHash, root: head.treeHead.root)
        return try proof.value.map { try CBOR(decoding: $0) }
    }

    private func proof(_ key: StateKey, size: UInt64? = nil, in log: GovernedLog) async throws -> StateProof {
        let response = try await log.get("/state/\(key.text)" + (size.map { "?size=\($0)" } ?? ""), Self.cbor)
        #expect(response.status == .ok)
        #expect(response.mediaType == StateProof.mediaType)
        #expect(response.cachePolicy == (size == nil ? "no-cache" : "public, max-age=300"))
        return try StateProof(decoding: response.bytes)
    }

    @Test("Every key that a list names is proved, at the published size and an older one, its absence before it was")
    func everyKey() async throws {
        var log = try GovernedLog()
        let first = try await log.add(GovernedLog.grant(GrantConditions(uses: 2)), by: .olga)
        let older = log.size
        try await log.start("run/1", first)
        let scope = Scope.execution(GovernedLog.id("run/1"))
        try await log.add(ContainmentEnter(scope: scope, reason: .stateDivergence), by: .gus)
        try await log.add(GrantRevoke(grant: first, reason: "no"), by: .olga)
        for path in ["/identities", "/grants", "/executions", "/containments"] {
            let items = try await log.items(path)
            #expect(!items.isEmpty)
            for item in items {
                let key = try StateKey(text: try #require(item["stateKey"]?.stringValue))
                let now = try await proof(key, in: log)
                #expect(now.sealedSize == log.size)
                let value = try #require(try verify(now, in: log)?.mapValue)
                #expect(value["index"]?.unsignedValue == item["index"]?.unsignedValue)
                let then = try await proof(key, size: older, in: log)
                #expect(then.sealedSize == older)
                let before = try verify(then, in: log)?.mapValue
                #expect((before == nil) == (key.kind == "execution" || key.kind == "containment"))
                if key.kind == "grant" { #expect(before?["revoked"]?.boolValue == false) }
            }
        }
        #expect(try verify(try await proof(.grant(.zero), in: log), in: log) == nil)
    }

    @Test("As JSON it has the same members in hexadecimal, with the record; absence is null")
    func json() async throws {
        var log = try GovernedLog()
        let grant = try await log.add(GovernedLog.grant(), by: .olga)
        let binary = try await proof(.grant(grant), in: log)
        let json = try await log.json("/state/grant/\(grant.hex)")
        #expect(json["stateKey"]?.stringValue == "grant/\(grant.hex)")
        #expect(json["size"]?.unsignedValue == log.size)
        #expect(json.at("record", "revoked") == false)
        #expect(json["key"]?.stringValue == Hex.encode(binary.key.bytes))
        #expect(json["value"]?.stringValue == binary.value.map { Hex.encode($0) })
        #expect(json["proof"] == JSON(record: binary.proof.cbor))
        #expect(json["seal"]?.stringValue == Hex.encode(binary.seal))
        #expect(json["index"]?.unsignedValue == binary.index)
        #expect(json["path"]?.arrayValue?.compactMap(\.stringValue) == binary.path.map(\.hex))
        #expect(json["checkpoint"]?.stringValue == String(decoding: binary.checkpoint, as: UTF8.self))
        let absent = try await log.json("/state/heartbeat/a%3Ab")
        #expect(absent["value"] == .null)
        #expect(absent["record"] == .null)
        #expect(absent["stateKey"] == "heartbeat/a%3Ab")
    }

    @Test("Who accepts CBOR gets the proof; anything else is JSON or 406")
    func negotiation() async throws {
        let log = try GovernedLog()
        #expect(try await log.get("/state/policy").mediaType == "application/json")
        #expect(try await log.get("/state/policy", [.accept: "*/*"]).mediaType == "application/json")
        let cbor = try await log.get("/state/policy", [.accept: "application/cbor"])
        #expect(try StateProof(decoding: cbor.bytes).key == .policy)
        #expect(try await log.get("/state/policy", [.accept: "text/html"]).status == .notAcceptable)
    }

    @Test("While publication is held back, the proof is of the published size")
    func heldBack() async throws {
        var log = try GovernedLog()
        let grant = try await log.add(GovernedLog.grant(), by: .olga)
        log = try await log.losingItsQuorum()
        let size = log.size
        let revoke = try log.statement("grant.revoke", GrantRevoke(grant: grant, reason: "no").cbor, by: .olga)
        _ = await log.test.log.submit([revoke.entryBytes], timeout: .milliseconds(500))
        #expect(try log.test.store.base.read { try $0.head.size } == size + 2)
        let value = try verify(try await proof(.grant(grant), in: log), in: log)?.mapValue
        #expect(value?["revoked"]?.boolValue == false)
        #expect(try await log.get("/state/policy?size=\(size + 2)").problem?.code == "bad-parameter")
    }
}
