import COSE
import Governance
import LogEngine
import LogStore
import Logging
import Synchronization
import Tlog

/// A log's keys, one authority, two issuers, and the policy that names them.
struct TestDomain {
    static let origin = "log.example/test"

    let keys = LogKeys(checkpoint: .generate(), receipt: .generate(), statement: .generate())
    let authority = Ed25519.SigningKey.generate()
    let issuer = "spiffe://example.org/runtime/1"
    let issuerKey = Ed25519.SigningKey.generate()
    let otherIssuer = "spiffe://example.org/runtime/2"
    let otherKey = Ed25519.SigningKey.generate()

    let clock = TestClock()
    let policy: Policy
    let genesis: SignedStatement

    init(
        contentTypes: [String] = ["text/plain"], limits: PolicyLimits = PolicyLimits(),
        rates: PolicyRates = PolicyRates(perIssuer: Rate(perSecond: 1_000_000, burst: 1_000_000))
    ) throws {
        policy = try Policy(
            origin: try Origin(Self.origin),
            logKeys: LogPublicKeys(
                checkpoint: keys.checkpoint.publicKey, receipt: keys.receipt.publicKey,
                statement: keys.statement.publicKey),
            authorities: [authority.publicKey], threshold: 1,
            issuers: [
                EnrolledIssuer(issuer: issuer, key: issuerKey.publicKey, roles: [.runtime]),
                EnrolledIssuer(issuer: otherIssuer, key: otherKey.publicKey, roles: [.runtime]),
            ],
            contentTypes: contentTypes, limits: limits, rates: rates, allowUnwitnessed: true)
        genesis = try Genesis.statement(
            policy: policy, authority: authority, issuer: "https://example.org/authority", time: clock.now())
    }

    func create(_ store: any LogStore, _ anchor: any Anchor) throws {
        try Log.create(store: store, genesis: genesis, keys: keys, anchor: anchor, clock: clock)
    }

    func open(
        _ store: any LogStore, _ anchor: any Anchor, options: EngineOptions = EngineOptions(),
        onStop: @escaping @Sendable (StopReason) -> Void = { _ in }
    ) throws -> Log {
        try Log.open(
            store: store, keys: keys, anchor: anchor, options: options, clock: clock, logger: .silent, onStop: onStop)
    }

    /// Opens a log that has witnesses, impatient ones unless told otherwise.
    func open(
        _ store: any LogStore, _ anchor: any Anchor, options: EngineOptions = EngineOptions(),
        witnesses: FakeWitnesses, change: (inout Witnessing) -> Void = { _ in }, logger: Logger = .silent,
        onStop: @escaping @Sendable (StopReason) -> Void = { _ in }
    ) async throws -> Log {
        var witnessing = try witnesses.witnessing
        change(&witnessing)
        return try await Log.open(
            store: store, keys: keys, anchor: anchor, options: options, witnessing: witnessing, clock: clock,
            logger: logger, onStop: onStop)
    }

    /// A new log in memory, open.
    func log(
        store: any LogStore = MemoryLogStore(), anchor: any Anchor = MemoryAnchor(),
        options: EngineOptions = EngineOptions()
    ) throws -> Log {
        try create(store, anchor)
        return try open(store, anchor, options: options)
    }

    /// Opaque evidence that differs for each number.
    func evidence(_ number: Int, key: Ed25519.SigningKey? = nil, contentType: String = "text/plain") throws -> [UInt8] {
        try SignedStatement.sign(
            payload: Array("evidence \(number)".utf8), contentType: contentType, issuer: issuer,
            subject: "subject", key: key ?? issuerKey
        ).entryBytes
    }

    func author(_ stream: String) -> StreamAuthor {
        StreamAuthor(issuer: issuer, key: issuerKey, stream: stream, clock: clock)
    }

    /// Throws unless the registration proves itself: by receipt, by checkpoint, by tlog-proof.
    func verify(_ registration: Registration, of entry: [UInt8]) throws {
        let leafHash = Hash.leaf(entry)
        let head = registration.head.treeHead
        guard registration.leafHash == leafHash else { throw TestFailure("another leaf hash") }
        try registration.proof.verify(leafHash: leafHash, root: head.root)
        let receipt = try Receipt(decoding: registration.receipt().encoded())
        guard try receipt.verify(leafHash: leafHash, key: keys.receipt.publicKey) == head else {
            throw TestFailure("the receipt is for another head")
        }
        let proof = try TlogProof(parsing: registration.tlogProof().bytes)
        let logKey = VerifierKey.ed25519(name: policy.origin.keyName, publicKey: keys.checkpoint.publicKey)
        try proof.checkpoint.verify(logKey: logKey)
        guard proof.index == registration.index, proof.checkpoint.checkpoint.treeHead == head else {
            throw TestFailure("the tlog-proof is for another entry or head")
        }
    }
}

struct TestFailure: Error {
    let what: String

    init(_ what: String) { self.what = what }
}

/// Writes the statements of one stream, each naming the one before it.
struct StreamAuthor {
    let issuer: String
    let key: Ed25519.SigningKey
    let stream: String
    let clock: TestClock
    var seq: UInt64 = 0
    var prev: Hash?

    mutating func next(type: String = "test.event", data: CBOR = .null) throws -> [UInt8] {
        let event = try Event(type: type, stream: stream, seq: seq, prev: prev, time: clock.now(), data: data)
        let statement = try SignedStatement.sign(
            payload: event.encoded(), contentType: Event.contentType, issuer: issuer, subject: "subject", key: key)
        seq += 1
        prev = statement.leafHash
        return statement.entryBytes
    }

    mutating func next(_ count: Int) throws -> [[UInt8]] {
        try (0..<count).map { _ in try next() }
    }
}

/// A clock that stands still until it is set.
final class TestClock: WallClock {
    private let time = Mutex<UInt64>(1_700_000_000_000)

    func now() -> UInt64 { time.withLock { $0 } }

    func advance(by milliseconds: Int64) {
        time.withLock { $0 = UInt64(Int64($0) + milliseconds) }
    }
}

extension Log {
    /// Registers one statement.
    func submit(_ statement: [UInt8], timeout: Duration? = nil) async -> Result<Registration, Rejection> {
        await submit([statement], timeout: timeout)[0]
    }
}

extension Result {
    var failure: Failure? {
        if case .failure(let failure) = self { failure } else { nil }
    }
}

/// Folds all published entries of a log by the independent reader that verifiers use.
func replay(_ log: Log) throws -> LogReplay {
    try log.read { snapshot, head in try replayed(snapshot, head) }
}

func replayed(_ snapshot: any LogSnapshot, _ head: PublishedHead) throws -> LogReplay {
    try replayed(snapshot, upTo: head.size)
}

/// Folds the entries below a sealed size.
func replayed(_ snapshot: any LogSnapshot, upTo size: UInt64) throws -> LogReplay {
    var replay = LogReplay()
    for entry in try snapshot.entries(0..<size) { try replay.append(entry) }
    try replay.finish()
    return replay
}

extension Logger {
    static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}
