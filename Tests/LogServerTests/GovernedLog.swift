import COSE
import Governance
import HTTPTypes
import HummingbirdTesting
import LogEngine
import Tlog

@testable import LogServer

/// Somebody who signs statements, in one stream.
struct Actor: Sendable {
    let issuer: String
    let key: Ed25519.SigningKey
    let roles: [Role]

    init(_ name: String, _ seed: UInt8, _ roles: [Role]) {
        issuer = "spiffe://example.org/" + name
        key = Self.key(seed)
        self.roles = roles
    }

    private init(authority key: Ed25519.SigningKey) {
        issuer = KeyDirectory.authorityIssuer(COSEKey(key.publicKey))
        self.key = key
        roles = []
    }

    // `try!`: a seed of 32 bytes always makes a key.
    static func key(_ seed: UInt8) -> Ed25519.SigningKey { try! TestLog.key(seed) }

    var keyID: Hash { COSEKey(key.publicKey).thumbprint }

    static let authority = Actor(authority: key(4))
    static let second = Actor(authority: key(6))
    static let olga = Actor("operator/olga", 20, [.operator])
    static let rita = Actor("registrar/rita", 21, [.registrar])
    static let gus = Actor("gate/gus", 22, [.gate])
    static let ron = Actor("runtime/ron", 23, [.runtime])
}

/// A log in which things are governed: whatever is said in it is admitted.
struct GovernedLog {
    static let origin = "log.example/test"

    private(set) var test: TestLog
    private var links: [String: (seq: UInt64, prev: Hash)] = [:]
    private var nonces: UInt8 = 0

    init(secondAuthority: Bool = false, retainedSeals: Int = 10_000) throws {
        test = try TestLog(
            issuers: [.olga, .rita, .gus, .ron].map { (actor: Actor) in
                EnrolledIssuer(issuer: actor.issuer, key: actor.key.publicKey, roles: actor.roles)
            }, secondAuthority: secondAuthority ? Actor.second.key.publicKey : nil, retainedSeals: retainedSeals)
    }

    var size: UInt64 { test.log.published.size }

    // MARK: Saying

    /// The next statement of an actor.
    mutating func statement(_ type: String, _ data: CBOR, by actor: Actor) throws -> SignedStatement {
        let link = links[actor.issuer]
        let event = try Event(
            type: type, stream: "main", seq: link.map { $0.seq + 1 } ?? 0, prev: link?.prev, time: test.clock.now(),
            data: data)
        let statement = try SignedStatement.sign(
            payload: event.encoded(), contentType: Event.contentType, issuer: actor.issuer, subject: "test",
            key: actor.key)
        links[actor.issuer] = (event.seq, statement.leafHash)
        return statement
    }

    /// Registers statements as one batch, and is surprised if any is refused.
    @discardableResult
    func register(_ statements: [SignedStatement]) async throws -> [Registration] {
        try await test.log.submit(statements.map(\.entryBytes)).map { try $0.get() }
    }

    /// Registers one statement.
    @discardableResult
    mutating func add(_ data: some StatementData, by actor: Actor) async throws -> Hash {
        let statement = try statement(type(of: data).type.rawValue, data.cbor, by: actor)
        return try await register([statement])[0].leafHash
    }

    /// A grant to the runtime.
    static func grant(
        _ conditions: GrantConditions = GrantConditions(), subject: Actor = .ron, delegations: UInt64 = 0,
        parent: Hash? = nil
    ) -> GrantIssue {
        GrantIssue(
            subject: subject.issuer, actions: [GrantPattern("sort")!], resources: [GrantPattern("inbox/*")!],
            conditions: conditions, delegations: delegations, parent: parent)
    }

    static func id(_ name: String) -> ExecutionID { ExecutionID(home: origin, id: name) }

    /// A permit under a grant and the start of an execution that uses it.
    mutating func starting(
        _ name: String, _ grant: Hash, parents: [ExecutionID] = [], model: ModelVersion? = nil
    ) throws -> [SignedStatement] {
        nonces += 1
        let nonce = [UInt8](repeating: nonces, count: 16)
        var permit = DecisionRecord(
            request: .zero, nonce: nonce, head: test.log.published.treeHead, expires: test.clock.now() + 1000,
            outcome: .permit, access: Access(subject: Actor.ron.issuer, action: "sort", resource: "inbox/1"),
            reliesOn: [.grant(grant)], grant: grant)
        permit.model = model
        permit.purpose = model == nil ? nil : "mail"
        let start = ExecutionStart(
            execution: Self.id(name), permission: .permit(nonce), parents: parents, model: model, input: .zero)
        return [
            try statement("decision.record", permit.cbor, by: .gus),
            try statement("execution.start", start.cbor, by: .ron),
        ]
    }

    /// Starts an execution under a grant.
    mutating func start(
        _ name: String, _ grant: Hash, parents: [ExecutionID] = [], model: ModelVersion? = nil
    ) async throws {
        try await register(starting(name, grant, parents: parents, model: model))
    }

    /// The same log, in which what is said from here on is committed and not published.
    func losingItsQuorum() async throws -> GovernedLog {
        var log = self
        log.test = try await test.losingItsQuorum()
        return log
    }

    // MARK: Asking

    func get(_ uri: String, _ headers: HTTPFields = [:]) async throws -> TestResponse {
        try await test.get(uri, headers)
    }

    /// The answer as JSON; `.null` if it is none.
    func json(_ uri: String) async throws -> JSON {
        try await get(uri).json ?? .null
    }

    /// The items of a list, page after page.
    func items(_ uri: String) async throws -> [JSON] {
        var items: [JSON] = []
        var next: String? = uri
        while let uri = next {
            let page = try await json(uri)
            items += page["items"]?.arrayValue ?? []
            next = page["next"]?.stringValue
        }
        return items
    }
}

extension ExecutionID {
    /// The address of the execution.
    var path: String { "/executions/\(home.replacing("/", with: "%2F"))/\(id)" }
}

extension JSON {
    /// The value that a path of members leads to.
    func at(_ names: String...) -> JSON? {
        names.reduce(self) { value, name in value?[name] }
    }
}
