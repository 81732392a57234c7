import COSE
import Governance
import HTTPTypes
import HummingbirdTesting
import LogEngine
import Testing
import Tlog

@testable import LogServer

@Suite("Reads of the governance state")
struct GovernanceReadTests {
    private let wanted = "1122334455667788112233445566778811223344556677881122334455667788"

    @Test("The policy in force is answered with its digest, its entry, and the approvals of another")
    func policy() async throws {
        var log = try GovernedLog(secondAuthority: true)
        let before = try await log.json("/policy")
        #expect(before["size"] == 2)
        #expect(before["time"]?.unsignedValue == log.test.clock.now())
        #expect(before["stateKey"] == "policy")
        #expect(before["index"] == 0)
        #expect(before["digest"]?.stringValue == log.test.policy.digest.hex)
        #expect(before.at("policy", "origin") == "log.example/test")
        let receiptKey = Hex.encode(log.test.keys.receipt.publicKey.bytes)
        #expect(before.at("policy", "logKeys", "receipt")?.stringValue == receiptKey)
        #expect(before["approvals"] == .null)

        let old = log.test.policy
        let policy = try Policy(
            origin: old.origin, logKeys: old.logKeys, authorities: old.authorities, threshold: 2,
            issuers: old.issuers, contentTypes: ["*"], allowUnwitnessed: true, previous: old.digest)
        try await log.register([log.statement("policy.set", policy.cbor, by: .authority)])
        let pending = try await log.json("/policy")
        #expect(pending["index"] == 0)
        #expect(pending.at("approvals", "stateKey") == "approvals")
        #expect(pending.at("approvals", "index") == 2)
        #expect(
            pending.at("approvals", "approvals", Actor.authority.keyID.hex)
                == [.string(policy.digest.hex), 2])
        try await log.register([log.statement("policy.set", policy.cbor, by: .second)])
        let after = try await log.json("/policy")
        #expect(after["index"] == 4)
        #expect(after["digest"]?.stringValue == policy.digest.hex)
        #expect(after["approvals"] == .null)
        #expect(try await log.json("/policy?size=4")["approvals"] == pending["approvals"])
    }

    @Test("Identities are listed with their keys; one issuer's with what it attested and whether it is contained")
    func identities() async throws {
        var log = try GovernedLog()
        try await log.add(
            IdentityRotate(keyID: Actor.rita.keyID, newKey: Actor.key(30).publicKey), by: .olga)
        try await log.add(RuntimeAttest(measurement: [0xab, 0xcd], previous: nil), by: .ron)
        try await log.add(ContainmentEnter(scope: .runtime(Actor.ron.issuer), reason: .stateDivergence), by: .olga)

        let items = try await log.items("/identities?limit=2")
        #expect(items.count == 6)
        let ended = try #require(items.first { $0["keyID"]?.stringValue == Actor.rita.keyID.hex })
        #expect(ended["issuer"]?.stringValue == Actor.rita.issuer)
        let key = StateKey.identity(issuer: Actor.rita.issuer, keyID: Actor.rita.keyID)
        #expect(ended["stateKey"]?.stringValue == key.text)
        #expect(ended["key"]?.stringValue == Hex.encode(Actor.rita.key.publicKey.bytes))
        #expect(ended["roles"] == ["registrar"])
        #expect(ended["ending"] == "rotated")
        #expect(ended["inForce"] == false)
        #expect(ended["index"] == 2)

        let ron = try await log.json("/identities/spiffe%3A%2F%2Fexample.org%2Fruntime%2Fron")
        #expect(ron["issuer"]?.stringValue == Actor.ron.issuer)
        #expect(ron["items"]?.arrayValue?.count == 1)
        #expect(ron.at("attestation", "measurement") == "abcd")
        #expect(ron.at("attestation", "index") == 4)
        #expect(ron["heartbeat"] == .null)
        #expect(ron["telemetry"] == .null)
        #expect(ron.at("containment", "reason") == "state-divergence")
        let rita = try await log.items("/identities/spiffe%3A%2F%2Fexample.org%2Fregistrar%2Frita?limit=1")
        #expect(rita.count == 2)
        let nobody = try await log.get("/identities/spiffe%3A%2F%2Fexample.org%2Fruntime%2Fro")
        #expect(nobody.status == .notFound)
        #expect(nobody.problem?.code == "not-found")
    }

    @Test("A grant is answered with what it was handed on from, the uses that are left, and why it is not in force")
    func grants() async throws {
        var log = try GovernedLog()
        let now = log.test.clock.now()
        let first = try await log.add(
            GovernedLog.grant(GrantConditions(uses: 5), subject: .rita, delegations: 2), by: .olga)
        let second = try await log.add(
            GovernedLog.grant(GrantConditions(uses: 2), delegations: 0, parent: first), by: .rita)
        try await log.start("a", second)

        let grant = try await log.json("/grants/\(second.hex)")
        #expect(grant["stateKey"]?.stringValue == "grant/\(second.hex)")
        #expect(grant["hash"]?.stringValue == second.hex)
        #expect(grant["index"] == 4)
        #expect(grant["issuer"]?.stringValue == Actor.rita.issuer)
        #expect(grant.at("grant", "parent")?.stringValue == first.hex)
        #expect(grant.at("grant", "conditions", "uses") == 2)
        #expect(grant["remainingUses"] == 1)
        #expect(grant["inForce"] == true)
        #expect(grant["notInForce"] == [])
        let chain = try #require(grant["chain"]?.arrayValue)
        #expect(chain.map { $0["hash"]?.stringValue } == [first.hex])
        #expect(chain[0]["remainingUses"] == 4)

        try await log.start("b", second)
        try await log.add(GrantRevoke(grant: first, reason: "enough"), by: .olga)
        let over = try await log.json("/grants/\(second.hex)")
        #expect(over["inForce"] == false)
        #expect(over["remainingUses"] == 0)
        #expect(
            over["notInForce"] == [
                ["rule": "grant-uses", "grant": .string(second.hex), "index": 4],
                ["rule": "grant-revoked", "grant": .string(first.hex), "index": 12],
            ])
        #expect(try await log.json("/grants/\(second.hex)?size=\(grant["size"]?.unsignedValue ?? 0)") == grant)

        let late = try await log.add(GovernedLog.grant(GrantConditions(notBefore: now + 1)), by: .olga)
        let away = try await log.add(GovernedLog.grant(GrantConditions(domain: "other.example/log")), by: .olga)
        let rules = try await log.items("/grants").reduce(into: [:]) { rules, item in
            rules[item["hash"]?.stringValue ?? ""] = item["notInForce"]?.arrayValue?.map { $0["rule"]?.stringValue }
        }
        #expect(
            rules == [
                first.hex: ["grant-revoked"], second.hex: ["grant-uses", "grant-revoked"],
                late.hex: ["grant-window"], away.hex: ["grant-cover"],
            ])
        log.test.clock.set(now + 1)
        try await log.test.fill(1)
        #expect(try await log.json("/grants/\(late.hex)")["inForce"] == true)
        #expect(try await log.json("/grants/\(late.hex)")["remainingUses"] == .null)

        let unknown = try await log.get("/grants/\(wanted)")
        #expect(unknown.status == .notFound)
        #expect(unknown.problem?.detail.contains("/state/grant/\(wanted)") == true)
        #expect(try await log.get("/grants/xyz").problem?.code == "bad-parameter")
    }

    @Test("A model says whether it may be used; an execution what it was started under and how it ended")
    func modelsAndExecutions() async throws {
        var log = try GovernedLog()
        let model = ModelVersion(name: "mail sorter", version: "1/2")
        let manifest = [ManifestEntry(path: "weights", digest: .zero)]
        try await log.add(
            ModelRegister(model: model, manifest: manifest, actions: ["sort"], purposes: ["mail"]), by: .rita)
        let path = "/models/mail%20sorter/1%2F2"
        let registered = try await log.json(path)
        #expect(registered["name"] == "mail sorter")
        #expect(registered["version"] == "1/2")
        #expect(registered["status"] == "registered")
        #expect(registered["policy"] == .null)
        #expect(registered["usable"] == false)
        #expect(registered["notUsable"] == "model-approval")
        try await log.add(ModelApprove(model: model, policy: log.test.policy.digest), by: .olga)
        let approved = try await log.json(path)
        #expect(approved["usable"] == true)
        #expect(approved["notUsable"] == .null)
        #expect(approved["policy"]?.stringValue == log.test.policy.digest.hex)
        #expect(try await log.items("/models").map { $0["stateKey"] } == [approved["stateKey"]])
        #expect(try await log.get("/models/other/1").status == .notFound)

        let grant = try await log.add(GovernedLog.grant(), by: .olga)
        try await log.start("run", grant, model: model)
        try await log.add(
            ExecutionFinish(execution: GovernedLog.id("run"), outcome: .executed, output: .zero), by: .ron)
        let run = try await log.json(GovernedLog.id("run").path)
        #expect(run["subject"]?.stringValue == Actor.ron.issuer)
        #expect(run["phase"] == "proof-persisted")
        #expect(run["outcome"] == "executed")
        #expect(run["stateKey"] == "execution/log.example%2Ftest/run")
        #expect(run.at("start", "execution", "id") == "run")
        #expect(run.at("permit", "outcome") == "permit")
        #expect(run.at("permit", "usedBy") == 9)
        #expect(run.at("permit", "grant")?.stringValue == grant.hex)
        #expect(run.at("permit", "stateKey")?.stringValue == "decision/" + String(repeating: "01", count: 16))
        #expect(run["lease"] == .null)
        #expect(run.at("model", "status") == "approved")
        #expect(run["containment"] == .null)
        #expect(try await log.items("/executions").count == 1)
        #expect(try await log.get(GovernedLog.id("other").path).status == .notFound)
        try await log.add(ModelRetire(model: model), by: .rita)
        #expect(try await log.json(path)["notUsable"] == "model-ended")
    }

    @Test("Containments of one name and of two are one list; peers and routes are listed")
    func containmentsPeersRoutes() async throws {
        var log = try GovernedLog()
        let peerKey = VerifierKey.ed25519(name: try KeyName("peer.example/log"), publicKey: Actor.key(40).publicKey)
        try await log.add(
            PeerAdmit(origin: "peer.example/log", policy: "log \(peerKey)\nquorum none\n", genesis: .zero), by: .olga)
        try await log.add(
            RouteOpen(
                route: "out", from: GovernedLog.origin, to: "peer.example/log", actions: ["sort"], maxPeerAge: 1),
            by: .olga)
        let peers = try await log.items("/peers")
        #expect(peers.map { $0["stateKey"] } == ["peer/peer.example%2Flog"])
        #expect(peers[0].at("peer", "genesis")?.stringValue == Hash.zero.hex)
        #expect(peers[0]["expelled"] == false)
        let open = try await log.items("/routes")
        #expect(open.map { $0["open"] } == [true])
        #expect(open[0].at("route", "to") == "peer.example/log")
        try await log.add(RouteClose(route: "out"), by: .olga)
        #expect(try await log.items("/routes").map { $0["open"] } == [false])

        let scopes: [Scope] = [
            .domain(GovernedLog.origin), .model(ModelVersion(name: "m", version: "1")), .route("out"),
            .runtime(Actor.ron.issuer), .model(ModelVersion(name: "m", version: "2")),
        ]
        for scope in scopes { try await log.add(ContainmentEnter(scope: scope, reason: .routingMismatch), by: .olga) }
        for limit in 1...6 {
            let items = try await log.items("/containments?limit=\(limit)")
            #expect(Set(items.map { $0["scope"]?.text() }) == Set(scopes.map { JSON(record: $0.cbor).text() }))
            #expect(items.count == scopes.count)
            #expect(items.allSatisfy { $0["inForce"] == true && $0["reason"] == "routing-mismatch" })
        }
    }

    @Test("Statements are listed newest first, by issuer, subject and type, a page at a time")
    func statements() async throws {
        var log = try GovernedLog()
        let grants = [
            try await log.add(GovernedLog.grant(), by: .olga), try await log.add(GovernedLog.grant(), by: .olga),
            try await log.add(GovernedLog.grant(), by: .olga),
        ]
        let evidence = try log.test.evidence("x")
        try await log.register([evidence])
        for limit in 1...4 {
            let items = try await log.items("/statements?type=grant.issue&limit=\(limit)")
            #expect(items.map { $0["leafHash"]?.stringValue } == grants.reversed().map(\.hex))
            #expect(items.map { $0["index"] } == [6, 4, 2])
            #expect(items.map { $0["seq"] } == [2, 1, 0])
        }
        let olga = try await log.items("/statements?issuer=spiffe%3A%2F%2Fexample.org%2Foperator%2Folga&before=6")
        #expect(olga.map { $0["index"] } == [4, 2])
        #expect(olga.allSatisfy { $0["type"] == "grant.issue" && $0["stream"] == "main" })
        let opaque = try await log.items("/statements?type=text%2Fplain")
        #expect(opaque.count == 1)
        #expect(opaque[0]["leafHash"]?.stringValue == evidence.leafHash.hex)
        #expect(opaque[0]["keyID"]?.stringValue == COSEKey(log.test.issuerKey.publicKey).thumbprint.hex)
        #expect(opaque[0]["type"] == nil)
        #expect(opaque[0]["bytes"]?.unsignedValue == UInt64(evidence.entryBytes.count))
        #expect(try await log.items("/statements?subject=test").map { $0["index"] } == [8, 6, 4, 2])
        #expect(try await log.items("/statements?subject=other").isEmpty)
        for limit in [1, 3, 100] {
            let all = try await log.items("/statements?limit=\(limit)")
            #expect(all.map { $0["index"]?.unsignedValue } == (0..<log.size).reversed().map { $0 })
            #expect(all.filter { $0["type"] == "log.seal" }.count == 5)
        }
        #expect(try await log.json("/statements?before=0")["items"] == [])
    }
}
