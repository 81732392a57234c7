import COSE
import Governance
import LogClient
import Synchronization
import Tlog
import Verification

/// A log in memory that answers as a real one does, and lies where a test tells it to. It seals nothing and checks
/// nothing but streams: what is under test is what the client believes.
final class FakeLog: Transport {
    static let issuer = "spiffe://client.test/issuer"

    let origin: Origin
    let checkpointKey = Ed25519.SigningKey.generate()
    let receiptKey = Ed25519.SigningKey.generate()
    let issuerKey = Ed25519.SigningKey.generate()
    let trust: TrustFile

    struct State {
        var entries: [[UInt8]] = []
        /// What the log does to an answer before it leaves.
        var tamper: @Sendable (ClientRequest, ClientResponse) -> ClientResponse = { $1 }
        /// How the next requests fail.
        var failures: [TransportError] = []
        /// Statuses with codes for the next statements of batches; nil registers.
        var refusals: [(status: Int, code: String)?] = []
        var requests: [ClientRequest] = []
    }

    let state = Mutex(State())

    init(origin: String = "client.test/log") throws {
        self.origin = try Origin(origin)
        let authority = Ed25519.SigningKey.generate()
        let policy = try Policy(
            origin: self.origin,
            logKeys: LogPublicKeys(
                checkpoint: checkpointKey.publicKey, receipt: receiptKey.publicKey,
                statement: Ed25519.SigningKey.generate().publicKey),
            authorities: [authority.publicKey], threshold: 1,
            issuers: [EnrolledIssuer(issuer: Self.issuer, key: issuerKey.publicKey, roles: [])], contentTypes: ["*"],
            allowUnwitnessed: true)
        let genesis = try Genesis.statement(
            policy: policy, authority: authority, issuer: "spiffe://client.test/authority", time: 1)
        trust = try TrustFile(genesisEntry: genesis.entryBytes)
        state.withLock { $0.entries = [genesis.entryBytes] }
    }

    var client: LogClient {
        get throws {
            guard let url = LogURL("http://log.test") else { throw TransportError.timedOut }
            var client = LogClient(url: url, trust: trust, transport: self)
            client.retry.firstWait = .milliseconds(1)
            client.retry.longestWait = .milliseconds(5)
            return client
        }
    }

    func streamName(_ stream: String) -> StreamName {
        StreamName(
            origin: origin, issuer: Self.issuer, stream: stream, key: COSEKey(issuerKey.publicKey).thumbprint)
    }

    func event(_ seq: UInt64, after prev: Hash?, _ number: UInt64 = 0) throws -> SignedStatement {
        let event = try Event(
            type: "test.event", stream: "main", seq: seq, prev: prev, time: 1, data: .unsigned(number))
        return try SignedStatement.sign(
            payload: event.encoded(), contentType: Event.contentType, issuer: Self.issuer, subject: "test",
            key: issuerKey)
    }

    func opaque(_ number: UInt8) throws -> SignedStatement {
        try SignedStatement.sign(
            payload: [number], contentType: "application/octet-stream", issuer: Self.issuer, subject: "test",
            key: issuerKey)
    }

    var entries: [[UInt8]] { state.withLock(\.entries) }
    var requests: [ClientRequest] { state.withLock(\.requests) }

    func change(_ body: (inout sending State) -> Void) {
        state.withLock { body(&$0) }
    }

    func lie(_ tamper: @escaping @Sendable (ClientRequest, ClientResponse) -> ClientResponse) {
        state.withLock { $0.tamper = tamper }
    }

    // MARK: The tree

    func tiles(_ entries: [[UInt8]]) -> (edge: TileEdge, tiles: [TileCoordinate: [UInt8]]) {
        var edge = TileEdge()
        for entry in entries { edge.append(.leaf(entry)) }
        var tiles: [TileCoordinate: [UInt8]] = [:]
        for (tile, hashes) in edge.takeChangedTiles() { tiles[tile.coordinate] = hashes }
        return (edge, tiles)
    }

    func checkpoint(_ entries: [[UInt8]], key: Ed25519.SigningKey? = nil) -> SignedCheckpoint {
        let head = TreeHead(size: UInt64(entries.count), root: tiles(entries).edge.root())
        return Checkpoint(origin: origin, head: head).signed(by: key ?? checkpointKey)
    }

    func receipt(
        _ index: UInt64, _ entries: [[UInt8]], key: Ed25519.SigningKey? = nil, checkpoint: SignedCheckpoint? = nil
    ) -> Receipt {
        let signed = checkpoint ?? self.checkpoint(entries)
        let size = UInt64(entries.count)
        guard let plan = try? ProofPlan.inclusion(index: index, size: size),
            let path = try? plan.hashes(in: tiles(entries).tiles)
        else { preconditionFailure("no proof of entry \(index) of \(size)") }
        let head = TreeHead(size: size, root: tiles(entries).edge.root())
        return SignedRoot(head: head, origin: origin, key: key ?? receiptKey, checkpoint: signed)
            .receipt(InclusionProof(index: index, size: size, path: path))
    }

