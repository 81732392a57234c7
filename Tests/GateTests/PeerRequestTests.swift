import COSE
import Gate
import GateServer
import Governance
import LogStore
import Testing
import Tlog

/// Requests that use a grant of a peer's: two logs, and the gate of one.
@Suite("Requests by a route")
struct PeerRequestTests {
    private func body(_ request: AccessRequest, _ scene: Scene, peer: String?) -> String {
        """
        {"subject": {"type": "runtime", "id": "\(Actor.ron.name)"}, "action": {"name": "embed"},
         "resource": {"type": "document", "id": "\(request.access.resource)"},
         "context": {"grant": "\(request.grant?.hex ?? "")", "policy": "\(scene.domain.policy.digest.hex)",
                     "route": "\(Exchange.route)"\(peer.map { ", \"peer\": \"\($0)\"" } ?? "")}}
        """
    }

    private func ask(_ gate: Gate, _ body: String) async throws -> (isPermitted: Bool, context: JSON) {
        let api = AccessAPI(gate) { "https://gate.test" }
        let answer = await api.answer(.post, "/access/v1/evaluation", body: Array(body.utf8))
        #expect(answer.status == 200)
        let json = try JSON(parsing: answer.body)
        return (json["decision"] == true, try #require(json["context"]))
    }

    /// The checks that did not pass.
    private func failed(_ context: JSON) -> [String] {
        (context["failed"]?.arrayValue ?? []).compactMap {
            $0["check"]?.stringValue ?? $0["step"]?.unsignedValue?.description
        }
    }

    @Test("a grant of a peer's, shown with the request: permitted, on record, and an execution starts under it")
    func permitted() async throws {
        let exchange = try Exchange()
        let (scene, gate) = (exchange.scene, try await exchange.scene.gate())
        let request = try exchange.request()
        let carried = try #require(request.peerEvidence).encoded()
        let (isPermitted, context) = try await ask(
            gate, body(request, scene, peer: Base64.encode(carried)))
        #expect(isPermitted, "\(context.text())")
        let nonce = try #require(context["permit"]?["nonce"]?.stringValue.flatMap { Hex.decode($0) })
        let permit = try #require(scene.domain.record(.decision(nonce), PermitRecord.self))
        #expect(permit.peer == Exchange.peer && permit.grant == exchange.grant)
        try scene.domain.post(
            ExecutionStart(
                execution: ExecutionID(home: scene.domain.origin.text, id: "run"), permission: .permit(nonce),
                input: .sha256([1])), by: .ron, stream: "executions")
        // The digest of the request is that of what is asked; what was carried is no part of it.
        var bare = request
        bare.peerEvidence = nil
        #expect(context["request"] == .string(bare.digest.hex))
    }

    @Test("what cannot be read is no proof: contained, and the check says why")
    func malformed() async throws {
        let exchange = try Exchange()
        let (scene, gate) = (exchange.scene, try await exchange.scene.gate())
        let request = try exchange.request()
        let carried = try #require(request.peerEvidence)
        var cut = carried.encoded()
        cut.removeLast()
        let tooLarge = [UInt8](repeating: 0x80, count: PeerEvidence.maxByteCount + 1)
        for (peer, words) in [
            ("!", "no base64"), (Base64.encode(cut), "no deterministic CBOR"),
            (Base64.encode(carried.encoded() + [0]), "no deterministic CBOR"), ("oA==", "'proofs' is missing"),
            (Base64.encode(tooLarge), "262145 bytes; a state proof has at most"),
            (String(repeating: "A", count: 400_000), "more than 262144 bytes"),
        ] {
            let (isPermitted, context) = try await ask(gate, body(request, scene, peer: peer))
            #expect(!isPermitted)
            let x3 = try #require(context["failed"]?.arrayValue?.first { $0["check"] == "X3" })
            #expect(x3["reason"] == "cryptographic-failure")
            #expect(x3["detail"]?.stringValue?.contains(words) == true, "\(x3.text())")
            #expect(context["recorded"]?["index"] != nil)
        }
        let (isPermitted, context) = try await ask(gate, body(request, scene, peer: nil))
        #expect(!isPermitted)
        #expect(Set(failed(context)).isSuperset(of: ["X2", "X3", "X5", "X6", "X7", "X8"]))
        #expect(context["failed"]?.arrayValue?.first { $0["check"] == "X8" }?["outcome"] == "not-evaluable")
    }

    /// What is wrong in one way only.
    struct Way: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let check: CheckID
        let outcome: CheckOutcome
        /// Changes the two logs before the gate looks.
        var before: @Sendable (Exchange) throws -> Void = { _ in }
        /// Changes what is asked and carried.
        var change: @Sendable (Exchange, inout AccessRequest) throws -> Void = { _, _ in }
    }

