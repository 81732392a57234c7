import COSE
import Governance
import Testing
import Tlog

@Suite("The log itself: its keys, its end, its refusals")
struct LogRulesTests {
    private static func keys(_ first: UInt8, statement: Ed25519.SigningKey = TestKeys.key(52)) -> LogPublicKeys {
        LogPublicKeys(
            checkpoint: TestKeys.key(first).publicKey, receipt: TestKeys.key(51).publicKey,
            statement: statement.publicKey)
    }

    private func rotation(_ world: World, _ keys: LogPublicKeys = keys(50)) -> LogRotate {
        LogRotate(logKeys: keys, previous: world.fold.rules.policy.digest)
    }

    @Test("the log's keys change when k authorities have approved the same ones; the old ones are kept as such")
    func rotate() throws {
        var world = try World()
        let data = rotation(world)
        let before = world.fold.rules.policy
        try world.add(data, by: .first)
        #expect(world.fold.rules.policy == before)
        #expect(try broken { try world.add(data, by: .first) } == Broken(.alreadyApproved, 2))
        try world.add(data, by: .second)
        let policy = world.fold.rules.policy
        #expect(policy.logKeys == data.logKeys && policy.previous == before.digest)
        #expect(policy.issuers == before.issuers && policy.authorities == before.authorities)
        #expect(world.fold.rules.statementKey == COSEKey(TestKeys.key(52).publicKey))
        #expect(try world.fold.value(.approvals) == nil)
        let old = [TestKeys.checkpoint, TestKeys.receipt, TestKeys.statement]
        for (use, key) in zip(LogPublicKeys.Use.allCases, old) {
            let record = try world.record(.logKey(COSEKey(key.publicKey).thumbprint), EndedLogKeyRecord.self)
            #expect(record == EndedLogKeyRecord(index: 3, key: key.publicKey, use: use))
        }
    }

    @Test("all else of the policy stays as it is")
    func rotatedPolicy() throws {
        var world = try World()
        let before = world.fold.rules.policy
        var bounds = PolicyBounds()
        bounds.maxHeadAge += 1000
        let bounded = try Policy(
            origin: before.origin, logKeys: before.logKeys, authorities: before.authorities,
            threshold: before.threshold, issuers: before.issuers, contentTypes: before.contentTypes,
            limits: before.limits, rates: before.rates, allowUnwitnessed: true, governance: PolicyGovernance(),
            bounds: bounds, previous: before.digest)
        for actor in [Actor.first, .second] { try world.add(bounded, by: actor) }
        #expect(world.fold.rules.policy == bounded)
        for actor in [Actor.first, .second] { try world.add(rotation(world), by: actor) }
        let policy = world.fold.rules.policy
        #expect(policy.bounds == bounds && policy.governance == bounded.governance && policy.allowUnwitnessed)
        #expect(policy.limits == bounded.limits && policy.rates == bounded.rates)
        #expect(policy.contentTypes == bounded.contentTypes && policy.threshold == bounded.threshold)
    }

    @Test("a policy cannot do it, and an outsider neither; nor can a rotation from another policy")
    func rotateRefused() throws {
        var world = try World()
        #expect(try broken { try world.add(rotation(world), by: .olga) }?.rule == .notPermitted)
        let other = LogRotate(logKeys: Self.keys(50), previous: .zero)
        #expect(try broken { try world.add(other, by: .first) } == Broken(.policyPredecessor, 0))
    }

    @Test("a key that is anybody's, or was the log's, is not the log's")
    func usedKeys() throws {
        var world = try World()
        func refusal(_ key: Ed25519.SigningKey) throws -> Rule? {
            let data = rotation(world, Self.keys(50, statement: key))
            let violated: Broken? = try broken { try world.add(data, by: .first) }
            return violated?.rule
        }
        for key in [Actor.olga.key, Actor.second.key, TestKeys.checkpoint] { #expect(try refusal(key) == .keyKnown) }
        #expect(
            try broken { try world.add(rotation(world, world.fold.rules.policy.logKeys), by: .first) }?.rule
                == .keyKnown)
        for actor in [Actor.first, .second] { try world.add(rotation(world), by: actor) }
        let index = world.last
        #expect(try refusal(TestKeys.statement) == .keyKnown)
        let enroll = IdentityEnroll(issuer: "urn:x", key: TestKeys.statement.publicKey, roles: [])
        #expect(try broken { try world.add(enroll, by: .olga) } == Broken(.keyKnown, index))
        let policy = world.fold.rules.policy
        let listed = try Policy(
            origin: policy.origin, logKeys: policy.logKeys,
            authorities: policy.authorities + [TestKeys.receipt.publicKey], threshold: 2, issuers: policy.issuers,
            previous: policy.digest)
        #expect(try broken { try world.add(listed, by: .first) } == Broken(.keyKnown, index))
    }

