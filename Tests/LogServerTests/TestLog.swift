import COSE
import Governance
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import LogEngine
import LogStore
import Logging
import NIOCore
import Synchronization
import Tlog

@testable import LogServer

/// A clock that tests set.
final class TestClock: WallClock {
    private let time: Mutex<UInt64>

    init(_ time: UInt64 = 1_800_000_000_000) {
        self.time = Mutex(time)
    }

    func now() -> UInt64 { time.withLock { $0 } }
    func set(_ time: UInt64) { self.time.withLock { $0 = time } }
}

/// A real log in memory, with one enrolled issuer, and a server on it.
struct TestLog {
    static let issuer = "https://issuer.example/ci"

    private(set) var log: Log
    /// A log that was open on the same store before. It closes the store when it goes.
    private var before: Log?
    let store: TestStore
    let clock: TestClock
    let keys: LogKeys
    let policy: Policy
    let genesis: SignedStatement
    // `try!`: a seed of 32 bytes always makes a key.
    let issuerKey = try! Ed25519.SigningKey(seed: Array(repeating: 5, count: 32))
    var options = ServerOptions()

    init(
        contentTypes: [String] = ["text/plain", "hash-envelope"], limits: PolicyLimits = PolicyLimits(),
        rates: PolicyRates = PolicyRates(), engine: EngineOptions = EngineOptions(),
        issuers: [EnrolledIssuer] = [], secondAuthority: Ed25519.PublicKey? = nil, retainedSeals: Int = 10_000
    ) throws {
        store = TestStore(retainedSeals: retainedSeals)
        clock = TestClock()
        keys = LogKeys(checkpoint: try Self.key(1), receipt: try Self.key(2), statement: try Self.key(3))
        let authority = try Self.key(4)
        policy = try Policy(
            origin: Origin("log.example/test"),
            logKeys: LogPublicKeys(
                checkpoint: keys.checkpoint.publicKey, receipt: keys.receipt.publicKey,
                statement: keys.statement.publicKey),
            authorities: [authority.publicKey] + (secondAuthority.map { [$0] } ?? []),
            threshold: secondAuthority == nil ? 1 : 2,
            issuers: [EnrolledIssuer(issuer: Self.issuer, key: issuerKey.publicKey, roles: [.runtime])] + issuers,
            contentTypes: contentTypes, limits: limits, rates: rates, allowUnwitnessed: true)
        genesis = try Genesis.statement(
            policy: policy, authority: authority, issuer: "https://authority.example", time: clock.now())
        let anchor = MemoryAnchor()
        try Log.create(store: store, genesis: genesis, keys: keys, anchor: anchor, clock: clock)
        log = try Log.open(
            store: store, keys: keys, anchor: anchor, options: engine, clock: clock, logger: Self.logger)
    }

    /// The same log with one witness, whose first answer is its last.
    func losingItsQuorum() async throws -> TestLog {
        var log = self
        log.before = self.log
        let head = try store.read { try $0.head.treeHead }
        var witnessing = try OneAnswer().witnessing
        // A first answer that came too late would be asked for again, and both would count.
        witnessing.timeout = .seconds(60)
        witnessing.retry = .milliseconds(10)...(.milliseconds(20))
        log.log = try await Log.open(
            store: store, keys: keys, anchor: MemoryAnchor(head), witnessing: witnessing, clock: clock,
            logger: Self.logger)
        return log
    }

    /// The same log started again, waiting for its witness.
    ///
    /// - Parameter checkpoint: what was published before, if anything is kept.
    func awaitingQuorum(_ witness: OneAnswer, kept checkpoint: SignedCheckpoint?) throws -> TestLog {
        var log = self
        log.before = self.log
        let head = try store.read { try $0.head }
        if let checkpoint {
            try store.commit(
                .checkpointOnly(size: checkpoint.checkpoint.size, bytes: checkpoint.bytes, head: head),
                expecting: head.treeHead)
        }
        log.log = try Log.begin(
            store: store, keys: keys, anchor: MemoryAnchor(head.treeHead), witnessing: witness.witnessing, clock: clock,
            logger: Self.logger)
        return log
    }

    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    static func key(_ seed: UInt8) throws -> Ed25519.SigningKey {
        try Ed25519.SigningKey(seed: Array(repeating: seed, count: 32))
    }

    // MARK: Statements

    /// Opaque evidence.
    func evidence(
        _ text: String, contentType: String = "text/plain", key: Ed25519.SigningKey? = nil
    ) throws -> SignedStatement {
        try SignedStatement.sign(
            payload: Array(text.utf8), contentType: contentType, issuer: Self.issuer, subject: "test",
            key: key ?? issuerKey)
    }

    func event(_ stream: String, seq: UInt64, prev: Hash?, time: UInt64? = nil) throws -> SignedStatement {
        let event = try Event(
            type: "build.done", stream: stream, seq: seq, prev: prev, time: time ?? clock.now(), data: ["n": 1])
        return try SignedStatement.sign(
            payload: event.encoded(), contentType: Event.contentType, issuer: Self.issuer, subject: "test",
            key: issuerKey)
    }