    private static let contained = { @Sendable (scope: Scope) in
        ContainmentEnter(scope: scope, reason: .coordinationInconsistent)
    }

    static let ways: [Way] = [
        Way(
            testDescription: "X1: the recorded head is too old", check: .x1,
            outcome: .failed(.synchronizationInterrupted),
            before: { exchange in
                exchange.scene.time.pass(60_001)
                try exchange.scene.domain.post(RuntimeHeartbeat(telemetry: exchange.scene.telemetry), by: .ron)
            }),
        Way(
            testDescription: "X2: closed there", check: .x2, outcome: .failed(.routingMismatch),
            before: { exchange in
                try exchange.there.post(RouteClose(route: Exchange.route), by: .olga)
                try exchange.record()
            }),
        Way(
            testDescription: "X2: not shown", check: .x2, outcome: .notEvaluable,
            change: { exchange, request in
                request.peerEvidence = try exchange.evidence(for: request, without: .route(Exchange.route))
            }),
        Way(
            testDescription: "X3: the statement is not carried", check: .x3, outcome: .notEvaluable,
            change: { exchange, request in
                request.peerEvidence = try exchange.evidence(for: request, statement: false)
            }),
        Way(
            testDescription: "X3: the issuer's key is revoked", check: .x3, outcome: .failed(.cryptographicFailure),
            before: { exchange in
                let key = COSEKey(try Actor.olga.key.publicKey).thumbprint
                let authority = try Domain.key(4)
                try exchange.there.post(
                    IdentityRevoke(keyID: key, reason: "lost"),
                    issuer: KeyDirectory.authorityIssuer(COSEKey(authority.publicKey)),
                    key: authority)
                try exchange.record()
            }),
        Way(
            testDescription: "X3: no state witness has seen the head", check: .x3, outcome: .failed(.stateDivergence),
            before: { exchange in
                exchange.there.change { $0.stateWitness = false }
                try exchange.there.note()
                try exchange.record()
            }),
        Way(
            testDescription: "X3: another log's evidence", check: .x3, outcome: .failed(.cryptographicFailure),
            change: { exchange, request in
                let foreign = try Domain(time: exchange.scene.time, origin: "third.test/log")
                let proofs = try request.peerEvidence?.proofs.map { try foreign.proof(of: $0.key) } ?? []
                request.peerEvidence = PeerEvidence(statement: request.peerEvidence?.statement, proofs: proofs)
            }),
        Way(
            testDescription: "X5: the peer has gone on, and the head is not recorded here", check: .x5,
            outcome: .failed(.auditDiscontinuity),
            change: { exchange, request in
                try exchange.there.note()
                request.peerEvidence = try exchange.evidence(for: request)
            }),
        Way(
            testDescription: "X6: contained there", check: .x6, outcome: .failed(.coordinationInconsistent),
            before: { exchange in
                try exchange.there.post(contained(.runtime(Actor.ron.name)), by: .olga)
                try exchange.record()
            }),
        Way(
            testDescription: "X6: contained here", check: .x6, outcome: .failed(.coordinationInconsistent),
            before: { exchange in try exchange.scene.domain.post(contained(.domain(Exchange.peer)), by: .olga) }),
        Way(
            testDescription: "X6: absence of a containment not shown", check: .x6, outcome: .notEvaluable,
            change: { exchange, request in
                request.peerEvidence = try exchange.evidence(
                    for: request, without: .containment(.runtime(Actor.ron.name)))
            }),
        Way(
            testDescription: "X7: a parent that there was not", check: .x7, outcome: .failed(.auditDiscontinuity),
            change: { exchange, request in
                request.parents = [ExecutionID(home: Exchange.peer, id: "e0")]
                request.peerEvidence = try exchange.evidence(for: request)
            }),
        Way(
            testDescription: "X7: a parent of which nothing was shown", check: .x7, outcome: .notEvaluable,
            change: { _, request in request.parents = [ExecutionID(home: Exchange.peer, id: "e0")] }),
        Way(
            testDescription: "X8: revoked there", check: .x8, outcome: .failed(.stateDivergence),
            before: { exchange in
                try exchange.there.post(GrantRevoke(grant: exchange.grant, reason: "over"), by: .olga)
                try exchange.record()
            }),
        Way(
            testDescription: "X8: the grant is not shown", check: .x8, outcome: .notEvaluable,
            change: { exchange, request in
                request.peerEvidence = try exchange.evidence(for: request, without: .grant(exchange.grant))
            }),
        Way(
            testDescription: "X4: a measurement that is not enrolled", check: .x4,
            outcome: .failed(.unauthorizedModification),
            before: { exchange in
                try exchange.scene.domain.post(
                    RuntimeAttest(measurement: [6], previous: Domain.measurement), by: .ron)
            }),
    ]