    // MARK: Answers

    func send(_ request: ClientRequest) async throws(TransportError) -> ClientResponse {
        let failure = state.withLock { state in
            state.requests.append(request)
            return state.failures.isEmpty ? nil : state.failures.removeFirst()
        }
        if let failure { throw failure }
        let response = answer(request)
        return state.withLock(\.tamper)(request, response)
    }

    func shutdown() async {}

    private func answer(_ request: ClientRequest) -> ClientResponse {
        let entries = state.withLock(\.entries)
        let parts = request.path.split(separator: "/").map(String.init)
        switch (request.method, parts.first) {
        case (.post, "entries"):
            let isOne = request.headers.contains { $0.value == "application/cose" }
            return isOne ? registerOne(request.body) : registerMany(request.body)
        case (.get, "checkpoint"):
            return ClientResponse(status: 200, body: checkpoint(entries).bytes)
        case (.get, "entries"):
            return statement(parts[1], entries)
        case (.get, "streams"):
            return stream(parts[2], entries)
        case (.get, "tile"):
            return resource(request.path, entries)
        default:
            return ClientResponse(status: 404)
        }
    }

    /// The place where a statement stands now, whether it stood there before, or a refusal.
    private func register(_ bytes: [UInt8]) -> (status: Int, body: [UInt8], index: UInt64?) {
        guard let statement = try? SignedStatement(decoding: bytes) else { return problem(400, "malformed") }
        return state.withLock { state in
            if let old = state.entries.firstIndex(of: statement.entryBytes) {
                return (200, receipt(UInt64(old), state.entries).encoded(), UInt64(old))
            }
            if !state.refusals.isEmpty, let refusal = state.refusals.removeFirst() {
                return problem(refusal.status, refusal.code)
            }
            if let event = try? Event(decoding: statement.payload) {
                let newest = Self.newest(event.stream, state.entries)
                guard event.seq == newest.map({ $0.seq + 1 }) ?? 0, event.prev == newest?.leafHash else {
                    return problem(409, "stream-gap")
                }
            }
            state.entries.append(statement.entryBytes)
            let index = UInt64(state.entries.count - 1)
            return (201, receipt(index, state.entries).encoded(), index)
        }
    }

    private func problem(_ status: Int, _ code: String) -> (Int, [UInt8], UInt64?) {
        let body: CBOR = [-1: .text(code), -2: "no", "urn:test": ["code": .text(code)]]
        return (status, body.encoded(), nil)
    }

    private func registerOne(_ body: [UInt8]) -> ClientResponse {
        let (status, answer, index) = register(body)
        return ClientResponse(
            status: status, headers: index.map { ["holdfast-index": String($0)] } ?? [:], body: answer)
    }

    private func registerMany(_ body: [UInt8]) -> ClientResponse {
        let ranges = (try? CBORSequence.ranges(in: body, count: 1000)) ?? []
        var answer: [UInt8] = []
        for range in ranges {
            let (status, item, index) = register(Array(body[range]))
            let line: CBOR = [.unsigned(UInt64(status)), index.map { .unsigned($0) } ?? .null, .bytes(item)]
            answer += line.encoded()
        }
        return ClientResponse(status: 200, body: answer)
    }

    private func statement(_ id: String, _ entries: [[UInt8]]) -> ClientResponse {
        let index = Hash(hex: id).map { hash in entries.firstIndex { Hash.leaf($0) == hash } } ?? Int(id)
        guard let index, entries.indices.contains(index), let found = try? SignedStatement(decoding: entries[index])
        else { return ClientResponse(status: 404) }
        let transparent = TransparentStatement(statement: found, receipts: [receipt(UInt64(index), entries)])
        return ClientResponse(status: 200, body: transparent.encoded())
    }

    private static func newest(_ stream: String, _ entries: [[UInt8]]) -> (seq: UInt64, leafHash: Hash)? {
        for entry in entries.reversed() {
            guard let statement = try? SignedStatement(decoding: entry), statement.header.issuer == issuer,
                let event = try? Event(decoding: statement.payload), event.stream == stream
            else { continue }
            return (event.seq, statement.leafHash)
        }
        return nil
    }

    private func stream(_ name: String, _ entries: [[UInt8]]) -> ClientResponse {
        guard let newest = Self.newest(name, entries) else { return ClientResponse(status: 404) }
        let json: JSON = ["seq": JSON(newest.seq), "leafHash": .string(newest.leafHash.hex)]
        return ClientResponse(status: 200, body: Array(json.text().utf8))
    }

    private func resource(_ path: String, _ entries: [[UInt8]]) -> ClientResponse {
        switch TileResource(path: path) {
        case .entries(let index, let width):
            let first = Int(index) * 256
            return ClientResponse(status: 200, body: EntryBundle.encode(entries: Array(entries[first..<first + width])))
        case .tile(let tile):
            let content = tiles(entries).tiles[tile.coordinate] ?? []
            return ClientResponse(status: 200, body: Array(content.prefix(tile.byteCount)))
        case nil:
            return ClientResponse(status: 404)
        }
    }
}
