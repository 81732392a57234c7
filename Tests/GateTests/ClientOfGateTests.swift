import COSE
import Foundation
import Gate
import GateServer
import Governance
import LogClient
import LogStore
import Logging
import Synchronization
import Testing
import Tlog

@testable import HoldfastClient

/// The client library against a real gate over HTTP, and its own evaluation of the same questions.
@Suite("HoldfastClient and a gate")
struct ClientOfGateTests {
    /// Serves a gate on a port of the system's choosing while the body runs.
    private func serving<Value: Sendable>(
        _ gate: Gate, _ change: (inout GateServerOptions) -> Void = { _ in },
        _ body: @Sendable @escaping (String) async throws -> Value
    ) async throws -> Value {
        let (urls, bound) = AsyncStream<String>.makeStream()
        var options = GateServerOptions()
        options.port = 0
        options.onBound = { bound.yield($0) }
        change(&options)
        var logger = Logger(label: "gate")
        logger.logLevel = .critical
        let server = try GateServer(gate, options: options, logger: logger)
        let serving = Task { try await server.run() }
        defer { serving.cancel() }
        var first: String?
        for await url in urls {
            first = url
            break
        }
        return try await body(try #require(first))
    }

    private func question(_ scene: Scene, _ resource: String = "doc:1", _ more: [String: RecordValue] = [:])
        -> GateQuestion
    {
        let context: [String: RecordValue] = [
            "grant": .text(scene.grant.hex), "policy": .text(scene.domain.policy.digest.hex),
        ]
        return GateQuestion(
            subject: Actor.ron.name, action: "embed", resource: resource,
            context: .object(context.merging(more) { $1 }))
    }

    @Test("a permit and a refusal: on record in the log, with the nonce that a start names, and the reason")
    func decisions() async throws {
        let scene = try Scene()
        let gate = try await scene.gate()
        let (permitted, refused) = (question(scene), question(scene, "letter:1"))
        let (permit, refusal) = try await serving(gate) { url in
            let client = try HoldfastGate(url: url)
            defer { Task { await client.close() } }
            return (try await client.evaluate(permitted), try await client.evaluate(refused))
        }
        #expect(permit.isPermitted && permit.reason == nil)
        let nonce = try #require(permit.permit.flatMap { Hex.decode($0) })
        let record = try #require(scene.domain.record(.decision(nonce), PermitRecord.self))
        #expect(record.index == permit.entry && record.outcome == .permit)
        #expect(!refusal.isPermitted && refusal.permit == nil)
        #expect(refusal.reason == "not permitted: governance-mismatch")
        let contained = try #require(scene.domain.events("decision.record").last)
        #expect(refusal.entry == contained.index)
    }

    @Test("tokens, and a gate that is not there: an error, which permits nothing")
    func errors() async throws {
        let scene = try Scene()
        let gate = try await scene.gate()
        let asked = question(scene)
        let (code, permitted) = try await serving(gate, { $0.tokens = ["0123456789abcdef"] }) { url in
            let stranger = try HoldfastGate(url: url, token: "wrong-wrong-wrong")
            var code = ""
            do { _ = try await stranger.evaluate(asked) } catch let error as HoldfastError { code = error.code }
            await stranger.close()
            let known = try HoldfastGate(url: url, token: "0123456789abcdef")
            let permitted = try await known.evaluate(asked).isPermitted
            await known.close()
            return (code, permitted)
        }
        #expect(code == "gate" && permitted)
        let nobody = try HoldfastGate(url: "http://127.0.0.1:9")
        let error = await #expect(throws: HoldfastError.self) { try await nobody.evaluate(asked) }
        #expect(error?.code == "unreachable" && error?.isTemporary == true)
        await nobody.close()
    }

    // MARK: Evaluated here

    private func state(_ scene: Scene, stateQuorum: String? = "s") async throws -> HoldfastState {
        let trust = try scene.domain.trust(stateQuorum: stateQuorum)
        return HoldfastState(try await scene.client(trust).replayedState(), trust: trust)
    }

    private func now(_ scene: Scene) -> Date { Date(timeIntervalSince1970: Double(scene.time.wall()) / 1000) }

    @Test("the evaluation of the same question on the state that was read: check by check what the gate says")
    func sameAsTheGate() async throws {
        let scene = try Scene()
        try scene.domain.post(ContainmentEnter(scope: .domain("x.test/y"), reason: .routingMismatch), by: .olga)
        let gate = try await scene.gate()
        let state = try await state(scene)
        #expect(state.policy == scene.domain.policy.digest.hex && state.size == scene.domain.head.size)
        for (asked, request) in [
            (question(scene), scene.request()), (question(scene, "letter:1"), scene.request("letter:1")),
            (question(scene, "doc:1", ["execution": "e1"]), scene.request(execution: "e1")),
        ] {
            let decision = await gate.evaluate(request, files: nil)
            let evaluation = try state.evaluate(asked, at: now(scene))
            #expect(evaluation.isPermitted == decision.permits && evaluation.reason == decision.reason?.rawValue)
            #expect(evaluation.checks.map(\.outcome) == decision.results.map(\.outcome.text))
            #expect(evaluation.checks.map(\.entries) == decision.results.map(\.entries))
        }
        #expect(try state.evaluate(question(scene), at: now(scene)).failures.isEmpty)
    }

    @Test("pure: by the time that is given; what cannot be evaluated contains")
    func ages() async throws {
        let scene = try Scene()
        let state = try await state(scene)
        let later = Date(timeIntervalSince1970: Double(scene.time.wall() + 4_000_000) / 1000)
        let late = try state.evaluate(question(scene), at: later)
        #expect(!late.isPermitted && late.reason == "synchronization-interrupted")
        #expect(Set(late.failures.map(\.name)).isSuperset(of: ["P1", "P4", "P5", "P7", "P8"]))
        let model: RecordValue = ["name": "m", "version": "1", "purpose": "search"]
        let unknown = try state.evaluate(question(scene, "doc:1", ["model": model]), at: now(scene))
        #expect(unknown.failures.contains { $0.name == "M1" && $0.outcome == "failed" })
        // Nobody but the log vouches for the state, and the policy does not allow that.
        let alone = try await self.state(scene, stateQuorum: nil).evaluate(question(scene), at: now(scene))
        #expect(alone.failures.map(\.name) == ["P8"])
        #expect(throws: HoldfastError.self) { try state.evaluate(question(scene, "doc:1", ["grant": "12"])) }
        #expect(throws: HoldfastError.self) { try state.evaluate(question(scene, "doc:1", ["execution": 7])) }
    }

    @Test("by a route: evidence of the peer is verified here too")
    func route() async throws {
        let exchange = try Exchange()
        let state = try await state(exchange.scene)
        let request = try exchange.request()
        let carried = try #require(request.peerEvidence).encoded()
        func asked(_ peer: String?) -> GateQuestion {
            var more: [String: RecordValue] = ["grant": .text(exchange.grant.hex), "route": .text(Exchange.route)]
            more["peer"] = peer.map { .text($0) }
            return question(exchange.scene, "doc:1", more)
        }
        let at = now(exchange.scene)
        #expect(try state.evaluate(asked(Base64.encode(carried)), at: at).failures.isEmpty)
        #expect(try state.evaluate(asked(nil), at: at).failures.map(\.name).contains("X8"))
        let unreadable = try state.evaluate(asked("!"), at: at)
        #expect(unreadable.failures.contains { $0.name == "X3" && $0.detail.contains("base64") })
    }
}
