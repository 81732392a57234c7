import COSE
import Governance
import Testing
import Tlog

/// Random statements, most of them admitted, folded in several ways.
@Suite("Random sequences")
struct RandomFoldTests {
    /// What one seed makes: statements with whether they were admitted and why not.
    struct Sequence {
        var world: World
        var numbers: SeededNumbers
        var grants: [Hash] = []
        var nonces: UInt8 = 0
        var telemetry: [String: Hash] = [:]
        var refused: [String: Int] = [:]
        var admitted: [String: Int] = [:]
        var policies: UInt64 = 0

        init(seed: UInt64) throws {
            world = try World(worldPolicy(governance: PolicyGovernance(maxLease: 1000)))
            numbers = SeededNumbers(seed: seed)
        }

        mutating func pick<Element>(_ elements: [Element]) -> Element {
            elements[Int.random(in: 0..<elements.count, using: &numbers)]
        }

        mutating func number(_ limit: UInt64) -> UInt64 { UInt64.random(in: 0..<limit, using: &numbers) }

        mutating func run(_ steps: Int) throws {
            for _ in 0..<steps {
                if number(6) == 0 { world.seal(next: world.now + number(400)) }
                try step()
            }
        }

        private mutating func attempt(_ type: String, _ data: CBOR, by actor: Actor) throws -> Hash? {
            do {
                let hash = try world.add(type, data, by: actor)
                admitted[type, default: 0] += 1
                return hash
            } catch let error as AdmissionError {
                refused[error.reason, default: 0] += 1
                return nil
            }
        }

        private mutating func attempt(_ data: some StatementData, by actor: Actor) throws -> Hash? {
            try attempt(type(of: data).type.rawValue, data.cbor, by: actor)
        }

        private mutating func step() throws {
            let runtime = pick([Actor.ron, .rob])
            switch number(14) {
            case 0:
                let conditions = GrantConditions(
                    notBefore: number(2) == 0 ? nil : world.now - number(300),
                    notAfter: number(2) == 0 ? nil : world.now + number(3000),
                    uses: number(3) == 0 ? nil : 1 + number(3))
                let grant = GrantIssue(
                    subject: runtime.issuer, actions: [pick(["sort", "*"])].compactMap { GrantPattern($0) },
                    resources: [pick(["inbox/*", "outbox/*"])].compactMap { GrantPattern($0) },
                    conditions: conditions, delegations: number(3),
                    parent: number(3) == 0 && !grants.isEmpty ? pick(grants) : nil)
                if let id = try attempt(grant, by: pick([.olga, .olga, .first, .ron])) { grants.append(id) }
            case 1 where number(3) == 0 && !grants.isEmpty:
                _ = try attempt(GrantRevoke(grant: pick(grants), reason: "x"), by: pick([.olga, .ron]))
            case 2, 3, 4, 5: try decide(runtime)
            case 6, 7:
                let execution = World.run("run\(number(40))")
                let parents = number(2) == 0 ? [] : [World.run("run\(number(40))")]
                let start = ExecutionStart(
                    execution: execution, permission: .permit(World.nonce(UInt8(number(UInt64(nonces) + 1)))),
                    parents: parents.filter { $0 != execution }, input: .zero)
                _ = try attempt(start, by: runtime)
            case 8:
                let execution = World.run("run\(number(40))")
                _ = try attempt(
                    ExecutionStep(execution: execution, step: number(2), input: .zero, output: .zero), by: runtime)
            case 9:
                let outcome = pick(ExecutionOutcome.allCases)
                _ = try attempt(
                    ExecutionFinish(execution: World.run("run\(number(40))"), outcome: outcome, output: .zero),
                    by: runtime)
            case 10: try contain()
            case 11:
                let digest = numbers.hash()
                let data = TelemetryDigest(
                    digest: digest, previous: number(5) == 0 ? nil : telemetry[runtime.issuer], from: 0, until: 1)
                if try attempt(data, by: runtime) != nil { telemetry[runtime.issuer] = digest }
            case 12: try identities()
            default:
                if number(4) == 0 { policies += 1 }
                let next = try worldPolicy(
                    governance: PolicyGovernance(maxPermit: 1000 + policies, maxLease: 1000),
                    previous: world.fold.rules.policy.digest)
                _ = try attempt("policy.set", next.cbor, by: pick([.first, .second, .third, .olga]))
            }
        }

