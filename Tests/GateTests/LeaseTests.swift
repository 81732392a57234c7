import COSE
import Foundation
import Gate
import Governance
import LogStore
import Testing
import Tlog

/// "a lease: a recorded, expiring permit for (subject, actions, resource), under which decisions are local and digested
/// into a later entry; never for counted grants"
@Suite("Leases")
struct LeaseTests {
    private func gate(_ scene: Scene) async throws -> Gate {
        try await scene.gate { $0.leaseLifetime = 30_000 }
    }

    @Test("the first request takes the lease, and those after it are decided without the log")
    func local() async throws {
        let scene = try Scene()
        let gate = try await gate(scene)
        let first = try await gate.permit(scene.request(), files: nil, mayLease: true)
        let lease = try #require(try scene.domain.data(LeaseRecord.self).first)
        #expect(lease.access == scene.request().access)
        #expect(first.permission == .lease(first.entry))
        let requests = scene.domain.requests.count
        for _ in 0..<5 { _ = try await gate.permit(scene.request(), files: nil, mayLease: true) }
        #expect(scene.domain.requests.count == requests)
        try scene.start(first, "e1")
        try scene.start(first, "e2")
    }

    @Test("a lease is for one subject, action, resource and grant")
    func narrow() async throws {
        let scene = try Scene()
        let gate = try await gate(scene)
        _ = try await gate.permit(scene.request("doc:1"), files: nil, mayLease: true)
        _ = try await gate.permit(scene.request("doc:2"), files: nil, mayLease: true)
        #expect(try scene.domain.data(LeaseRecord.self).count == 2)
    }

    @Test("every request is judged: a revocation ends what a lease lets through as soon as the gate has seen it")
    func revoked() async throws {
        let scene = try Scene()
        let gate = try await gate(scene)
        _ = try await gate.permit(scene.request(), files: nil, mayLease: true)
        try scene.domain.post(GrantRevoke(grant: scene.grant, reason: "over"), by: .olga)
        await gate.look()
        let error = await failure { () async throws(GateError) in
            try await gate.permit(scene.request(), files: nil, mayLease: true)
        }
        #expect(error?.decision?.reason == .governanceMismatch)
    }

    @Test("the log may be away while a lease is in force, but not longer than a head may be old")
    func unreachable() async throws {
        let scene = try Scene(bounds: PolicyBounds(maxHeadAge: 20_000))
        let gate = try await gate(scene)
        _ = try await gate.permit(scene.request(), files: nil, mayLease: true)
        scene.domain.change { $0.isDown = true }
        await gate.look()
        _ = try await gate.permit(scene.request(), files: nil, mayLease: true)
        scene.time.pass(21_000)
        let error = await failure { () async throws(GateError) in
            try await gate.permit(scene.request(), files: nil, mayLease: true)
        }
        #expect(error?.decision?.outcome(.p7) == .failed(.synchronizationInterrupted))
    }

    @Test("an expired lease permits nothing; another one is taken, and what was decided is digested into the log")
    func expired() async throws {
        let scene = try Scene()
        let gate = try await gate(scene)
        let first = try await gate.permit(scene.request(), files: nil, mayLease: true)
        let second = try await gate.permit(scene.request(), files: nil, mayLease: true)
        scene.time.pass(30_001)
        #expect(throws: AdmissionError.self) { try scene.start(first, "e1") }
        let third = try await gate.permit(scene.request(), files: nil, mayLease: true)
        #expect(third.entry != first.entry)
        await gate.look()
        let digest = try #require(scene.domain.events("gate.decisions").first?.event.data.mapValue)
        #expect(digest["lease"] == .bytes(first.entry.bytes))
        #expect(digest["decisions"] == .unsigned(2))
        let both = first.decision.cbor.encoded() + second.decision.cbor.encoded()
        #expect(digest["digest"] == .bytes(Hash.sha256(both).bytes))
        let kept = scene.directory + "/leases/\(first.entry.hex).decisions.recorded"
        #expect([UInt8](try Data(contentsOf: URL(filePath: kept))) == both)
    }

    @Test("what an earlier run decided under a lease is digested by the next")
    func restart() async throws {
        let scene = try Scene()
        let first = try await gate(scene).permit(scene.request(), files: nil, mayLease: true)
        await (try await gate(scene)).look()
        let digest = try #require(scene.domain.events("gate.decisions").first?.event.data.mapValue)
        #expect(digest["digest"] == .bytes(Hash.sha256(first.decision.cbor.encoded()).bytes))
    }

    @Test("what was started under a lease is watched, by the next run too, and whenever it was started")
    func watched() async throws {
        let scene = try Scene()
        let first = try await gate(scene)
        let lease = try await first.permit(scene.request(), files: nil, mayLease: true)
        try scene.start(lease, "e1")
        await first.look()
        #expect(try scene.domain.data(ContainmentEnter.self).isEmpty)
        await first.end()
        // Killed before it had written down what it watches, and while no gate is there.
        try FileManager.default.removeItem(atPath: scene.directory + "/watched")
        try scene.start(lease, "e2")
        let second = try await gate(scene)
        #expect(second.numbers.current.watched == 2)
        try scene.start(lease, "e3")
        await second.look()
        #expect(try scene.domain.data(ContainmentEnter.self).isEmpty)
        try scene.domain.post(GrantRevoke(grant: scene.grant, reason: "over"), by: .olga)
        await second.look()
        let entered = try scene.domain.data(ContainmentEnter.self)
        let scopes = ["e1", "e2", "e3"].map { Scope.execution(ExecutionID(home: scene.domain.origin.text, id: $0)) }
        #expect(Set(entered.map(\.scope)) == Set(scopes))
        #expect(Set(entered.map(\.reason)) == [.governanceMismatch])
    }

    @Test("what was started under a lease without a decision is contained: nothing says that it may run")
    func undecided() async throws {
        let scene = try Scene()
        let gate = try await gate(scene)
        let lease = try await gate.permit(scene.request(), files: nil, mayLease: true)
        let file = scene.directory + "/leases/\(lease.entry.hex).decisions"
        await gate.end()
        try Data().write(to: URL(filePath: file + ".recorded"))
        try? FileManager.default.removeItem(atPath: file)
        try scene.start(lease, "e1")
        let next = try await self.gate(scene)
        await next.look()
        #expect(try scene.domain.data(ContainmentEnter.self).map(\.reason) == [.unverifiableTransition])
    }

    @Test("no lease on a counted grant, for a model, or where the policy has none: the permit is recorded by itself")
    func never() async throws {
        for scene in [try Scene(uses: 3), try Scene(governance: PolicyGovernance())] {
            let gate = try await gate(scene)
            let permit = try await gate.permit(scene.request(), files: nil, mayLease: true)
            guard case .permit = permit.permission else {
                Issue.record("a lease")
                return
            }
            #expect(try scene.domain.data(LeaseRecord.self).isEmpty)
        }
    }
}
