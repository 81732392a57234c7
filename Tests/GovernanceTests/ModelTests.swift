import COSE
import Governance
import Testing
import Tlog

@Suite("Models and runtimes")
struct ModelTests {
    private let model = ModelVersion(name: "sorter", version: "1")

    private func register() -> ModelRegister {
        ModelRegister(
            model: model, manifest: [ManifestEntry(path: "b", digest: .zero), ManifestEntry(path: "a", digest: .zero)],
            actions: ["sort"], purposes: ["mail"])
    }

    private func permit(
        _ world: World, _ grant: Hash, _ number: UInt8 = 1, purpose: String = "mail"
    ) -> DecisionRecord {
        var permit = world.permit(number, grant)
        permit.model = model
        permit.purpose = purpose
        return permit
    }

    @Test("the digest of a model is that of its manifest, in the order of CBOR")
    func digest() throws {
        let zero = [0x58, 0x20] + [UInt8](repeating: 0, count: 32)
        #expect(register().digest == Hash.sha256([0xa2, 0x61, 0x61] + zero + [0x61, 0x62] + zero))
    }

    @Test("registered, approved, retired or revoked; each once and in order")
    func life() throws {
        var world = try World()
        let entry = try world.add(register(), by: .rita)
        #expect(try broken { try world.add(register(), by: .rita) } == Broken(.modelKnown, 2))
        #expect(try broken { try world.add(register(), by: .olga) } == Broken(.notPermitted, 0))
        #expect(
            try broken { try world.add(ModelApprove(model: model, policy: .zero), by: .olga) }
                == Broken(.modelApproval, 0))
        let digest = world.fold.rules.policy.digest
        try world.add(ModelApprove(model: model, policy: digest), by: .olga)
        let record = try #require(try world.record(.model(model), ModelRecord.self))
        #expect(record.status == .approved && record.policy == digest && record.entry == entry && record.index == 3)
        try world.add(ModelRetire(model: model), by: .rita)
        #expect(try broken { try world.add(ModelRetire(model: model), by: .rita) } == Broken(.modelEnded, 4))
        #expect(
            try broken { try world.add(ModelApprove(model: model, policy: digest), by: .olga) }
                == Broken(.modelEnded, 4))
        try world.add(ModelRevoke(model: model, reason: "x"), by: .olga)
        #expect(
            try broken { try world.add(ModelRevoke(model: model, reason: "x"), by: .olga) } == Broken(.modelEnded, 5))
        #expect(
            try broken { try world.add(ModelRetire(model: ModelVersion(name: "x", version: "1")), by: .rita) }
                == Broken(.unknownModel, nil))
    }

    @Test("a permit with a model: approved under the policy in force, for the action and the purpose")
    func use() throws {
        var world = try World()
        let grant = try world.add(World.grant(), by: .olga)
        world.seal()
        #expect(try broken { try world.add(permit(world, grant), by: .gus) } == Broken(.unknownModel, nil))
        try world.add(register(), by: .rita)
        #expect(try broken { try world.add(permit(world, grant), by: .gus) } == Broken(.modelApproval, 4))
        let digest = world.fold.rules.policy.digest
        try world.add(ModelApprove(model: model, policy: digest), by: .olga)
        #expect(
            try broken { try world.add(permit(world, grant, purpose: "spam"), by: .gus) } == Broken(.modelScope, 5))
        try world.add(permit(world, grant), by: .gus)
        try world.add(permit(world, grant, 2), by: .gus)
        // The start names the model that the permit does.
        #expect(try broken { try world.add(world.start(1), by: .ron) } == Broken(.permitMismatch, 6))
        let start = ExecutionStart(
            execution: World.run(), permission: .permit(World.nonce(1)), model: model, input: .zero)
        let next = try worldPolicy(previous: digest)
        try world.add(start, by: .ron)
        try world.add(next, by: .first)
        try world.add(next, by: .second)
        // The approval was under another policy.
        world.seal()
        #expect(try broken { try world.add(permit(world, grant, 3), by: .gus) } == Broken(.modelApproval, 10))
        let second = ExecutionStart(
            execution: World.run("b"), permission: .permit(World.nonce(2)), model: model, input: .zero)
        #expect(try broken { try world.add(second, by: .ron) } == Broken(.modelApproval, 10))
        try world.add(ModelRetire(model: model), by: .olga)
        #expect(try broken { try world.add(second, by: .ron) } == Broken(.modelEnded, 12))
        _ = try world.replayed()
    }

    @Test("an attestation names the measurement before it; a measurement that isn't allowed is recorded all the same")
    func attestation() throws {
        var world = try World()
        try world.add(RuntimeAttest(measurement: [1], previous: nil), by: .ron, time: testTime + 5)
        #expect(
            try world.record(.attestation(Actor.ron.issuer), AttestationRecord.self)
                == AttestationRecord(index: 2, measurement: [1], time: testTime + 5))
        for previous: [UInt8]? in [nil, [2]] {
            #expect(
                try broken { try world.add(RuntimeAttest(measurement: [3], previous: previous), by: .ron) }
                    == Broken(.measurementChain, 2))
        }
        try world.add(RuntimeAttest(measurement: [3], previous: [1]), by: .ron)
        #expect(
            try broken { try world.add(RuntimeAttest(measurement: [1], previous: [3]), by: .rob) }
                == Broken(.measurementChain, nil))
        // What is refused leaves nothing behind: the stream that it would have begun is not counted.
        try world.add(RuntimeAttest(measurement: [1], previous: nil), by: .rob)
        #expect(try world.fold.value(.streamCount(issuer: Actor.rob.issuer)) == [1])
    }

    @Test("telemetry digests are a chain, and a heartbeat names its end")
    func telemetry() throws {
        func digest(_ digest: Hash, _ previous: Hash?) -> TelemetryDigest {
            TelemetryDigest(digest: digest, previous: previous, from: 1, until: 9)
        }
        var world = try World()
        let (one, two) = (Hash.sha256([1]), Hash.sha256([2]))
        #expect(try broken { try world.add(digest(one, two), by: .ron) } == Broken(.telemetryChain, nil))
        try world.add(RuntimeHeartbeat(telemetry: nil), by: .ron)
        try world.add(digest(one, nil), by: .ron)
        #expect(try broken { try world.add(digest(two, nil), by: .ron) } == Broken(.telemetryChain, 3))
        #expect(
            try broken { try world.add(RuntimeHeartbeat(telemetry: nil), by: .ron) } == Broken(.telemetryChain, 3))
        try world.add(RuntimeHeartbeat(telemetry: one), by: .ron)
        try world.add(digest(two, one), by: .ron)
        #expect(
            try world.record(.telemetry(Actor.ron.issuer), TelemetryRecord.self)
                == TelemetryRecord(index: 5, digest: two, until: 9))
        #expect(try world.record(.heartbeat(Actor.ron.issuer), HeartbeatRecord.self)?.index == 4)
        try world.add(RuntimeHeartbeat(telemetry: nil), by: .rob)
    }
}
