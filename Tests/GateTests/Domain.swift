import COSE
import Foundation
import Gate
import Governance
import LogClient
import LogStore
import Logging
import Synchronization
import Testing
import Tlog
import Verification

/// The clocks of a test: nothing moves them but the test, and whoever sleeps.
final class TestTime: GateTime {
    private let times: Mutex<(wall: UInt64, elapsed: UInt64)>

    init(_ wall: UInt64 = Domain.start) { times = Mutex((wall, 50_000)) }

    func wall() -> UInt64 { times.withLock { $0.wall } }
    func elapsed() -> UInt64 { times.withLock { $0.elapsed } }

    /// Time goes on.
    func pass(_ milliseconds: UInt64) {
        times.withLock { times in
            times.wall += milliseconds
            times.elapsed += milliseconds
        }
    }

    /// Somebody sets the wall clock.
    func set(by milliseconds: Int64) {
        times.withLock { $0.wall = UInt64(Int64($0.wall) + milliseconds) }
    }

    func sleep(_ milliseconds: UInt64) async {
        pass(milliseconds)
        await Task.yield()
    }
}

/// Who acts in a domain.
enum Actor: UInt8, CaseIterable {
    case olga = 100
    case gary, greta, ron, rita

    var name: String { "spiffe://domain.test/\(self)" }
    var roles: [Role] {
        switch self {
        case .olga: [.operator]
        case .gary, .greta: [.gate]
        case .ron: [.runtime]
        case .rita: [.registrar]
        }
    }
    var key: Ed25519.SigningKey {
        get throws { try Ed25519.SigningKey(seed: [UInt8](repeating: rawValue, count: 32)) }
    }
}

/// A domain's log in memory, which admits by the rules, seals, has its heads cosigned, and answers over a transport as a
/// real one does. A test can take any of that away.
final class Domain: Transport {
    static let start: UInt64 = 1_760_000_000_000
    static let measurement: [UInt8] = [7, 7, 7]

    struct State {
        var entries: [[UInt8]] = []
        var fold: GovernanceState<MemoryState>
        var state = MemoryState()
        var map = MerkleMap()
        var seals: UInt64 = 0
        var lastSeal: Hash?
        var checkpoint: [UInt8] = []
        var head = TreeHead.empty
        /// How many witnesses answer, and whether the state witness does.
        var witnesses = 3
        var stateWitness = true
        var isDown = false
        /// What the next seal adds to the true root.
        var sealLie = false
        /// What comes into the log right before the next statement that the test names.
        var before: [(StatementType, @Sendable (Domain) throws -> Void)] = []
        /// What comes into it right after one, before anybody has read that.
        var after: [(StatementType, @Sendable (Domain) throws -> Void)] = []
        var requests: [ClientRequest] = []
        /// A head that is shown in the place of the log's own.
        var shown: [UInt8]?
    }

    let origin: Origin
    let time: TestTime
    private let state: Mutex<State>
    private static let seeds: [UInt8] = [1, 2, 3, 4]
    let policy: Policy

    static func key(_ seed: UInt8) throws -> Ed25519.SigningKey {
        try Ed25519.SigningKey(seed: [UInt8](repeating: seed, count: 32))
    }

    init(
        time: TestTime = TestTime(), governance: PolicyGovernance = PolicyGovernance(maxLease: 120_000),
        bounds: PolicyBounds = PolicyBounds(), allowUnwitnessed: Bool = false, origin: String = "domain.test/log"
    ) throws {
        self.time = time
        self.origin = try Origin(origin)
        let authority = try Self.key(4)
        policy = try Policy(
            origin: self.origin,
            logKeys: LogPublicKeys(
                checkpoint: Self.key(1).publicKey, receipt: Self.key(2).publicKey, statement: Self.key(3).publicKey),
            authorities: [authority.publicKey], threshold: 1,
            issuers: Actor.allCases.filter { $0 != .ron }.map {
                EnrolledIssuer(issuer: $0.name, key: try $0.key.publicKey, roles: $0.roles)
            }, allowUnwitnessed: allowUnwitnessed, governance: governance, bounds: bounds)
        let genesis = try Genesis.statement(
            policy: policy, authority: authority, issuer: "spiffe://domain.test/authority", time: time.wall())
        state = Mutex(State(fold: try GovernanceState(base: MemoryState(), genesis: genesis)))
        state.withLock { state in
            state.entries = [genesis.entryBytes]
            seal(&state, count: 1)
        }
        try post(
            IdentityEnroll(
                issuer: Actor.ron.name, key: try Actor.ron.key.publicKey, roles: [.runtime],
                measurements: [Self.measurement]), by: .olga)
    }