    @Test("the seal of its batch has the old key, those after it the new one; the old one's entries are an outsider's")
    func rotatedSeals() throws {
        var world = try World()
        for actor in [Actor.first, .second] { try world.add(rotation(world), by: actor) }
        world.seal()
        try world.add("test.beat", 1, by: .olga)
        var other = world
        world.seal(by: TestKeys.key(52))
        var replay = LogReplay()
        for entry in world.entries { try replay.append(entry) }
        try replay.finish()
        #expect(replay.map.root == world.roots.last)
        other.seal()
        #expect(throws: ReplayError.self) { try other.replayed() }
    }

    private let freeze = LogFreeze(successor: "log.example.org/next", genesis: .zero)

    @Test("a frozen log says who goes on, and nothing comes after it")
    func frozen() throws {
        var world = try World()
        #expect(
            try broken { try world.add(LogFreeze(successor: World.origin, genesis: .zero), by: .first) }
                == Broken(.successor, 0))
        #expect(try broken { try world.add(freeze, by: .olga) }?.rule == .notPermitted)
        try world.add(freeze, by: .first)
        try world.add("test.beat", 1, by: .olga)
        try world.add(freeze, by: .third)
        let index = world.last
        #expect(try world.record(.frozen) == FrozenRecord(index: index, freeze: freeze))
        #expect(try broken { try world.add("test.beat", 2, by: .olga) } == Broken(.frozen, index))
        world.seal()
        #expect(try broken { try world.add("test.beat", 2, by: .olga) } == Broken(.frozen, index))
        let sealed = world
        var replay = try world.replayed()
        // Not even a seal.
        world.seal()
        let size = sealed.size
        #expect(throws: ReplayError.afterFreeze(index: size, frozenBy: index)) {
            try replay.append(world.entries[Int(size)])
        }
    }

    private func row(_ actor: Actor, _ reason: String = "contained", _ count: UInt64 = 1) -> LogRefusals.Row {
        LogRefusals.Row(keyID: actor.keyID, reason: reason, count: count)
    }

    @Test("refusals are recorded before a seal, chained, at most once a minute, of keys that count")
    func refusals() throws {
        var world = try World()
        func refused(_ refusals: LogRefusals) throws -> Broken? { try broken { try world.add(refusals) } }
        func record(_ rows: [LogRefusals.Row], time: UInt64 = 0, seq: UInt64 = 0) -> LogRefusals {
            LogRefusals(time: world.now + time, counts: rows, seq: seq, prev: seq == 0 ? nil : .zero)
        }
        let first = LogRefusals(time: world.now, counts: [row(.ron, "expired", 3), row(.ron)], seq: 0, prev: nil)
        #expect(try refused(record([row(.ron)], time: 1))?.rule == .refusals)
        #expect(try refused(record([row(.ron)], seq: 1))?.rule == .refusals)
        let stranger = Actor("stranger", 61)
        #expect(try refused(record([row(stranger)]))?.rule == .refusals)
        #expect(try refused(record([row(.ron), row(.ron)]))?.rule == .refusals)
        let hash = try world.add(first)
        #expect(
            try world.record(.refusals)
                == RefusalsRecord(index: world.last, entry: hash, seq: 0, time: world.now))
        let index = world.last
        world.seal(next: world.now + LogRefusals.interval - 1)
        let early = LogRefusals(time: world.now, counts: [row(.gus)], seq: 1, prev: hash)
        #expect(try refused(early) == Broken(.refusals, index))
        world.seal(next: world.now + 1)
        try world.add(LogRefusals(time: world.now, counts: [row(.gus)], seq: 1, prev: hash))
        _ = try world.replayed()
    }

    @Test("a record of refusals is the last entry before a seal")
    func place() throws {
        var world = try World()
        try world.add(LogRefusals(time: world.now, counts: [row(.ron)], seq: 0, prev: nil))
        let place = ReplayError.refusalsPlace(index: world.last)
        try world.add("test.beat", 1, by: .olga)
        #expect(throws: place) { try world.replayed() }
    }

    @Test("the most frequent refusals have rows, the others one number")
    func bounded() throws {
        let counts = (0..<80).map { LogRefusals.Row(keyID: Hash.sha256([$0]), reason: "r", count: UInt64($0) + 1) }
        let refusals = LogRefusals(time: 1, counts: counts, others: 5, seq: 0, prev: nil)
        #expect(refusals.rows.count == LogRefusals.maxRows)
        #expect(Set(refusals.rows.map(\.count)) == Set(17...80))
        #expect(refusals.others == 5 + (1...16).reduce(0, +))
        let origin = try Origin(World.origin)
        let statement = refusals.statement(origin: origin, key: TestKeys.statement)
        #expect(try LogRefusals(statement, origin: origin) == refusals)
    }
}
