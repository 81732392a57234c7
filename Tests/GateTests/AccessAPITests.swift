import Foundation
import Gate
import GateServer
import Governance
import LogStore
import Testing
import Tlog

/// OpenID AuthZEN Authorization API 1.0, as `spec/gate.md` says it is obeyed.
@Suite("The access evaluation API")
struct AccessAPITests {
    private func api(_ gate: Gate) -> AccessAPI { AccessAPI(gate) { "https://gate.test" } }

    private func body(_ scene: Scene, _ resource: String = "doc:1", more: String = "") -> String {
        """
        {"subject": {"type": "runtime", "id": "\(Actor.ron.name)", "properties": {"load": 0.5}},
         "action": {"name": "embed"}, "resource": {"type": "document", "id": "\(resource)"},
         "context": {"grant": "\(scene.grant.hex)", "policy": "\(scene.domain.policy.digest.hex)", "weight": 1.5\(more)}}
        """
    }

    private func post(_ api: AccessAPI, _ path: String, _ body: String) async -> (
        status: Int, json: JSON?, text: String
    ) {
        let answer = await api.answer(.post, path, body: Array(body.utf8))
        return (answer.status, try? JSON(parsing: answer.body), String(decoding: answer.body, as: UTF8.self))
    }

    @Test("a permit: ten steps passed, its record, and what to start under")
    func permit() async throws {
        let scene = try Scene()
        let (status, json, _) = await post(api(try await scene.gate()), "/access/v1/evaluation", body(scene))
        #expect(status == 200)
        #expect(json?["decision"] == true)
        let context = try #require(json?["context"])
        let steps = try #require(context["steps"]?.arrayValue)
        #expect(steps.map { $0["step"]?.unsignedValue } == (1...10).map { UInt64($0) })
        #expect(steps.allSatisfy { $0["outcome"] == "passed" })
        let record = try #require(try scene.domain.data(DecisionRecord.self).first)
        #expect(context["permit"]?["nonce"] == .string(Hex.encode(record.nonce)))
        #expect(context["recorded"]?["index"] == (scene.domain.events("decision.record").first.map { JSON($0.index) }))
        #expect(context["head"]?["unwitnessed"] == false)
    }

    @Test("a refusal is 200 with decision false: what failed, why, and what would mend it")
    func refusal() async throws {
        let scene = try Scene()
        let (status, json, _) = await post(
            api(try await scene.gate()), "/access/v1/evaluation", body(scene, "letter:1"))
        #expect(status == 200)
        #expect(json?["decision"] == false)
        let context = try #require(json?["context"])
        #expect(context["reason"] == "governance-mismatch")
        let failed = try #require(context["failed"]?.arrayValue?.first)
        #expect(failed["step"] == 2)
        #expect(failed["mend"]?.stringValue?.contains("grant.issue") == true)
        #expect(context["steps"]?.arrayValue?[6]["outcome"] == "failed")
        #expect(context["steps"]?.arrayValue?[8]["outcome"] == "passed", "the refusal is on record")
        #expect(context["recorded"]?["index"] != nil)
        #expect(context["permit"] == nil)
        #expect(context["reason_admin"]?["en"]?.stringValue?.contains("letter:1") == true)
        #expect(context["reason_user"]?["en"] == "not permitted: governance-mismatch")
    }

    @Test("the log is away: decision false, with an error of that evaluation, and no steps that were not taken")
    func unreachable() async throws {
        let scene = try Scene()
        let gate = try await scene.gate()
        scene.domain.change { $0.isDown = true }
        let (status, json, _) = await post(api(gate), "/access/v1/evaluation", body(scene))
        #expect(status == 200)
        #expect(json?["decision"] == false)
        #expect(json?["context"]?["error"]?["status"] == 503)
    }