    func change(_ change: (inout sending State) -> Void) { state.withLock { change(&$0) } }
    var entries: [[UInt8]] { state.withLock(\.entries) }
    var requests: [ClientRequest] { state.withLock(\.requests) }
    var head: TreeHead { state.withLock(\.head) }

    /// The record under a key, as the log has it.
    func record<Record: StateRecord>(_ key: StateKey, _ kind: Record.Type) -> Record? {
        state.withLock { $0.state.value(key).flatMap { try? Record(decoding: $0) } }
    }

    /// The events of a type, oldest first, with their indices.
    func events(_ type: String) -> [(index: UInt64, event: Event)] {
        entries.enumerated().compactMap { index, entry in
            guard let statement = try? SignedStatement(decoding: entry),
                let event = try? Event(decoding: statement.payload), event.type == type
            else { return nil }
            return (UInt64(index), event)
        }
    }

    func data<Data: StatementData>(_ kind: Data.Type) throws -> [Data] {
        try events(Data.type.rawValue).map { try Data($0.event.data) }
    }

    // MARK: Writing

    /// Signs an event for the next place of a stream.
    func sign(_ draft: EventDraft, by actor: Actor) throws -> SignedStatement {
        let link = state.withLock { state in
            (try? state.fold.value(.stream(issuer: actor.name, stream: draft.stream))).flatMap { $0 }.flatMap {
                try? StreamLink(decoding: $0)
            }
        }
        let place = EventDraft.Place(seq: link.map { $0.seq + 1 } ?? 0, prev: link?.leafHash)
        let event = try draft.event(place: place, time: time.wall())
        return try SignedStatement.sign(
            payload: event.encoded(), contentType: Event.contentType, issuer: actor.name, subject: "test",
            key: actor.key)
    }

    /// Registers a statement, as somebody else than the gate; it is published when this returns.
    @discardableResult
    func post(_ data: some StatementData, by actor: Actor, stream: String = "test") throws -> Hash {
        let statement = try sign(EventDraft(data, stream: stream), by: actor)
        try state.withLock { state in
            try state.fold.admit(statement, index: UInt64(state.entries.count), batchTime: time.wall())
            state.entries.append(statement.entryBytes)
            seal(&state, count: 1)
        }
        return statement.leafHash
    }

    /// The same by another than the actors.
    func post(_ data: some StatementData, issuer: String, key: Ed25519.SigningKey) throws {
        let event = try EventDraft(data, stream: "other").event(
            place: EventDraft.Place(seq: 0, prev: nil), time: time.wall())
        let statement = try SignedStatement.sign(
            payload: event.encoded(), contentType: Event.contentType, issuer: issuer, subject: "test", key: key)
        try state.withLock { state in
            try state.fold.admit(statement, index: UInt64(state.entries.count), batchTime: time.wall())
            state.entries.append(statement.entryBytes)
            seal(&state, count: 1)
        }
    }

    // MARK: What it shows

    func checkpoint() throws -> [UInt8] { state.withLock(\.checkpoint) }

    func tiles() -> [TileCoordinate: [UInt8]] { tiles(entries).tiles }

    /// What it answers about a key of its state, under its newest head.
    func proof(of key: StateKey) throws -> StateProof {
        try state.withLock { state in
            let index = UInt64(state.entries.count - 1)
            let path = try ProofPlan.inclusion(index: index, size: index + 1).hashes(in: tiles(state.entries).tiles)
            return StateProof(
                key: key, value: state.state.value(key), proof: state.map.proof(key.mapKey),
                seal: state.entries[Int(index)], index: index, path: path, checkpoint: state.checkpoint)
        }
    }

    // MARK: More writing

    /// An event that no rule is about.
    func note() throws {
        let statement = try sign(EventDraft(type: "test.note", stream: "notes", data: .null), by: .olga)
        try state.withLock { state in
            try state.fold.admit(statement, index: UInt64(state.entries.count), batchTime: time.wall())
            state.entries.append(statement.entryBytes)
            seal(&state, count: 1)
        }
    }

    private func seal(_ state: inout State, count: UInt64) {
        state.map.apply(state.fold.changes)
        state.state.apply(state.fold.changes)
        guard let key = try? Self.key(3) else { return }
        let root = state.sealLie ? Hash.sha256(state.map.root.bytes) : state.map.root
        let seal = Seal(
            time: time.wall(), statements: count, stateRoot: root, seq: state.seals, prev: state.lastSeal)
        let statement = seal.statement(origin: origin, key: key)
        state.entries.append(statement.entryBytes)
        state.lastSeal = statement.leafHash
        state.state.keep(TreeHead(size: UInt64(state.entries.count), root: tiles(state.entries).edge.root()))
        state.fold = GovernanceState(base: state.state, rules: state.fold.rules)
        state.seals += 1
        publish(&state)
    }

