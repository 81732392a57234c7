import COSE
import Governance
import Testing
import Tlog

@Suite("Grants")
struct GrantTests {
    @Test("operators and authorities issue grants; what is revoked is not in force")
    func issue() throws {
        var world = try World()
        let grant = try world.add(World.grant(), by: .olga)
        #expect(
            try world.record(.grant(grant), GrantRecord.self)
                == GrantRecord(index: 2, issuer: Actor.olga.issuer, grant: World.grant()))
        #expect(try broken { try world.add(World.grant(), by: .ron) } == Broken(.notPermitted, 0))
        #expect(
            try broken { try world.add(GrantRevoke(grant: grant, reason: "x"), by: .ron) } == Broken(.grantIssuer, 2))
        world.seal()
        try world.add(GrantRevoke(grant: grant, reason: "over"), by: .first)
        #expect(
            try broken { try world.add(GrantRevoke(grant: grant, reason: "x"), by: .olga) } == Broken(.grantRevoked, 4))
        #expect(
            try broken { try world.add(GrantRevoke(grant: .zero, reason: "x"), by: .olga) }
                == Broken(.unknownGrant, nil))
        world.seal()
        #expect(try broken { try world.add(world.permit(1, grant), by: .gus) } == Broken(.grantRevoked, 4))
    }

    @Test("the first and the last ms of the window are in it, the ones beside are not")
    func window() throws {
        let window = GrantConditions(notBefore: testTime + 100, notAfter: testTime + 200)
        for (time, isInside) in [(99, false), (100, true), (200, true), (201, false)] as [(UInt64, Bool)] {
            var world = try World()
            let grant = try world.add(World.grant(window), by: .olga)
            world.seal(next: testTime + time)
            let found = try broken { try world.add(world.permit(1, grant), by: .gus) }
            #expect(found == (isInside ? nil : Broken(.grantWindow, 2)), "\(time)")
        }
    }

    @Test("the window is asked again at the start, by the batch's time and not the statement's")
    func backdated() throws {
        var world = try World()
        let grant = try world.add(World.grant(GrantConditions(notAfter: testTime)), by: .olga)
        world.seal()
        try world.add(world.permit(1, grant), by: .gus)
        world.seal(next: testTime + 1)
        #expect(try broken { try world.add(world.start(1), by: .ron, time: testTime) } == Broken(.grantWindow, 2))
    }

    @Test("the last use is used once, whoever comes first")
    func uses() throws {
        var world = try World()
        let grant = try world.add(World.grant(GrantConditions(uses: 2)), by: .olga)
        world.seal()
        for number: UInt8 in 1...3 { try world.add(world.permit(number, grant), by: .gus) }
        try world.add(world.start(1, id: "a"), by: .ron)
        try world.add(world.start(2, id: "b"), by: .ron)
        #expect(try world.record(.uses(grant), UsesRecord.self) == UsesRecord(index: 8, used: 2))
        #expect(try broken { try world.add(world.start(3, id: "c"), by: .ron) } == Broken(.grantUses, 2))
        world.seal()
        #expect(try broken { try world.add(world.permit(4, grant), by: .gus) } == Broken(.grantUses, 2))
        // A use does not change the grant: decisions that rest on it stand.
        #expect(try world.record(.grant(grant), GrantRecord.self)?.index == 2)
        _ = try world.replayed()
    }

    @Test("a grant covers subject, action, resource, model, route and domain")
    func cover() throws {
        let model = ModelVersion(name: "m", version: "1")
        let grants: [(GrantIssue, String)] = [
            (World.grant(subject: .rob), "subject \(Actor.ron.issuer)"),
            (World.grant(actions: ["read"]), "action sort"),
            (World.grant(resources: ["outbox/*", "inbox"]), "resource inbox/1"),
            (World.grant(GrantConditions(model: model)), "model other than m 1"),
            (World.grant(GrantConditions(route: "r")), "route other than r"),
            (
                World.grant(GrantConditions(domain: "log.example.org/other")),
                "domain other than log.example.org/other"
            ),
        ]
        for (grant, what) in grants {
            var world = try World()
            let id = try world.add(grant, by: .olga)
            world.seal()
            let found = try violation { try world.add(world.permit(1, id), by: .gus) }
            #expect(found == RuleViolation(.grantCover, what, setBy: 2))
        }
        var world = try World()
        let id = try world.add(World.grant(GrantConditions(domain: World.origin)), by: .olga)
        world.seal()
        try world.add(world.permit(1, id), by: .gus)
    }

    @Test("a grant is handed on by its subject, and as many times over as it says")
    func delegation() throws {
        var world = try World()
        let parent = try world.add(World.grant(delegations: 2), by: .olga)
        let child = World.grant(subject: .rob, delegations: 1, parent: parent)
        for actor in [Actor.rob, .olga] {
            #expect(try broken { try world.add(child, by: actor) } == Broken(.delegationNotAllowed, 2))
        }
        let handed = try world.add(child, by: .ron)
        let third = try world.add(World.grant(subject: .nobody, parent: handed), by: .rob)
        #expect(
            try broken { try world.add(World.grant(subject: .otto, parent: third), by: .nobody) }
                == Broken(.delegationNotAllowed, 4))
        #expect(
            try broken { try world.add(World.grant(parent: .zero), by: .ron) } == Broken(.unknownGrant, nil))
        // What comes from a revoked grant is revoked with it.
        try world.add(GrantRevoke(grant: parent, reason: "x"), by: .olga)
        #expect(
            try broken { try world.add(World.grant(subject: .otto, parent: handed), by: .rob) }
                == Broken(.grantRevoked, 5))
    }

    @Test("a grant that is handed on is wider in nothing")
    func widening() throws {
        let model = ModelVersion(name: "m", version: "1")
        var world = try World()
        let conditions = GrantConditions(
            notBefore: 10, notAfter: 20, uses: 3, model: model, route: "r", domain: World.origin)
        let parent = try world.add(World.grant(conditions, delegations: 2), by: .olga)
        func child(_ change: (inout GrantConditions) -> Void) -> GrantIssue {
            var conditions = conditions
            change(&conditions)
            return World.grant(conditions, subject: .rob, delegations: 1, parent: parent)
        }
        let cases: [(GrantIssue, String)] = [
            (World.grant(conditions, subject: .rob, actions: ["*"], delegations: 1, parent: parent), "actions"),
            (World.grant(conditions, subject: .rob, actions: ["sort", "read"], parent: parent), "actions"),
            (World.grant(conditions, subject: .rob, resources: ["in*"], parent: parent), "resources"),
            (World.grant(conditions, subject: .rob, delegations: 2, parent: parent), "delegations"),
            (child { $0.notBefore = 9 }, "notBefore"), (child { $0.notBefore = nil }, "notBefore"),
            (child { $0.notAfter = 21 }, "notAfter"), (child { $0.notAfter = nil }, "notAfter"),
            (child { $0.uses = 4 }, "uses"), (child { $0.uses = nil }, "uses"), (child { $0.model = nil }, "model"),
            (child { $0.model = ModelVersion(name: "m", version: "2") }, "model"), (child { $0.route = nil }, "route"),
            (child { $0.route = "q" }, "route"), (child { $0.domain = nil }, "domain"),
            (child { $0.domain = "log.example.org/other" }, "domain"),
        ]
        for (grant, dimension) in cases {
            let found = try violation { try world.add(grant, by: .ron) }
            #expect(found == RuleViolation(.delegationWidens, dimension, setBy: 2), "\(dimension)")
        }
        try world.add(child { _ in }, by: .ron)
        try world.add(
            child { $0 = .init(notBefore: 11, notAfter: 19, uses: 1, model: model, route: "r", domain: World.origin) },
            by: .ron)
    }

    @Test("a use of a grant is one of each that it comes from")
    func sharedUses() throws {
        var world = try World()
        let parent = try world.add(World.grant(GrantConditions(uses: 1), subject: .rob, delegations: 1), by: .olga)
        let child = World.grant(GrantConditions(uses: 1), parent: parent)
        let one = try world.add(child, by: .rob)
        let other = try world.add(child, by: .rob)
        world.seal()
        try world.add(world.permit(1, one), by: .gus)
        try world.add(world.permit(2, other), by: .gus)
        try world.add(world.start(1, id: "a"), by: .ron)
        #expect(try broken { try world.add(world.start(2, id: "b"), by: .ron) } == Broken(.grantUses, 2))
    }

    @Test("uses allotted to another domain are gone here")
    func allotment() throws {
        var world = try World()
        let parent = try world.add(World.grant(GrantConditions(uses: 5), delegations: 1), by: .olga)
        func allot(_ uses: UInt64) -> GrantIssue {
            World.grant(GrantConditions(uses: uses, domain: "log.example.org/other"), parent: parent)
        }
        try world.add(allot(3), by: .ron)
        #expect(try world.record(.uses(parent), UsesRecord.self)?.used == 3)
        #expect(try broken { try world.add(allot(3), by: .ron) } == Broken(.grantUses, 2))
        try world.add(allot(2), by: .ron)
        world.seal()
        #expect(try broken { try world.add(world.permit(1, parent), by: .gus) } == Broken(.grantUses, 2))
    }
}
