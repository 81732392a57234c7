import COSE
import Governance
import Tlog

/// Makes the statements of one log. It knows what it has made, so that most statements fit the state, and what follows
/// a statement in the life of a thing waits on an agenda: so deep states are reached. One in some is spoilt on purpose.
struct Generator {
    typealias Step = (inout Generator) throws -> Void

    var log: WrittenLog
    var numbers: SeededNumbers
    /// What should happen next to things that are under way.
    var agenda: [Step] = []
    /// The newest key of each identity.
    var actors: [Actor]
    /// Keys that ended.
    var former: [Actor] = []
    /// The next key that nobody has had.
    var nextKey = 40
    var grants: [(id: Hash, grant: GrantIssue)] = []
    var permits: [DecisionRecord] = []
    var leases: [(id: Hash, lease: LeaseRecord)] = []
    var executions: [(id: ExecutionID, subject: String)] = []
    var models: [ModelVersion] = []
    var drafts: [Policy] = []
    var peers = [PeerLog(0), PeerLog(1)]
    var nonces: UInt64 = 0

    init(seed: UInt64) throws {
        numbers = SeededNumbers(seed: seed)
        let policy = try Cast.policy(&numbers)
        log = try WrittenLog(
            name: "\(seed)", policy: policy, authority: Cast.signingKey(4), time: Cast.time)
        actors = Cast.roles.indices.map(Cast.identity)
    }

    // MARK: Chance

    mutating func number(_ limit: Int) -> Int { Int.random(in: 0..<max(1, limit), using: &numbers) }

    /// True once in so many times.
    mutating func once(in odds: Int) -> Bool { number(odds) == 0 }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[number(elements.count)] }

    mutating func hash() -> Hash { Hash.sha256((0..<8).map { _ in UInt8(truncatingIfNeeded: numbers.next()) }) }

    // MARK: People

    /// One of the identities with these names; now and then anybody.
    mutating func someone(_ names: String...) -> Actor {
        if once(in: 25) { return anybody() }
        let name = pick(names)
        if name == "authority" { return authority() }
        return actors.last { $0.issuer.hasSuffix("/" + name) } ?? actors[0]
    }

    mutating func anybody() -> Actor {
        switch number(4) {
        case 0: authority()
        case 1: former.isEmpty ? Cast.authority(9) : pick(former)
        default: pick(actors)
        }
    }

    /// Mostly one that the policy names.
    mutating func authority() -> Actor {
        let named = log.policy.authorities
        guard !once(in: 12) else { return Cast.authority(4 + number(5)) }
        let key = pick(named)
        return Actor(issuer: KeyDirectory.authorityIssuer(COSEKey(key)), key: key)
    }

    mutating func runtime() -> Actor { someone("runtime0", "runtime1", "runtime2", "operator2") }

    mutating func freshKey() -> Ed25519.PublicKey {
        if once(in: 10) || nextKey >= 200 { return Cast.keys[once(in: 3) ? 240 + number(14) : 1 + number(90)] }
        nextKey += 1
        return Cast.keys[nextKey]
    }

    // MARK: Steps

    mutating func step() throws {
        if once(in: 9) {
            if once(in: 4) { try refusals() }
            log.seal(later: pick([0, 1, 20, 100, 100, 400, 2500, 61_000]))
        }
        if !agenda.isEmpty && number(10) < 7 {
            let step = agenda.remove(at: number(agenda.count))
            return try step(&self)
        }
        switch number(100) {
        case 0..<14: try issueGrant()
        case 14..<20: try handOn()
        case 20..<23: try revokeGrant()
        case 23..<45: try permit()
        case 45..<50: try lease()
        case 50..<54: try start(pick(permits + [unknownPermit()]))
        case 54..<58: try goOn()
        case 58..<60: try contain(decided: true)
        case 60..<67: try contain(decided: false)
        case 67..<72: try model()
        case 72..<77: try runtimeReport()
        case 77..<84: try identity()
        case 84..<90: try peerOrRoute()
        case 90..<93: try policy()
        case 93: try logItself()
        default: try other()
        }
    }

    /// Puts what follows on the agenda, unless the log has enough under way.
    mutating func later(_ step: @escaping Step) {
        if agenda.count > 40 { agenda.removeFirst() }
        agenda.append(step)
    }

    @discardableResult
    mutating func attempt(_ data: some StatementData, by actor: Actor) throws -> Hash? {
        try attempt(type(of: data).type.rawValue, data.cbor, by: actor)
    }

    /// The leaf hash if it was admitted as it is.
    @discardableResult
    mutating func attempt(_ type: String, _ data: CBOR, by actor: Actor) throws -> Hash? {
        var candidate = Candidate(type: type, data: data, actor: actor, time: log.now)
        candidate.stream = once(in: 15) ? "side\(number(3))" : "main"
        let isSpoilt = once(in: 7)
        if isSpoilt { try spoil(&candidate) }
        let (refusal, hash) = try log.attempt(candidate.statement(in: log))
        return refusal == nil && !isSpoilt ? hash : nil
    }
}