    /// Has the newest tree cosigned by whoever answers, and shows it.
    func publish() { state.withLock { publish(&$0) } }

    private func publish(_ state: inout State) {
        let signed = (try? signed(state.entries, witnesses: state.witnesses, stateWitness: state.stateWitness))
        state.checkpoint = signed?.bytes ?? []
        state.head = signed?.checkpoint.treeHead ?? .empty
    }

    func signed(_ entries: [[UInt8]], witnesses: Int = 3, stateWitness: Bool = true) throws -> SignedCheckpoint {
        let head = TreeHead(size: UInt64(entries.count), root: tiles(entries).edge.root())
        let checkpoint = Checkpoint(origin: origin, head: head)
        let seconds = time.wall() / 1000
        var lines = try (0..<witnesses).map { number in
            Cosignature.sign(
                checkpoint, name: try KeyName("w\(number).test"), key: try Self.key(UInt8(20 + number)), time: seconds)
        }
        if stateWitness {
            lines.append(
                Cosignature.sign(checkpoint, name: try KeyName("s.test"), key: try Self.key(30), time: seconds))
        }
        return checkpoint.signed(by: try Self.key(1)).adding(lines)
    }

    private func tiles(_ entries: [[UInt8]]) -> (edge: TileEdge, tiles: [TileCoordinate: [UInt8]]) {
        var edge = TileEdge()
        for entry in entries { edge.append(.leaf(entry)) }
        var tiles: [TileCoordinate: [UInt8]] = [:]
        for (tile, hashes) in edge.takeChangedTiles() { tiles[tile.coordinate] = hashes }
        return (edge, tiles)
    }

    // MARK: Trust

    func trust(quorum: String = "both", stateQuorum: String? = "s") throws -> TrustFile {
        var lines = try (0..<3).map { number in
            let key = VerifierKey.cosigner(
                name: try KeyName("w\(number).test"), publicKey: try Self.key(UInt8(20 + number)).publicKey)
            return "witness w\(number) \(key.text)"
        }
        let state = VerifierKey.cosigner(name: try KeyName("s.test"), publicKey: try Self.key(30).publicKey)
        lines += ["witness s \(state.text)", "group both 2 w0 w1 w2", "quorum \(quorum)"]
        if let stateQuorum { lines.append("state-quorum \(stateQuorum)") }
        return try TrustFile(genesisEntry: entries[0], policyLines: lines)
    }

    // MARK: Answers

    func send(_ request: ClientRequest) async throws(TransportError) -> ClientResponse {
        let isDown = state.withLock { state in
            state.requests.append(request)
            return state.isDown
        }
        if isDown { throw .unreachable("it is down") }
        let parts = request.path.split(separator: "/").map(String.init)
        switch (request.method, parts.first) {
        case (.post, "entries"): return register(request)
        case (.get, "checkpoint"):
            return ClientResponse(status: 200, body: state.withLock { $0.shown ?? $0.checkpoint })
        case (.get, "entries"): return statement(parts[1])
        case (.get, "streams"): return stream(parts[1], parts[2])
        case (.get, "tile"): return resource(request.path)
        default: return ClientResponse(status: 404)
        }
    }

    func shutdown() async {}

