import Foundation
import Gate
import Governance
import LogClient
import LogStore
import Testing
import Tlog

/// design, section 4, "Permit protocol".
@Suite("The permit protocol")
struct PermitTests {
    @Test("a permit leaves when its record is in the log, under a verified head, and the fold shows it unused")
    func permit() async throws {
        let scene = try Scene()
        let gate = try await scene.gate()
        let judgedOn = scene.domain.head
        let permit = try await gate.permit(scene.request(), files: nil)
        #expect(permit.decision.permits)
        let record = try #require(try scene.domain.data(DecisionRecord.self).last)
        #expect(record.outcome == .permit)
        #expect(record.head == judgedOn, "the head that it was judged on")
        #expect(record.request == scene.request().digest)
        #expect(record.reliesOn.contains(.grant(scene.grant)))
        #expect(record.reliesOn.contains(.containment(.runtime(Actor.ron.name))), "its absence too")
        #expect(permit.permission == .permit(record.nonce))
        #expect(permit.head.size > permit.index)
        #expect(permit.head == scene.domain.head)
        #expect(permit.expires == record.expires)
        try scene.start(permit, "e1")
        #expect(scene.domain.record(.uses(scene.grant), UsesRecord.self) == nil)
    }

    @Test("a refusal is on record with its reason, and says what would mend it")
    func refusal() async throws {
        let scene = try Scene()
        let gate = try await scene.gate()
        let error = await failure { () async throws(GateError) in
            try await gate.permit(scene.request("letter:1"), files: nil)
        }
        let decision = try #require(error?.decision)
        #expect(decision.reason == .governanceMismatch)
        #expect(decision.failures.allSatisfy { !$0.mend.isEmpty })
        let record = try #require(try scene.domain.data(DecisionRecord.self).last)
        #expect(record.outcome == .contain)
        #expect(record.reason == .governanceMismatch)
        #expect(record.evaluation == decision.digest)
        #expect(error?.recorded?.index == scene.domain.events("decision.record").last?.index)
        #expect(
            try scene.domain.data(ContainmentEnter.self).isEmpty, "who asks for too much is refused, and that is all")
    }

    @Test("evaluate records nothing")
    func evaluate() async throws {
        let scene = try Scene()
        let gate = try await scene.gate()
        let size = scene.domain.head.size
        #expect(await gate.evaluate(scene.request(), files: nil).permits)
        #expect(await !gate.evaluate(scene.request("letter:1"), files: nil).permits)
        #expect(scene.domain.head.size == size)
    }

    @Test("revoked between evaluation and record: the log refuses the permit (state-moved), and it is judged again")
    func stateMoved() async throws {
        let scene = try Scene()
        let gate = try await scene.gate()
        let grant = scene.grant
        scene.domain.change { state in
            state.before = [(.decisionRecord, { try $0.post(GrantRevoke(grant: grant, reason: "over"), by: .olga) })]
        }
        let error = await failure { () async throws(GateError) in try await gate.permit(scene.request(), files: nil) }
        let decision = try #require(error?.decision)
        #expect(decision.failures.first?.detail.contains("revoked") == true)
        #expect(try scene.domain.data(DecisionRecord.self).allSatisfy { $0.outcome == .contain })
        #expect(gate.numbers.current.movedStates == 1)
    }

    @Test("changed between evaluation and record and still permitted: judged again, and permitted on the newer head")
    func stateMovedOn() async throws {
        let scene = try Scene()
        let gate = try await scene.gate()
        scene.domain.change { state in
            state.before = [
                (
                    .decisionRecord,
                    {
                        try $0.post(
                            RuntimeAttest(measurement: Domain.measurement, previous: Domain.measurement), by: .ron)
                    }
                )
            ]
        }
        let permit = try await gate.permit(scene.request(), files: nil)
        #expect(gate.numbers.current.movedStates == 1)
        #expect(permit.decision.head?.size ?? 0 > 8)
    }

    @Test("what moves each time is not permitted, and not tried for ever")
    func alwaysMoving() async throws {
        let scene = try Scene()
        let gate = try await scene.gate()
        scene.domain.change { state in
            state.before = (0..<10).map { _ in
                (
                    .decisionRecord,
                    {
                        try $0.post(
                            RuntimeAttest(measurement: Domain.measurement, previous: Domain.measurement), by: .ron)
                    }
                )
            }
        }
        let error = await failure { () async throws(GateError) in try await gate.permit(scene.request(), files: nil) }
        guard case .notAdmitted? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(gate.numbers.current.movedStates == 4)
        #expect(try scene.domain.data(DecisionRecord.self).isEmpty)
    }

    @Test("two gates give permits on the last use; the log lets one start")
    func lastUse() async throws {
        let scene = try Scene(uses: 1)
        let (one, other) = (try await scene.gate(), try await scene.otherGate())
        let (asked, alsoAsked) = (scene.request("doc:1"), scene.request("doc:2"))
        async let first = one.permit(asked, files: nil)
        async let second = other.permit(alsoAsked, files: nil)
        let permits = [try await first, try await second]
        try scene.start(permits[0], "e1")
        #expect(throws: AdmissionError.self) { try scene.start(permits[1], "e2") }
        await one.look()
        let error = await failure { () async throws(GateError) in try await one.permit(scene.request(), files: nil) }
        #expect(error?.decision?.failures.first?.detail.contains("used up") == true)
    }

    @Test("a permit is used once, and not after it has expired")
    func replayed() async throws {
        let scene = try Scene()
        let gate = try await scene.gate()
        let permit = try await gate.permit(scene.request(), files: nil)
        try scene.start(permit, "e1")
        #expect(throws: AdmissionError.self) { try scene.start(permit, "e2") }
        let late = try await gate.permit(scene.request(), files: nil)
        scene.time.pass(60_001)
        #expect(throws: AdmissionError.self) { try scene.start(late, "e3") }
    }

    @Test("a permit that somebody has used before it was answered is none")
    func usedBefore() async throws {
        let scene = try Scene()
        let gate = try await scene.gate()
        scene.domain.change { state in
            state.after.append(
                (
                    .decisionRecord,
                    { domain in
                        guard let nonce = try domain.data(DecisionRecord.self).last?.nonce else { return }
                        try domain.post(
                            ExecutionStart(
                                execution: ExecutionID(home: domain.origin.text, id: "early"),
                                permission: .permit(nonce),
                                input: .sha256([1])), by: .ron, stream: "executions")
                    }
                ))
        }
        let error = await failure { () async throws(GateError) in try await gate.permit(scene.request(), files: nil) }
        guard case .notVerified? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("many at once: each is recorded by itself, in as few batches as it takes, and one refusal stops no other")
    func many() async throws {
        let scene = try Scene()
        let gate = try await scene.gate()
        await withTaskGroup(of: Bool.self) { group in
            for number in 0..<40 {
                let request = scene.request(number % 4 == 0 ? "letter:\(number)" : "doc:\(number)")
                group.addTask { (try? await gate.permit(request, files: nil)) != nil }
            }
            var permitted = 0
            for await isPermitted in group where isPermitted { permitted += 1 }
            #expect(permitted == 30)
        }
        let records = try scene.domain.data(DecisionRecord.self)
        #expect(records.count == 40)
        #expect(Set(records.map(\.nonce)).count == 40)
        let posts = scene.domain.requests.filter { $0.method == .post }
        #expect(posts.count < 40)
    }

    @Test("a restart goes on with the stream, the store and the head")
    func restart() async throws {
        let scene = try Scene()
        _ = try await scene.gate().permit(scene.request(), files: nil)
        let second = try await scene.gate()
        _ = try await second.permit(scene.request(), files: nil)
        #expect(scene.domain.events("decision.record").map(\.event.seq) == [0, 1])
    }

    @Test("the answer to a record that was lost is not a permit; the same bytes are sent first when the log is back")
    func lostAnswer() async throws {
        let scene = try Scene()
        let gate = try await scene.gate()
        _ = try await gate.permit(scene.request(), files: nil)
        // Too few witnesses: it is in the log, and the log says "later".
        scene.domain.change { $0.witnesses = 1 }
        let error = await failure { () async throws(GateError) in try await gate.permit(scene.request(), files: nil) }
        guard case .unreachable? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        scene.domain.change { $0.witnesses = 3 }
        scene.domain.publish()
        _ = try await gate.permit(scene.request(), files: nil)
        #expect(scene.domain.events("decision.record").map(\.event.seq) == [0, 1, 2])
    }
}
