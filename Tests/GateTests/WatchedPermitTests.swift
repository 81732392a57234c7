import Foundation
import Gate
import Governance
import LogStore
import Testing
import Tlog

/// "While an execution runs, all of it is checked again": by a gate that was started again too.
@Suite("What a gate watches")
struct WatchedPermitTests {
    private func files(_ scene: Scene) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: scene.directory + "/watched")
            .filter { $0.hasSuffix(".permit") }
    }

    private func id(_ scene: Scene, _ id: String) -> ExecutionID { ExecutionID(home: scene.domain.origin.text, id: id) }

    @Test("a permit is watched by the next run, whether it was started before or after")
    func restart() async throws {
        let scene = try Scene()
        let first = try await scene.gate()
        let (one, two) = (
            try await first.permit(scene.request("doc:1"), files: nil),
            try await first.permit(scene.request("doc:2"), files: nil)
        )
        try scene.start(one, "e1")
        await first.end()
        let second = try await scene.gate()
        #expect(second.resumedSize > 0)
        try scene.start(two, "e2")
        try scene.domain.post(GrantRevoke(grant: scene.grant, reason: "over"), by: .olga)
        await second.look()
        let entered = try scene.domain.data(ContainmentEnter.self)
        #expect(Set(entered.map(\.scope)) == [.execution(id(scene, "e1")), .execution(id(scene, "e2"))])
    }

    @Test("what was revalidated is judged as it was then, by the next run too")
    func revalidated() async throws {
        let scene = try Scene()
        let gate = try await scene.gate()
        try scene.start(try await gate.permit(scene.request(), files: nil), "e1")
        await gate.look()
        let scope = Scope.execution(id(scene, "e1"))
        try scene.domain.post(GrantRevoke(grant: scene.grant, reason: "over"), by: .olga)
        await gate.look()
        try scene.domain.post(ContainmentRecover(scope: scope), by: .olga)
        let grant = try scene.domain.post(
            GrantIssue(
                subject: Actor.ron.name, actions: [try #require(GrantPattern("embed"))],
                resources: [try #require(GrantPattern("doc:*"))], conditions: GrantConditions()), by: .olga)
        await gate.look()
        var request = scene.request(execution: "e1")
        request.grant = grant
        _ = try await gate.revalidate(scope, for: request, files: nil)
        try scene.domain.post(ContainmentLift(scope: scope), by: .olga)
        try scene.domain.note()
        await gate.look()
        #expect(scene.domain.record(.containment(scope), ContainmentRecord.self)?.phase == .baseline)
        await gate.end()
        let next = try await scene.gate()
        try scene.domain.note()
        await next.look()
        #expect(scene.domain.record(.containment(scope), ContainmentRecord.self)?.phase == .baseline)
        // By the new grant, and not by none.
        try scene.domain.post(GrantRevoke(grant: grant, reason: "over"), by: .olga)
        await next.look()
        #expect(scene.domain.record(.containment(scope), ContainmentRecord.self)?.phase == .contained)
    }

    @Test("what has ended, and a permit that expired unused, are let go of")
    func letGo() async throws {
        let scene = try Scene()
        let gate = try await scene.gate()
        let permit = try await gate.permit(scene.request("doc:1"), files: nil)
        _ = try await gate.permit(scene.request("doc:2"), files: nil)
        try scene.start(permit, "e1")
        await gate.look()
        #expect(try files(scene).count == 2)
        try scene.domain.post(
            ExecutionFinish(execution: id(scene, "e1"), outcome: .executed, output: .sha256([2])), by: .ron,
            stream: "executions")
        await gate.look()
        #expect(try files(scene).count == 1)
        scene.time.pass(60_001)
        try scene.domain.note()
        await gate.look()
        #expect(try files(scene).isEmpty)
        #expect(gate.numbers.current.watched == 0)
    }

    @Test("a permit whose file can't be written is none; a file that can't be read keeps the gate from starting")
    func unkept() async throws {
        let scene = try Scene()
        let gate = try await scene.gate()
        let folder = scene.directory + "/watched"
        try FileManager.default.removeItem(atPath: folder)
        try Data().write(to: URL(filePath: folder))
        let error = await failure { () async throws(GateError) in try await gate.permit(scene.request(), files: nil) }
        guard case .stream? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        try FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data([1, 2, 3]).write(to: URL(filePath: folder + "/00.permit"))
        await #expect(throws: GateOpeningError.self) { _ = try await scene.gate() }
    }

    @Test("a request is written and read as it was asked")
    func request() throws {
        var request = AccessRequest(access: Access(subject: "s", action: "a", resource: "r"))
        #expect(try AccessRequest(request.cbor) == request)
        request.grant = .sha256([1])
        request.policy = .sha256([2])
        request.model = .init(model: ModelVersion(name: "m", version: "1"), purpose: "p", loaded: nil)
        request.route = "south"
        request.execution = ExecutionID(home: "not an origin", id: "\u{1}")
        request.parents = [ExecutionID(home: "", id: "x")]
        request.telemetry = .sha256([3])
        #expect(try AccessRequest(request.cbor) == request)
        request.model = .init(model: ModelVersion(name: "m", version: "1"), purpose: "p", loaded: .sha256([4]))
        #expect(try AccessRequest(request.cbor) == request)
    }
}