    @Test(
        "what is no request is 400, with a sentence",
        arguments: [
            ("", "the body is not JSON"), ("[1]", "the body is not a JSON object"), ("{}", "there is no subject"),
            (#"{"subject": "ron"}"#, "subject is not an object"),
            (#"{"subject": {"type": "runtime"}}"#, "subject.id is missing"),
            (#"{"subject": {"type": "runtime", "id": 7}}"#, "subject.id is missing"),
            (#"{"subject": {"type": "t", "id": "i"}}"#, "there is no action"),
            (#"{"subject": {"type": "t", "id": "i"}, "action": {"name": "a"}}"#, "there is no resource"),
            (
                #"{"subject": {"type": "t", "id": "i"}, "action": {"name": "a"}, "resource": {"type": "t", "id": "i"}, "context": {"grant": "12"}}"#,
                "context.grant is not 64"
            ),
            (
                #"{"subject": {"type": "t", "id": "i"}, "action": {"name": "a"}, "resource": {"type": "t", "id": "i"}, "context": {"lease": 1}}"#,
                "context.lease is neither"
            ),
        ])
    func malformed(body: String, words: String) async throws {
        let scene = try Scene()
        let (status, _, text) = await post(api(try await scene.gate()), "/access/v1/evaluation", body)
        #expect(status == 400)
        #expect(text.contains(words), "\(text)")
        #expect(try scene.domain.data(DecisionRecord.self).isEmpty)
    }

    // MARK: Several at once

    private func several(_ scene: Scene, _ resources: [String], semantic: String? = nil) -> String {
        let options = semantic.map { #", "options": {"evaluations_semantic": "\#($0)"}"# } ?? ""
        let items = resources.map { #"{"resource": {"type": "document", "id": "\#($0)"}}"# }.joined(separator: ", ")
        return body(scene).dropLast() + #", "evaluations": [\#(items)]\#(options)}"#
    }

    private func decisions(_ json: JSON?) -> [Bool?]? {
        json?["evaluations"]?.arrayValue?.map { $0["decision"]?.boolValue }
    }

    @Test("top-level keys are defaults, and an evaluation's own take precedence; answers come in their order")
    func defaults() async throws {
        let scene = try Scene()
        let (status, json, _) = await post(
            api(try await scene.gate()), "/access/v1/evaluations", several(scene, ["doc:1", "letter:1", "doc:2"]))
        #expect(status == 200)
        #expect(decisions(json) == [true, false, true])
        #expect(json?["decision"] == nil)
        #expect(
            try Set(scene.domain.data(DecisionRecord.self).map(\.access.resource)) == ["doc:1", "letter:1", "doc:2"])
    }

    @Test("deny_on_first_deny ends with the first refusal, permit_on_first_permit with the first permit")
    func semantics() async throws {
        let scene = try Scene()
        let api = api(try await scene.gate())
        let resources = ["doc:1", "letter:1", "doc:2"]
        let deny = await post(api, "/access/v1/evaluations", several(scene, resources, semantic: "deny_on_first_deny"))
        #expect(decisions(deny.json) == [true, false])
        let permit = await post(
            api, "/access/v1/evaluations", several(scene, resources.reversed(), semantic: "permit_on_first_permit"))
        #expect(decisions(permit.json) == [true])
        let all = await post(api, "/access/v1/evaluations", several(scene, resources, semantic: "execute_all"))
        #expect(decisions(all.json) == [true, false, true])
        let wrong = await post(api, "/access/v1/evaluations", several(scene, resources, semantic: "first"))
        #expect(wrong.status == 400)
        #expect(try scene.domain.data(DecisionRecord.self).count == 6, "what was not executed is not on record")
    }

    @Test("one that can't be read is denied by itself, with its error")
    func oneMalformed() async throws {
        let scene = try Scene()
        let text = body(scene).dropLast() + #", "evaluations": [{}, {"subject": {"type": "t"}}]}"#
        let (status, json, _) = await post(api(try await scene.gate()), "/access/v1/evaluations", String(text))
        #expect(status == 200)
        #expect(decisions(json) == [true, false])
        #expect(json?["evaluations"]?.arrayValue?[1]["context"]?["error"]?["status"] == 400)
    }

    @Test("without evaluations, or with none in it, it is a single request")
    func single() async throws {
        let scene = try Scene()
        let api = api(try await scene.gate())
        #expect(await post(api, "/access/v1/evaluations", body(scene)).json?["decision"] == true)
        #expect(await post(api, "/access/v1/evaluations", several(scene, [])).json?["decision"] == true)
    }

    // MARK: The rest

    @Test("a lease is given where it is asked for")
    func lease() async throws {
        let scene = try Scene()
        let gate = try await scene.gate { $0.leaseLifetime = 30_000 }
        let (_, json, _) = await post(api(gate), "/access/v1/evaluation", body(scene, more: #", "lease": true"#))
        #expect(json?["context"]?["lease"]?["entry"]?.stringValue?.count == 64)
        #expect(json?["context"]?["permit"] == nil)
    }

    @Test("what is recovering is revalidated on request")
    func revalidation() async throws {
        let scene = try Scene()
        let gate = try await scene.gate()
        let scope = Scope.runtime(Actor.ron.name)
        try scene.domain.post(ContainmentEnter(scope: scope, reason: .stateDivergence), by: .gary)
        try scene.domain.post(ContainmentRecover(scope: scope), by: .gary)
        await gate.look()
        let text = body(scene, more: #", "scope": ["runtime", "\#(Actor.ron.name)"]"#)
        let (status, json, _) = await post(api(gate), "/gate/v1/revalidation", text)
        #expect(status == 200)
        #expect(json?["decision"] == true)
        #expect(scene.domain.record(.containment(scope), ContainmentRecord.self)?.phase == .revalidated)
        #expect(await post(api(gate), "/gate/v1/revalidation", body(scene)).status == 400)
    }

    @Test("metadata, health and metrics")
    func about() async throws {
        let scene = try Scene()
        let gate = try await scene.gate(looked: false)
        let api = api(gate)
        #expect(await api.answer(.get, "/readyz").status == 503)
        #expect(await api.answer(.get, "/healthz").status == 200)
        await gate.look()
        #expect(await api.answer(.get, "/readyz").status == 200)
        let metadata = try JSON(parsing: await api.answer(.get, "/.well-known/authzen-configuration").body)
        #expect(metadata["policy_decision_point"] == "https://gate.test")
        #expect(metadata["access_evaluation_endpoint"] == "https://gate.test/access/v1/evaluation")
        #expect(metadata["access_evaluations_endpoint"] == "https://gate.test/access/v1/evaluations")
        let metrics = String(decoding: await api.answer(.get, "/metrics").body, as: UTF8.self)
        #expect(metrics.contains("holdfast_gate_ready 1\n"))
        #expect(metrics.contains("holdfast_gate_tree_size \(scene.domain.head.size)\n"))
        #expect(await api.answer(.get, "/access/v1/evaluation").allow == "POST")
        #expect(await api.answer(.post, "/healthz").allow == "GET, HEAD")
        #expect(await api.answer(.get, "/access/v1/search/subject").status == 404)
    }
}