    private func register(_ request: ClientRequest) -> ClientResponse {
        let isOne = request.headers.contains { $0.value == "application/cose" }
        let ranges = isOne ? [0..<request.body.count] : (try? CBORSequence.ranges(in: request.body, count: 1000)) ?? []
        let statements = ranges.compactMap { try? SignedStatement(decoding: Array(request.body[$0])) }
        for statement in statements {
            let type = (try? Event(decoding: statement.payload)).flatMap { StatementType(rawValue: $0.type) }
            let hook = state.withLock { state -> (@Sendable (Domain) throws -> Void)? in
                guard let at = state.before.firstIndex(where: { $0.0 == type }) else { return nil }
                return state.before.remove(at: at).1
            }
            do { try hook?(self) } catch { Issue.record("\(error)") }
        }
        let outcomes = state.withLock { state -> [(Int, UInt64?, String)] in
            var outcomes: [(Int, UInt64?, String)] = []
            var count: UInt64 = 0
            for statement in statements {
                if let old = state.entries.firstIndex(of: statement.entryBytes) {
                    outcomes.append((200, UInt64(old), ""))
                    continue
                }
                do throws(AdmissionError) {
                    let index = UInt64(state.entries.count)
                    try state.fold.admit(statement, index: index, batchTime: time.wall())
                    state.entries.append(statement.entryBytes)
                    count += 1
                    outcomes.append((201, index, ""))
                } catch {
                    let code = error.reason.hasPrefix("stream") ? error.reason : "not-allowed"
                    outcomes.append((400, nil, "\(code)|\(error)"))
                }
            }
            if count > 0 { seal(&state, count: count) }
            return outcomes
        }
        for statement in statements {
            let type = (try? Event(decoding: statement.payload)).flatMap { StatementType(rawValue: $0.type) }
            let hook = state.withLock { state -> (@Sendable (Domain) throws -> Void)? in
                guard let at = state.after.firstIndex(where: { $0.0 == type }) else { return nil }
                return state.after.remove(at: at).1
            }
            do { try hook?(self) } catch { Issue.record("\(error)") }
        }
        let answers = outcomes.map { status, index, text in answer(status, index, text) }
        if isOne, let one = answers.first {
            return ClientResponse(
                status: one.0, headers: one.1.map { ["holdfast-index": String($0)] } ?? [:], body: one.2)
        }
        let items = answers.map { status, index, body -> CBOR in
            [.unsigned(UInt64(status)), index.map { .unsigned($0) } ?? .null, .bytes(body)]
        }
        return ClientResponse(status: 200, body: items.flatMap { $0.encoded() })
    }

    private func answer(_ status: Int, _ index: UInt64?, _ text: String) -> (Int, UInt64?, [UInt8]) {
        guard let index else {
            let parts = text.split(separator: "|", maxSplits: 1).map(String.init)
            let body: CBOR = [-1: "Rejected", -2: .text(parts[1]), "urn:test": ["code": .text(parts[0])]]
            return (status, nil, body.encoded())
        }
        // A real log does not answer before a quorum has cosigned.
        if state.withLock(\.witnesses) < 2 {
            let body: CBOR = [-1: "No Quorum", -2: "too few witnesses", "urn:test": ["code": "no-quorum"]]
            return (503, nil, body.encoded())
        }
        return (status, index, receipt(index))
    }

    private func receipt(_ index: UInt64) -> [UInt8] {
        let (entries, checkpoint) = state.withLock { ($0.entries, $0.checkpoint) }
        guard let signed = try? SignedCheckpoint(parsing: checkpoint), let key = try? Self.key(2),
            let plan = try? ProofPlan.inclusion(index: index, size: UInt64(entries.count)),
            let path = try? plan.hashes(in: tiles(entries).tiles)
        else { return [] }
        return SignedRoot(head: signed.checkpoint.treeHead, origin: origin, key: key, checkpoint: signed)
            .receipt(InclusionProof(index: index, size: UInt64(entries.count), path: path)).encoded()
    }

    private func statement(_ id: String) -> ClientResponse {
        let entries = entries
        let index = Hash(hex: id).map { hash in entries.firstIndex { Hash.leaf($0) == hash } } ?? Int(id)
        guard let index, entries.indices.contains(index), let found = try? SignedStatement(decoding: entries[index]),
            let receipt = try? Receipt(decoding: receipt(UInt64(index)))
        else { return ClientResponse(status: 404) }
        let transparent = TransparentStatement(statement: found, receipts: [receipt])
        return ClientResponse(status: 200, body: transparent.encoded())
    }

    private func stream(_ issuer: String, _ stream: String) -> ClientResponse {
        let issuer = issuer.removingPercentEncoding ?? issuer
        let link = state.withLock { state in
            state.state.value(.stream(issuer: issuer, stream: stream)).flatMap { try? StreamLink(decoding: $0) }
        }
        guard let link else { return ClientResponse(status: 404) }
        let json: JSON = ["seq": JSON(link.seq), "leafHash": .string(link.leafHash.hex)]
        return ClientResponse(status: 200, body: Array(json.text().utf8))
    }

    private func resource(_ path: String) -> ClientResponse {
        let entries = entries
        switch TileResource(path: path) {
        case .entries(let index, let width):
            let first = Int(index) * 256
            guard first + width <= entries.count else { return ClientResponse(status: 404) }
            return ClientResponse(status: 200, body: EntryBundle.encode(entries: Array(entries[first..<first + width])))
        case .tile(let tile):
            let content = tiles(entries).tiles[tile.coordinate] ?? []
            return ClientResponse(status: 200, body: Array(content.prefix(tile.byteCount)))
        case nil:
            return ClientResponse(status: 404)
        }
    }
}