    @Test("contained for each way in which it is not right", arguments: ways)
    func contained(_ way: Way) async throws {
        let exchange = try Exchange()
        try way.before(exchange)
        let gate = try await exchange.scene.gate()
        var request = try exchange.request()
        try way.change(exchange, &request)
        let asked = request
        let error = await failure { () async throws(GateError) in try await gate.permit(asked, files: nil) }
        let decision = try #require(error?.decision)
        #expect(decision.outcome(way.check) == way.outcome, "\(decision.failures)")
        #expect(try exchange.scene.domain.data(DecisionRecord.self).allSatisfy { $0.outcome == .contain })
    }

    @Test("uses allotted to this domain are counted here; the gate sees that they are gone")
    func uses() async throws {
        let exchange = try Exchange(uses: 1, domain: "domain.test/log")
        let gate = try await exchange.scene.gate()
        let request = try exchange.request(execution: "a")
        let permit = try await gate.permit(request, files: nil)
        try exchange.scene.start(permit, "a")
        await gate.look()
        // What runs has its use.
        #expect(await gate.evaluate(request, files: nil).failures.isEmpty)
        let other = try exchange.request(execution: "b")
        let error = await failure { () async throws(GateError) in try await gate.permit(other, files: nil) }
        let refusal = try #require(error?.decision)
        #expect(refusal.failures.map(\.step) == [.governanceAuthorization])
        #expect(refusal.failures.first?.detail.contains("uses are used up") == true)
    }

    @Test("a newer head of the peer's: the log starts nothing under the permit; with evidence of it all goes on")
    func moved() async throws {
        let exchange = try Exchange()
        let gate = try await exchange.scene.gate()
        let first = try await gate.permit(exchange.request(execution: "a"), files: nil)
        let second = try await gate.permit(exchange.request(execution: "b"), files: nil)
        try exchange.scene.start(first, "a")
        await gate.look()
        try exchange.there.note()
        try exchange.record()
        #expect(throws: AdmissionError.self) { try exchange.scene.start(second, "b") }
        // Newer evidence, with another request for what runs, is what it is judged by from then on.
        _ = try await gate.permit(exchange.request(execution: "a"), files: nil)
        await gate.look()
        #expect(try exchange.scene.domain.data(ContainmentEnter.self).isEmpty)
        // The grant was shown again under the recorded head, so the permit on it is good again.
        try exchange.scene.start(second, "b")
    }

    @Test("what runs is judged again: once a head without evidence is recorded, it is contained")
    func watched() async throws {
        let exchange = try Exchange()
        let gate = try await exchange.scene.gate()
        let permit = try await gate.permit(exchange.request(execution: "a"), files: nil)
        try exchange.scene.start(permit, "a")
        await gate.look()
        #expect(try exchange.scene.domain.data(ContainmentEnter.self).isEmpty)
        try exchange.there.post(GrantRevoke(grant: exchange.grant, reason: "over"), by: .olga)
        try exchange.record()
        await gate.look()
        let contained = try exchange.scene.domain.data(ContainmentEnter.self)
        #expect(contained.map(\.scope) == [.execution(ExecutionID(home: "domain.test/log", id: "a"))])
        #expect(contained.first?.reason == .auditDiscontinuity)
    }
}