    // MARK: Asking

    func ask<Value>(_ body: @Sendable (any TestClientProtocol) async throws -> Value) async throws -> Value {
        let server = try LogServer(log: log, options: options, logger: Self.logger)
        return try await server.application.test(.live, body)
    }

    func get(_ uri: String, _ headers: HTTPFields = [:], method: HTTPRequest.Method = .get) async throws -> TestResponse
    {
        try await ask { try await $0.execute(uri: uri, method: method, headers: headers) }
    }

    func post(
        _ body: [UInt8], _ contentType: String? = "application/cose", _ headers: HTTPFields = [:]
    ) async throws -> TestResponse {
        var headers = headers
        headers[.contentType] = contentType
        return try await ask { [headers] client in
            try await client.execute(uri: "/entries", method: .post, headers: headers, body: ByteBuffer(bytes: body))
        }
    }

    /// Registers so many statements, and is surprised by anything but 201.
    @discardableResult
    func fill(_ count: Int, _ name: String = "fill") async throws -> [Registration] {
        let statements = try (0..<count).map { try evidence("\(name) \($0)").entryBytes }
        return try await log.submit(statements).map { try $0.get() }
    }
}

extension TestResponse {
    var bytes: [UInt8] { Array(body.readableBytesView) }
    var text: String { String(buffer: body) }
    var mediaType: String { headers[.contentType] ?? "" }
    var cachePolicy: String { headers[.cacheControl] ?? "" }

    /// The answer read as a problem, in CBOR or JSON; nil where it is none.
    var problem: ReadProblem? {
        switch mediaType {
        case "application/concise-problem-details+cbor": ReadProblem(bytes)
        case "application/problem+json": json.flatMap(ReadProblem.init(json:))
        default: nil
        }
    }

    var json: JSON? { try? JSON(parsing: bytes) }
}

/// A problem as a client reads it, with its own decoding.
struct ReadProblem {
    let title: String
    let detail: String
    let code: String
    let fields: CBORMap

    init?(_ bytes: [UInt8]) {
        guard let map = (try? CBOR(decoding: bytes))?.mapValue, let title = map[-1]?.textValue,
            let detail = map[-2]?.textValue,
            let fields = map["urn:uuid:00df11c5-f68f-46c8-96f0-2ca36e34bde4"]?.mapValue,
            let code = fields["code"]?.textValue
        else { return nil }
        (self.title, self.detail, self.code, self.fields) = (title, detail, code, fields)
    }

    init?(json: JSON) {
        guard let title = json["title"]?.stringValue, let detail = json["detail"]?.stringValue,
            let code = json["code"]?.stringValue, let members = json.objectValue
        else { return nil }
        var fields: CBORMap = [:]
        for member in members {
            if let text = member.value.stringValue { fields[.text(member.name)] = .text(text) }
            if let number = member.value.unsignedValue { fields[.text(member.name)] = .unsigned(number) }
        }
        (self.title, self.detail, self.code, self.fields) = (title, detail, code, fields)
    }
}

/// A witness that cosigns one head, as often as it is asked.
final class OneAnswer: Cosigners {
    private let key = Ed25519.SigningKey.generate()
    /// The size of the head that it cosigns: of the first that it is asked about.
    private let size = Mutex<UInt64?>(nil)

    struct Silence: Error {}

    /// Not even one answer.
    func beSilent() { size.withLock { $0 = 0 } }

    /// The checkpoint with its cosignature.
    func cosigned(_ checkpoint: SignedCheckpoint) throws -> SignedCheckpoint {
        let name = try KeyName("w.example")
        return checkpoint.adding([
            Cosignature.sign(checkpoint.checkpoint, name: name, key: key, time: 1_700_000_000)
        ])
    }

    var witnessing: Witnessing {
        get throws {
            let vkey = VerifierKey.cosigner(name: try KeyName("w.example"), publicKey: key.publicKey)
            let policy = try TlogPolicy(parsing: Array("witness w \(vkey) https://w.example/\nquorum w\n".utf8))
            return Witnessing(policy: policy, cosigners: self)
        }
    }

    func addCheckpoint(
        _ request: AddCheckpointRequest, to witness: TlogPolicy.Witness
    ) async throws -> CosignerAnswer {
        let asked = request.checkpoint.checkpoint.size
        let cosigns = size.withLock { size in
            if size == nil { size = asked }
            return size == asked
        }
        guard cosigns else { throw Silence() }
        let line = Cosignature.sign(
            request.checkpoint.checkpoint, name: witness.key.name, key: key, time: 1_700_000_000)
        return .cosigned(AddCheckpointResponse(signatures: [line]))
    }

    func checkpoint(of origin: Origin, at witness: TlogPolicy.Witness) async throws -> SignedCheckpoint? { nil }
}
