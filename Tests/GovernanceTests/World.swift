import COSE
import Governance
import Tlog

/// Somebody who signs statements.
struct Actor {
    let issuer: String
    let key: Ed25519.SigningKey

    var keyID: Hash { COSEKey(key.publicKey).thumbprint }

    init(_ name: String, _ seed: UInt8) {
        issuer = "spiffe://example.org/" + name
        key = TestKeys.key(seed)
    }

    private init(issuer: String, key: Ed25519.SigningKey) {
        self.issuer = issuer
        self.key = key
    }

    static func authority(_ seed: UInt8) -> Actor {
        let key = TestKeys.key(seed)
        return Actor(issuer: KeyDirectory.authorityIssuer(COSEKey(key.publicKey)), key: key)
    }

    /// The same issuer with another key.
    func with(key seed: UInt8) -> Actor { Actor(issuer: issuer, key: TestKeys.key(seed)) }

    static let first = authority(4)
    static let second = authority(5)
    static let third = authority(9)
    static let olga = Actor("operator/olga", 20)
    static let rita = Actor("registrar/rita", 21)
    static let gus = Actor("gate/gus", 22)
    static let ron = Actor("runtime/ron", 23)
    static let rob = Actor("runtime/rob", 24)
    static let otto = Actor("observer/otto", 25)
    static let nobody = Actor("nobody", 26)
}

/// A domain with two of three authorities, and one identity for each role.
func worldPolicy(
    governance: PolicyGovernance? = nil, previous: Hash? = nil, extra: [EnrolledIssuer] = [],
    without: [Actor] = [], maxSkew: UInt64 = 60_000_000
) throws -> Policy {
    let identities: [(Actor, [Role])] = [
        (.olga, [.operator]), (.rita, [.registrar]), (.gus, [.gate]), (.ron, [.runtime]), (.rob, [.runtime]),
        (.otto, [.observer]), (.nobody, []),
    ]
    return try Policy(
        origin: Origin("log.example.org/test"),
        logKeys: LogPublicKeys(
            checkpoint: TestKeys.checkpoint.publicKey, receipt: TestKeys.receipt.publicKey,
            statement: TestKeys.statement.publicKey),
        authorities: [Actor.first, .second, .third].map(\.key.publicKey), threshold: 2,
        issuers: identities.filter { identity in !without.contains { $0.keyID == identity.0.keyID } }.map {
            EnrolledIssuer(issuer: $0.0.issuer, key: $0.0.key.publicKey, roles: $0.1)
        } + extra,
        contentTypes: ["*"], limits: PolicyLimits(maxSkew: maxSkew, maxBatch: 4096), governance: governance,
        previous: previous)
}

/// A log that statements are tried on, one after the other.
struct World {
    static let origin = "log.example.org/test"

    private(set) var base = MemoryState()
    private(set) var map = MerkleMap()
    private(set) var fold: GovernanceState<MemoryState>
    private(set) var entries: [[UInt8]]
    private(set) var roots: [Hash] = []
    private var links: [String: (seq: UInt64, prev: Hash)] = [:]
    private var frontier = Frontier()
    private var sealChain: (seq: UInt64, prev: Hash)?
    private var batchCount: UInt64 = 1
    /// The time of the batch that is open.
    private(set) var now = testTime

    init(_ policy: Policy? = nil, sealed: Bool = true) throws {
        let genesis = try testGenesis(policy ?? worldPolicy())
        fold = try GovernanceState(base: base, genesis: genesis)
        entries = [genesis.entryBytes]
        frontier.append(genesis.leafHash)
        if sealed { seal() }
    }

    var size: UInt64 { UInt64(entries.count) }
    /// The size that the newest seal ends.
    private(set) var sealedSize: UInt64 = 0
    /// The index of the entry added last.
    var last: UInt64 { size - 1 }

    private func place(_ actor: Actor) -> (seq: UInt64, prev: Hash?) {
        links[actor.issuer].map { ($0.seq + 1, $0.prev) } ?? (0, nil)
    }

    func statement(_ type: String, _ data: CBOR, by actor: Actor, time: UInt64? = nil) throws -> SignedStatement {
        let (seq, prev) = place(actor)
        let event = try Event(
            type: type, stream: "main", seq: seq, prev: prev, time: time ?? now, data: data)
        return try signed(event, by: actor.key, issuer: actor.issuer)
    }

    @discardableResult
    mutating func add(_ type: String, _ data: CBOR, by actor: Actor, time: UInt64? = nil) throws -> Hash {
        let statement = try statement(type, data, by: actor, time: time)
        let seq = place(actor).seq
        try fold.admit(statement, index: size, batchTime: now)
        entries.append(statement.entryBytes)
        frontier.append(statement.leafHash)
        links[actor.issuer] = (seq, statement.leafHash)
        batchCount += 1
        return statement.leafHash
    }

    @discardableResult
    mutating func add(_ data: some StatementData, by actor: Actor, time: UInt64? = nil) throws -> Hash {
        try add(type(of: data).type.rawValue, data.cbor, by: actor, time: time)
    }

    @discardableResult
    mutating func add(_ policy: Policy, by actor: Actor) throws -> Hash {
        try add("policy.set", policy.cbor, by: actor)
    }

    /// The log's own record of refusals.
    @discardableResult
    mutating func add(_ refusals: LogRefusals) throws -> Hash {
        let statement = refusals.statement(origin: fold.rules.policy.origin, key: TestKeys.statement)
        try fold.apply(refusals, of: statement, index: size, batchTime: now)
        entries.append(statement.entryBytes)
        frontier.append(statement.leafHash)
        batchCount += 1
        return statement.leafHash
    }

    /// Ends the batch; the next one is at `time`.
    mutating func seal(next time: UInt64? = nil, by key: Ed25519.SigningKey = TestKeys.statement) {
        let changes = fold.changes
        base.apply(changes)
        map.apply(changes)
        roots.append(map.root)
        let seal = Seal(
            time: now, statements: batchCount, stateRoot: map.root, seq: sealChain.map { $0.seq + 1 } ?? 0,
            prev: sealChain?.prev)
        let statement = seal.statement(origin: fold.rules.policy.origin, key: key)
        entries.append(statement.entryBytes)
        frontier.append(statement.leafHash)
        base.keep(frontier.treeHead)
        sealChain = (seal.seq, statement.leafHash)
        sealedSize = size
        batchCount = 0
        fold = GovernanceState(base: base, rules: fold.rules)
        now = time ?? now
    }

    /// Seals what is open and folds it all again from the entries alone.
    mutating func replayed() throws -> LogReplay {
        if batchCount > 0 { seal() }
        var replay = LogReplay()
        for entry in entries { try replay.append(entry) }
        try replay.finish()
        return replay
    }

    func record<Record: StateRecord>(_ key: StateKey, _ kind: Record.Type = Record.self) throws -> Record? {
        try fold.value(key).map(Record.init(decoding:))
    }
}

/// The rule that is broken by what the body does; nil if none.
func violation(_ body: () throws -> Void) throws -> RuleViolation? {
    do {
        try body()
        return nil
    } catch AdmissionError.rule(let violation) {
        return violation
    }
}

/// The name of the rule that is broken by what the body does, and the entry that set it.
func broken(_ body: () throws -> Void) throws -> Broken? {
    try violation(body).map { Broken($0.rule, $0.setBy) }
}

struct Broken: Equatable {
    let rule: Rule
    let setBy: UInt64?

    init(_ rule: Rule, _ setBy: UInt64?) {
        self.rule = rule
        self.setBy = setBy
    }
}
