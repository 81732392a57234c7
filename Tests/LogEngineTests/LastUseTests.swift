import COSE
import Governance
import LMDBLogStore
import LogEngine
import LogStore
import Testing
import Tlog

/// What many want and one gets, where the order of the log is what decides.
@Suite("Races for a grant", .timeLimit(.minutes(2)))
struct LastUseTests {
    /// A domain in which a gate has permitted more starts than the grant has uses.
    private struct Contest {
        let domain: TestDomain
        let log: Log
        let grant: Hash
        let rivals: Int
        /// The authority's statements.
        var authority: StreamAuthor

        init(store: any LogStore, anchor: any Anchor, uses: UInt64, rivals: Int) async throws {
            domain = try TestDomain()
            log = try domain.log(store: store, anchor: anchor)
            self.rivals = rivals
            let key = domain.authority
            authority = StreamAuthor(
                issuer: KeyDirectory.authorityIssuer(COSEKey(key.publicKey)), key: key, stream: "main",
                clock: domain.clock)
            let gateKey = Ed25519.SigningKey.generate()
            let enrol = IdentityEnroll(issuer: "spiffe://example.org/gate", key: gateKey.publicKey, roles: [.gate])
            let issue = GrantIssue(
                subject: domain.issuer, actions: [try #require(GrantPattern("sort"))],
                resources: [try #require(GrantPattern("*"))], conditions: GrantConditions(uses: uses))
            _ = try await log.submit(authority.next(enrol)).get()
            grant = try await log.submit(authority.next(issue)).get().leafHash
            var gate = StreamAuthor(
                issuer: "spiffe://example.org/gate", key: gateKey, stream: "main", clock: domain.clock)
            let head = log.published.treeHead
            for number in 0..<rivals {
                let permit = DecisionRecord(
                    request: .zero, nonce: Self.nonce(number), head: head, expires: domain.clock.now() + 1000,
                    outcome: .permit, access: Access(subject: domain.issuer, action: "sort", resource: "inbox"),
                    reliesOn: [.grant(grant)], grant: grant)
                _ = try await log.submit(gate.next(permit)).get()
            }
        }

        static func nonce(_ number: Int) -> [UInt8] { [UInt8](repeating: UInt8(number), count: 16) }

        /// A start under the permit of this number, in a stream of its own.
        func start(_ number: Int) throws -> [UInt8] {
            var author = domain.author("rival \(number)")
            return try author.next(
                ExecutionStart(
                    execution: ExecutionID(home: TestDomain.origin, id: "run \(number)"),
                    permission: .permit(Self.nonce(number)), input: .zero))
        }

        func startAll() async throws -> [Result<Registration, Rejection>] {
            try await withThrowingTaskGroup(of: Result<Registration, Rejection>.self) { group in
                for number in 0..<rivals {
                    let statement = try start(number)
                    group.addTask { await log.submit(statement) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
        }
    }

    @Test("of many starts at once under a grant with three uses, three are admitted, and a restart finds three used")
    func lastUse() async throws {
        let scratch = try Scratch()
        let anchor = try FileAnchor(path: scratch.file("anchor"))
        let store = TestStore(try LMDBLogStore(directory: scratch.file("log")))
        let contest = try await Contest(store: store, anchor: anchor, uses: 3, rivals: 24)
        let results = try await contest.startAll()
        #expect(results.count { $0.failure == nil } == 3)
        for rejection in results.compactMap(\.failure) {
            #expect(rejection.code == .notAllowed && rejection.detail.contains("uses"))
        }
        let replayed = try replay(contest.log)
        let used = replayed.state.value(.uses(contest.grant)).flatMap { try? UsesRecord(decoding: $0) }
        #expect(used?.used == 3)
        await contest.log.shutdown()
        let again = try contest.domain.open(store, try FileAnchor(path: scratch.file("anchor")))
        #expect(try again.stateProof(.uses(contest.grant)).value == used?.encoded())
        #expect(await again.submit(try contest.start(30)).failure?.code == .notAllowed)
        await again.shutdown()
    }

    @Test("a revocation among the starts wins or loses by the order of the log alone")
    func revocation() async throws {
        var contest = try await Contest(store: TestStore(), anchor: MemoryAnchor(), uses: 1000, rivals: 24)
        let revocation = try contest.authority.next(GrantRevoke(grant: contest.grant, reason: "x"))
        let log = contest.log
        async let revoked = log.submit(revocation)
        let results = try await contest.startAll()
        let index = try await revoked.get().index
        for result in results {
            switch result {
            case .success(let registration): #expect(registration.index < index)
            case .failure(let rejection): #expect(rejection.detail.contains("revoked"))
            }
        }
        _ = try replay(contest.log)
        await contest.log.shutdown()
    }
}

extension StreamAuthor {
    fileprivate mutating func next(_ data: some StatementData) throws -> [UInt8] {
        try next(type: type(of: data).type.rawValue, data: data.cbor)
    }
}
