import COSE
import Testing
import Tlog

@testable import Governance

@Suite("Profile model")
struct ModelCheckTests {
    private let key = StateKey.model(Scene.model)

    @Test("a request with a model is held to all sixteen checks of the two profiles")
    func permit() throws {
        let decision = try Scene(model: true).evaluate()
        #expect(decision.failures.isEmpty)
        #expect(decision.results.compactMap(\.check).count == 16)
    }

    @Test("M1: approved and neither retired nor revoked, and what is loaded is what was registered")
    func m1() throws {
        for status in ModelRecord.Status.allCases {
            var scene = try Scene(model: true)
            try scene.change(key, ModelRecord.self) { $0.status = status }
            #expect(try scene.outcome(.m1) == (status == .approved ? .passed : .failed(.governanceMismatch)))
        }
        var scene = try Scene(model: true)
        scene.request.model = AccessRequest.ModelUse(model: Scene.model, purpose: "search", loaded: .sha256([0]))
        #expect(try scene.outcome(.m1) == .failed(.unauthorizedModification))
        scene.request.model = AccessRequest.ModelUse(model: Scene.model, purpose: "search", loaded: nil)
        #expect(try scene.outcome(.m1) == .notEvaluable)
        scene.remove(key)
        #expect(try scene.outcome(.m1) == .failed(.governanceMismatch))
        #expect(try Scene(model: true).outcome(.m1, failing: key) == .notEvaluable)
    }

    @Test("M2: approved under the policy in force")
    func m2() throws {
        var scene = try Scene(model: true)
        try scene.change(key, ModelRecord.self) { $0.policy = .sha256([0]) }
        #expect(try scene.outcome(.m2) == .failed(.governanceMismatch))
        try scene.change(key, ModelRecord.self) { $0.policy = nil }
        #expect(try scene.outcome(.m2) == .failed(.governanceMismatch))
        scene.remove(key)
        #expect(try scene.outcome(.m2) == .failed(.governanceMismatch))
        #expect(try Scene(model: true).outcome(.m2, failing: key) == .notEvaluable)
    }

    @Test("M3, M6 and M7 are P4, P7 and P8 of the request")
    func shared() throws {
        var scene = try Scene(model: true)
        scene.set(.attestation(Scene.subject), AttestationRecord(index: 4, measurement: [0xbb], time: Scene.now))
        #expect(try scene.outcome(.m3) == .failed(.unauthorizedModification))
        let bounds = PolicyBounds()
        let old = Scene.now - bounds.maxAttestationAge - 1
        scene.set(
            .attestation(Scene.subject), AttestationRecord(index: 4, measurement: Scene.measurement, time: old))
        #expect(try scene.outcome(.m3) == .failed(.synchronizationInterrupted))
        scene.evidence.head?.witnesses = .byQuorum(at: Scene.now - bounds.maxHeadAge - 1)
        #expect(try scene.outcome(.m6) == .failed(.synchronizationInterrupted))
        scene.evidence.head?.stateWitnesses = .byQuorum(at: Scene.now - bounds.maxStateLag - 1)
        #expect(try scene.outcome(.m7) == .failed(.synchronizationInterrupted))
        scene.evidence.head?.stateWitnesses = .byNobody(sealed: Scene.now)
        #expect(try scene.outcome(.m7) == .failed(.stateDivergence))
        scene.remove(.attestation(Scene.subject))
        #expect(try scene.outcome(.m3) == .notEvaluable)
        scene.evidence.head?.extendsAccepted = false
        #expect(try scene.outcome(.m6) == .failed(.auditDiscontinuity))
        scene.evidence.head?.computedRoot = .zero
        #expect(try scene.outcome(.m7) == .failed(.stateDivergence))
        scene.evidence.head = nil
        #expect(try scene.outcome(.m6) == .notEvaluable)
        #expect(try scene.outcome(.m7) == .notEvaluable)
    }

    @Test("M4: action and purpose are in the model's scope")
    func m4() throws {
        var scene = try Scene(model: true)
        scene.request.model = AccessRequest.ModelUse(model: Scene.model, purpose: "ads", loaded: Scene.manifest)
        #expect(try scene.outcome(.m4) == .failed(.governanceMismatch))
        scene = try Scene(model: true)
        let access = Access(subject: Scene.subject, action: "train", resource: "doc:1")
        scene.request = AccessRequest(access: access, grant: Scene.grantID, model: scene.request.model)
        #expect(try scene.outcome(.m4) == .failed(.governanceMismatch))
        scene.remove(key)
        #expect(try scene.outcome(.m4) == .failed(.governanceMismatch))
        #expect(try Scene(model: true).outcome(.m4, failing: key) == .notEvaluable)
    }

    @Test("M5: files that were compared and differ are a modification")
    func m5() throws {
        var scene = try Scene(model: true)
        scene.evidence.differingFiles = ["weights.onnx"]
        #expect(try scene.outcome(.m5) == .failed(.unauthorizedModification))
        scene.evidence.differingFiles = nil
        #expect(try scene.outcome(.m5) == .passed)
        scene.remove(key)
        #expect(try scene.outcome(.m5) == .failed(.governanceMismatch))
        #expect(try Scene(model: true).outcome(.m5, failing: key) == .notEvaluable)
    }

    @Test("M8: parents are executions of this log")
    func m8() throws {
        var scene = try Scene(model: true)
        let parent = ExecutionID(home: World.origin, id: "e0")
        scene.request.parents = [parent]
        #expect(try scene.outcome(.m8) == .failed(.auditDiscontinuity))
        let start = ExecutionStart(
            execution: parent, permission: .permit([UInt8](repeating: 1, count: 16)), input: .zero)
        scene.set(
            .execution(parent),
            ExecutionRecord(
                index: 30, entry: .zero, subject: Scene.subject, start: start, route: nil, phase: .executing))
        #expect(try scene.outcome(.m8) == .passed)
        #expect(try scene.outcome(.m8, failing: .execution(parent)) == .notEvaluable)
        scene.request.parents = [ExecutionID(home: PeerWorld.origin, id: "e0")]
        #expect(try scene.outcome(.m8) == .failed(.auditDiscontinuity))
    }
}
