import COSE
import Governance
import Tlog

/// Keys that are the same in every run.
enum TestKeys {
    static func key(_ number: UInt8) -> Ed25519.SigningKey {
        do {
            return try Ed25519.SigningKey(seed: [UInt8](repeating: number, count: 32))
        } catch {
            preconditionFailure("a seed of 32 bytes is a key: \(error)")
        }
    }

    static let checkpoint = key(1)
    static let receipt = key(2)
    static let statement = key(3)
    static let authority = key(4)
    static let secondAuthority = key(5)
    static let alice = key(6)
    static let bob = key(7)
    static let stranger = key(8)
}

let authorityURI = "spiffe://example.org/authority"
let aliceURI = "spiffe://example.org/alice"
let bobURI = "spiffe://example.org/bob"
let testTime: UInt64 = 1_790_000_000_000

func testPolicy(
    contentTypes: [String] = ["application/json"], limits: PolicyLimits = PolicyLimits(maxSkew: 60_000, maxBatch: 8)
) throws -> Policy {
    try Policy(
        origin: Origin("log.example.org/test"),
        logKeys: LogPublicKeys(
            checkpoint: TestKeys.checkpoint.publicKey, receipt: TestKeys.receipt.publicKey,
            statement: TestKeys.statement.publicKey),
        authorities: [TestKeys.authority.publicKey, TestKeys.secondAuthority.publicKey], threshold: 2,
        issuers: [
            EnrolledIssuer(issuer: aliceURI, key: TestKeys.alice.publicKey, roles: [.operator, .runtime]),
            EnrolledIssuer(issuer: bobURI, key: TestKeys.bob.publicKey, roles: []),
        ],
        contentTypes: contentTypes, limits: limits)
}

func testGenesis(_ policy: Policy) throws -> SignedStatement {
    try Genesis.statement(policy: policy, authority: TestKeys.authority, issuer: authorityURI, time: testTime)
}

/// A statement with this event, by default alice's.
func signed(
    _ event: Event, by key: Ed25519.SigningKey = TestKeys.alice, issuer: String = aliceURI
) throws -> SignedStatement {
    try SignedStatement.sign(
        payload: event.encoded(), contentType: Event.contentType, issuer: issuer, subject: "urn:test", key: key)
}

func heartbeat(
    _ seq: UInt64 = 0, _ prev: Hash? = nil, stream: String = "runtime-1", type: String = "test.beat",
    time: UInt64 = testTime, data: CBOR = ["load": 1]
) throws -> Event {
    try Event(type: type, stream: stream, seq: seq, prev: prev, time: time, data: data)
}

/// A log as an honest writer makes it: statements are admitted, batches sealed.
struct TestLog {
    private(set) var entries: [SignedStatement] = []
    private(set) var state = MemoryState()
    private(set) var map = MerkleMap()
    private(set) var rules: Rules
    private(set) var lastSeal: (seal: Seal, leafHash: Hash)?
    private var pending: [SignedStatement]

    init(policy: Policy) throws {
        let genesis = try testGenesis(policy)
        rules = Rules(PolicyRecord(policy: policy, index: 0))
        pending = [genesis]
    }

    mutating func add(_ statement: SignedStatement) {
        pending.append(statement)
    }

    /// Adds the next event of alice's stream.
    mutating func addHeartbeat(
        stream: String = "runtime-1", time: UInt64 = testTime, data: CBOR = ["load": 1]
    ) throws {
        var links: [SignedStatement] = []
        for statement in entries + pending where statement.header.issuer == aliceURI {
            if let event = try? Event(decoding: statement.payload), event.stream == stream { links.append(statement) }
        }
        let event = try heartbeat(UInt64(links.count), links.last?.leafHash, stream: stream, time: time)
        add(try signed(event))
    }

    /// The fold over what was added since the last seal.
    func fold(batchTime: UInt64) throws -> GovernanceState<MemoryState> {
        var statements = pending[...]
        var fold: GovernanceState<MemoryState>
        if entries.isEmpty, let genesis = statements.popFirst() {
            fold = try GovernanceState(base: state, genesis: genesis)
        } else {
            fold = GovernanceState(base: state, rules: rules)
        }
        for (position, statement) in statements.enumerated() {
            let index = UInt64(entries.count + statements.startIndex + position)
            try fold.admit(statement, index: index, batchTime: batchTime)
        }
        return fold
    }

    /// The seal that comes next, without adding it.
    func nextSeal(time: UInt64) throws -> Seal {
        var map = map
        map.apply(try fold(batchTime: time).changes)
        return Seal(
            time: time, statements: UInt64(pending.count), stateRoot: map.root,
            seq: lastSeal.map { $0.seal.seq + 1 } ?? 0, prev: lastSeal?.leafHash)
    }

    mutating func seal(time: UInt64 = testTime) throws {
        let seal = try nextSeal(time: time)
        let changes = try fold(batchTime: time).changes
        state.apply(changes)
        map.apply(changes)
        let statement = seal.statement(origin: rules.policy.origin, key: TestKeys.statement)
        entries += pending + [statement]
        pending = []
        lastSeal = (seal, statement.leafHash)
    }

    /// The entries with those of the batch that is still open, and after them this one.
    func bytes(endingWith last: SignedStatement? = nil) -> [[UInt8]] {
        (entries + pending + (last.map { [$0] } ?? [])).map(\.entryBytes)
    }
}

/// A generator of numbers that a seed fixes (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func hash() -> Hash {
        Hash.sha256((0..<8).map { _ in UInt8(truncatingIfNeeded: next()) })
    }
}
