import COSE
import Governance
import Testing
import Tlog

@Suite("Identities")
struct IdentityTests {
    private let newcomer = Actor("newcomer", 60)

    private func enroll(_ actor: Actor, _ roles: [Role] = [.runtime]) -> IdentityEnroll {
        IdentityEnroll(issuer: actor.issuer, key: actor.key.publicKey, roles: roles)
    }

    @Test("an enrolled key's statements count from there on, within the batch too")
    func enrolled() throws {
        var world = try World()
        #expect(throws: AdmissionError.self) { try world.add("test.beat", 1, by: newcomer) }
        try world.add(enroll(newcomer), by: .olga)
        try world.add("test.beat", 1, by: newcomer)
        let record: IdentityRecord? = try world.record(.identity(issuer: newcomer.issuer, keyID: newcomer.keyID))
        #expect(record == IdentityRecord(key: newcomer.key.publicKey, roles: [.runtime], index: 2))
        _ = try world.replayed()
    }

    @Test("only authorities and operators enrol, and operators make no operators")
    func roles() throws {
        var world = try World()
        for actor in [Actor.rita, .gus, .ron, .otto, .nobody] {
            #expect(try broken { try world.add(enroll(newcomer), by: actor) } == Broken(.notPermitted, 0))
        }
        #expect(try broken { try world.add(enroll(newcomer, [.operator]), by: .olga) } == Broken(.roleReserved, 0))
        try world.add(enroll(newcomer, [.operator]), by: .first)
        #expect(
            try broken { try world.add(IdentityRevoke(keyID: newcomer.keyID, reason: "x"), by: .olga) }
                == Broken(.roleReserved, 2))
        // One's own key can always be given up.
        try world.add(IdentityRevoke(keyID: newcomer.keyID, reason: "x"), by: newcomer)
    }

    @Test("a key that is known, or is the log's, is enrolled for nobody")
    func known() throws {
        var world = try World()
        func refused(_ key: Ed25519.SigningKey) throws -> Broken? {
            let data = IdentityEnroll(issuer: newcomer.issuer, key: key.publicKey, roles: [])
            return try broken { try world.add(data, by: .olga) }
        }
        for key in [Actor.ron.key, Actor.first.key, TestKeys.receipt, TestKeys.statement] {
            #expect(try refused(key) == Broken(.keyKnown, 0))
        }
        try world.add(enroll(newcomer), by: .olga)
        try world.add(IdentityRevoke(keyID: newcomer.keyID, reason: "lost"), by: .olga)
        #expect(try refused(newcomer.key) == Broken(.keyKnown, 3))
    }

    @Test("nobody takes an authority's name")
    func authorityNames() throws {
        var world = try World()
        let data = IdentityEnroll(issuer: Actor.first.issuer, key: newcomer.key.publicKey, roles: [])
        #expect(throws: AdmissionError.self) { try world.add(data, by: .olga) }
        #expect(throws: PolicyError.issuer(Actor.first.issuer)) {
            try worldPolicy(
                extra: [EnrolledIssuer(issuer: Actor.first.issuer, key: newcomer.key.publicKey, roles: [])])
        }
    }

    @Test("a revoked key's statements after the revocation are refused, those before it in the same batch stand")
    func revoked() throws {
        var world = try World()
        try world.add("test.beat", 1, by: .ron)
        try world.add(IdentityRevoke(keyID: Actor.ron.keyID, reason: "stolen"), by: .olga)
        let error = AdmissionError.keyEnded(
            issuer: Actor.ron.issuer, keyID: Actor.ron.keyID, .revoked, setBy: 3)
        #expect(throws: error) { try world.add("test.beat", 2, by: .ron) }
        // Opaque evidence too.
        let evidence = try SignedStatement.sign(
            payload: [1], contentType: "text/plain", issuer: Actor.ron.issuer, subject: "x", key: Actor.ron.key)
        var fold = world.fold
        #expect(throws: error) { try fold.admit(evidence, index: world.size, batchTime: world.now) }
        world.seal()
        #expect(throws: error) { try world.add("test.beat", 2, by: .ron) }
        #expect(
            try broken { try world.add(IdentityRevoke(keyID: Actor.ron.keyID, reason: "x"), by: .olga) }
                == Broken(.identityEnded, 3))
        #expect(
            try broken { try world.add(IdentityRevoke(keyID: .zero, reason: "x"), by: .olga) }
                == Broken(.unknownIdentity, nil))
        _ = try world.replayed()
    }

    @Test("a replay finds a revoked key's statement that a log has admitted")
    func dishonest() throws {
        var world = try World()
        let late = try world.statement("test.beat", 1, by: .ron)
        try world.add(IdentityRevoke(keyID: Actor.ron.keyID, reason: "stolen"), by: .olga)
        world.seal()
        var replay = LogReplay()
        for entry in world.entries + [late.entryBytes] { try replay.append(entry) }
        let link = try #require(replay.lastSealHash)
        let seal = Seal(time: world.now, statements: 1, stateRoot: .zero, seq: 2, prev: link)
        let statement = seal.statement(origin: try Origin(World.origin), key: TestKeys.statement)
        #expect(
            throws: ReplayError.notAdmitted(
                index: 4,
                .keyEnded(issuer: Actor.ron.issuer, keyID: Actor.ron.keyID, .revoked, setBy: 2))
        ) { try replay.append(statement, signatureVerified: true) }
    }

    @Test("a rotated key hands its roles, measurements and streams to the new one")
    func rotated() throws {
        var world = try World()
        let measured = IdentityEnroll(
            issuer: newcomer.issuer, key: newcomer.key.publicKey, roles: [.runtime], measurements: [[1, 2]])
        try world.add(measured, by: .olga)
        try world.add("test.beat", 1, by: newcomer)
        let renewed = newcomer.with(key: 61)
        try world.add(IdentityRotate(keyID: newcomer.keyID, newKey: renewed.key.publicKey), by: newcomer)
        #expect(
            throws: AdmissionError.keyEnded(
                issuer: newcomer.issuer, keyID: newcomer.keyID, .rotated, setBy: 4)
        ) { try world.add("test.beat", 2, by: newcomer) }
        try world.add("test.beat", 2, by: renewed)
        let record: IdentityRecord? = try world.record(.identity(issuer: renewed.issuer, keyID: renewed.keyID))
        #expect(record?.measurements == [[1, 2]])
        #expect(record?.roles == [.runtime])
        _ = try world.replayed()
    }

    @Test("one's own key, or by an operator or authority; to a key that nobody had")
    func rotateRules() throws {
        var world = try World()
        func rotate(_ actor: Actor, to seed: UInt8 = 61) -> IdentityRotate {
            IdentityRotate(keyID: actor.keyID, newKey: TestKeys.key(seed).publicKey)
        }
        #expect(try broken { try world.add(rotate(.rob), by: .ron) } == Broken(.notPermitted, 0))
        #expect(try broken { try world.add(rotate(.rob, to: 23), by: .olga) } == Broken(.keyKnown, 0))
        #expect(try broken { try world.add(rotate(.first), by: .olga) } == Broken(.unknownIdentity, nil))
        // An operator rotates no other operator's key, an authority does.
        let other = Actor("operator/other", 64)
        let enrol = IdentityEnroll(issuer: other.issuer, key: other.key.publicKey, roles: [.operator])
        var second = world
        try second.add(enrol, by: .first)
        #expect(try broken { try second.add(rotate(other), by: .olga) } == Broken(.roleReserved, 2))
        try second.add(rotate(other), by: .second)
        try world.add(rotate(.olga, to: 62), by: .olga)
        try world.add(rotate(.rob), by: .first)
        #expect(try broken { try world.add(rotate(.rob, to: 63), by: .first) } == Broken(.identityEnded, 3))
    }

    @Test(
        "a statement by a role that may not sign its type is refused, for every type", arguments: StatementType.allCases
    )
    func table(_ type: StatementType) throws {
        let actors: [(Actor, Signer)] = [
            (.first, .authority), (.olga, .role(.operator)), (.rita, .role(.registrar)), (.gus, .role(.gate)),
            (.ron, .role(.runtime)), (.otto, .role(.observer)), (.nobody, .enrolled),
        ]
        let example = try #require(Examples.all.first { $0.type == type })
        for (actor, signer) in actors {
            let may =
                type.signers.contains(signer) || type.signers.contains(.enrolled)
                || (signer == .role(.operator) && type.signers.contains(.lifter))
            var world = try World()
            let subject = "\(type.rawValue) by \(actor.issuer)"
            let refusal = RuleViolation(.notPermitted, subject, setBy: 0)
            do {
                try world.add(type.rawValue, example.data, by: actor)
                #expect(may, "\(subject)")
            } catch AdmissionError.rule(refusal) {
                // Of those who may in some cases, the rules of the type decide.
                #expect(!may || type.signers.contains(.enrolled), "\(subject)")
            } catch AdmissionError.rule {
                #expect(may, "\(subject)")
            }
        }
    }
}