        private mutating func decide(_ runtime: Actor) throws {
            guard !grants.isEmpty else { return }
            nonces = (nonces + 1) % 200
            let grant = pick(grants)
            let heads = world.base.heads.keys.sorted().suffix(3).map { world.head($0) }
            var decision = DecisionRecord(
                request: .zero, nonce: World.nonce(nonces),
                head: number(12) == 0 ? TreeHead(size: world.sealedSize, root: .zero) : pick(heads),
                expires: world.now + number(1200), outcome: .permit,
                access: Access(subject: runtime.issuer, action: "sort", resource: "inbox/1"),
                reliesOn: [.grant(grant), .uses(grant)], grant: grant)
            if number(8) == 0 {
                decision.outcome = .contain
                decision.reason = .stateDivergence
                decision.execution = World.run("run\(number(40))")
            }
            if number(4) == 0 {
                decision.outcome = .revalidate
                decision.scope = scope()
            }
            if decision.outcome == .revalidate { decision.reason = nil }
            _ = try attempt(decision, by: .gus)
        }

        private mutating func scope() -> Scope {
            pick([.runtime(Actor.rob.issuer), .execution(World.run("run\(number(40))")), .route("r")])
        }

        private mutating func contain() throws {
            let scope = scope()
            switch number(9) {
            case 0...3: _ = try attempt(ContainmentEnter(scope: scope, reason: .routingMismatch), by: .gus)
            case 4, 5: _ = try attempt(ContainmentRecover(scope: scope), by: .gus)
            case 8 where number(10) == 0:
                _ = try attempt(TrustRevoke(scope: scope, reason: .cryptographicFailure), by: .olga)
            default: _ = try attempt(ContainmentLift(scope: scope), by: .olga)
            }
        }

        private mutating func identities() throws {
            let actor = Actor("extra\(number(5))", UInt8(100 + number(30)))
            switch number(4) {
            case 0:
                _ = try attempt(
                    IdentityEnroll(issuer: actor.issuer, key: actor.key.publicKey, roles: [.observer]), by: .olga)
            case 1: _ = try attempt(IdentityRevoke(keyID: actor.keyID, reason: "x"), by: .olga)
            case 2:
                let next = TestKeys.key(UInt8(100 + number(30)))
                _ = try attempt(IdentityRotate(keyID: actor.keyID, newKey: next.publicKey), by: .olga)
            default: _ = try attempt("test.beat", 1, by: actor)
            }
        }
    }

    @Test(
        "entries folded in the batches they came in, and again from the entries, have the same roots", arguments: 1...12
    )
    func replay(_ seed: UInt64) throws {
        var sequence = try Sequence(seed: seed)
        try sequence.run(400)
        var world = sequence.world
        let replay = try world.replayed()
        #expect(replay.map.root == world.roots.last)
        #expect(replay.state.values == world.base.values)
        #expect(replay.state.map().root == replay.map.root)
        #expect(try Rules(world.base)?.keys.all == replay.rules?.keys.all)
        // The sequences reach what they are for.
        #expect(sequence.admitted.values.reduce(0, +) > 80)
        #expect(sequence.refused.count > 8)
    }

    @Test("one batch or many, the state is the same but for what depends on the batch's time", arguments: 20...26)
    func batches(_ seed: UInt64) throws {
        var sequence = try Sequence(seed: seed)
        try sequence.run(300)
        var world = sequence.world
        world.seal()
        // Without the seals' own indices: the same statements, tried one by one over a state that is applied after
        // each, come to the same changes.
        var base = MemoryState()
        let genesis = try SignedStatement(decoding: world.entries[0])
        let first = try GovernanceState(base: base, genesis: genesis)
        base.apply(first.changes)
        var rules = first.rules
        var batch: [(UInt64, SignedStatement)] = []
        for (index, entry) in world.entries.enumerated().dropFirst() {
            let statement = try SignedStatement(decoding: entry)
            guard let seal = try? Seal(statement, origin: rules.policy.origin) else {
                batch.append((UInt64(index), statement))
                continue
            }
            var fold = GovernanceState(base: base, rules: rules)
            for (index, statement) in batch {
                // A copy that is thrown away changes nothing.
                var dropped = fold
                try dropped.admit(statement, index: index, batchTime: seal.time)
                try fold.admit(statement, index: index, batchTime: seal.time)
                #expect(dropped.changes == fold.changes)
            }
            for change in fold.changes { base.apply([change]) }
            rules = try #require(try Rules(base))
            batch = []
        }
        #expect(base.map().root == world.roots.last)
    }
}
