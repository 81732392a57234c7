import COSE
import Governance
import Tlog

/// A small log in memory, made with the libraries and nothing of an engine: everything in it can be made wrong.
///
/// All keys come from fixed seeds and all times are fixed, so the same calls give the same bytes.
struct TestLog {
    let origin: Origin
    private(set) var checkpointKey: Ed25519.SigningKey
    private(set) var receiptKey: Ed25519.SigningKey
    private(set) var statementKey: Ed25519.SigningKey
    let authorityKey: Ed25519.SigningKey
    let issuerKey: Ed25519.SigningKey
    let witnessKeys: [Ed25519.SigningKey]
    let policy: Policy

    static let issuer = "spiffe://example.org/agent"
    static let authority = "spiffe://example.org/authority"
    static let start: UInt64 = 1_750_000_000_000

    private(set) var entries: [[UInt8]] = []
    private(set) var time = TestLog.start
    private(set) var fold: GovernanceState<MemoryState>
    private var state = MemoryState()
    private var map = MerkleMap()
    private var unsealed: UInt64 = 1
    private var seals: UInt64 = 0
    private var lastSeal: Hash?
    private(set) var streams: [String: (seq: UInt64, prev: Hash)] = [:]
    /// The state as of each sealed size.
    private(set) var states: [UInt64: MemoryState] = [:]

    static func key(_ seed: UInt8) throws -> Ed25519.SigningKey {
        try Ed25519.SigningKey(seed: [UInt8](repeating: seed, count: 32))
    }

    /// A log with its genesis and a seal.
    ///
    /// - Parameter seed: logs of other seeds have other keys; those of the issuer and the witnesses stay.
    init(origin: String = "log.example/test", seed: UInt8 = 1) throws {
        self.origin = try Origin(origin)
        checkpointKey = try Self.key(seed)
        receiptKey = try Self.key(seed + 1)
        statementKey = try Self.key(seed + 2)
        authorityKey = try Self.key(seed + 3)
        issuerKey = try Self.key(200)
        witnessKeys = [try Self.key(210), try Self.key(211), try Self.key(212)]
        policy = try Policy(
            origin: self.origin,
            logKeys: LogPublicKeys(
                checkpoint: checkpointKey.publicKey, receipt: receiptKey.publicKey,
                statement: statementKey.publicKey),
            authorities: [authorityKey.publicKey], threshold: 1,
            issuers: [EnrolledIssuer(issuer: Self.issuer, key: issuerKey.publicKey, roles: [.runtime])],
            contentTypes: ["text/plain"])
        let genesis = try Genesis.statement(
            policy: policy, authority: authorityKey, issuer: Self.authority, time: Self.start)
        fold = try GovernanceState(base: MemoryState(), genesis: genesis)
        entries = [genesis.entryBytes]
        seal()
    }

    var genesisEntry: [UInt8] { entries[0] }
    var size: UInt64 { UInt64(entries.count) }

    // MARK: Entries

    /// The next event of a stream, signed and not yet in the log.
    func event(stream: String = "work", type: String = "work.done", time: UInt64? = nil) throws -> SignedStatement {
        let place = streams[stream]
        let event = try Event(
            type: type, stream: stream, seq: place.map { $0.seq + 1 } ?? 0, prev: place?.prev,
            time: time ?? self.time, data: ["entry": .unsigned(size)])
        return try sign(event)
    }

    func sign(_ event: Event, by key: Ed25519.SigningKey? = nil, issuer: String = TestLog.issuer) throws
        -> SignedStatement
    {
        try SignedStatement.sign(
            payload: event.encoded(), contentType: Event.contentType, issuer: issuer, subject: "task/7",
            key: key ?? issuerKey)
    }

    /// Admits a statement by the rules.
    mutating func append(_ statement: SignedStatement) throws {
        try fold.admit(statement, index: size, batchTime: time)
        if let event = try? Event(decoding: statement.payload) {
            streams[event.stream] = (event.seq, statement.leafHash)
        }
        appendAnyway(statement.entryBytes)
    }

    /// Appends whatever it is; the seal will count it, and the state will know nothing of it.
    mutating func appendAnyway(_ entry: [UInt8]) {
        entries.append(entry)
        unsealed += 1
    }

    /// Ends the batch; a parameter makes the seal say something else than the truth.
    ///
    /// - Parameter lie: changes the state that the log goes on from, and whose root the seal carries.
    mutating func seal(
        count: UInt64? = nil, root: Hash? = nil, time sealTime: UInt64? = nil, seq: UInt64? = nil,
        lie: ((inout MemoryState) -> Void)? = nil
    ) {
        map.apply(fold.changes)
        state.apply(fold.changes)
        if let lie {
            lie(&state)
            map = state.map()
        }
        fold = GovernanceState(base: state, rules: fold.rules)
        let seal = Seal(
            time: sealTime ?? time, statements: count ?? unsealed, stateRoot: root ?? map.root, seq: seq ?? seals,
            prev: lastSeal)
        let statement = seal.statement(origin: origin, key: statementKey)
        entries.append(statement.entryBytes)
        lastSeal = statement.leafHash
        states[size] = state
        seals += 1
        unsealed = 0
        time += 1000
    }

    /// Signs with other keys from here on, whatever the log's entries say of them.
    mutating func use(checkpoint: Ed25519.SigningKey, receipt: Ed25519.SigningKey, statement: Ed25519.SigningKey) {
        (checkpointKey, receiptKey, statementKey) = (checkpoint, receipt, statement)
    }

    /// Batches of events until the log has this many entries, a seal the last of them.
    mutating func grow(to size: UInt64, batch: UInt64 = 10) throws {
        while self.size < size {
            for _ in 0..<min(batch, size - self.size - 1) { try append(event(stream: "s\(self.size % 3)")) }
            seal()
        }
    }

    /// Another content for an entry that is in the log.
    mutating func replace(_ index: Int, with entry: [UInt8]) {
        entries[index] = entry
    }

    // MARK: Heads and proofs

    func leaves(_ size: UInt64? = nil) -> [Hash] { entries.prefix(Int(size ?? self.size)).map { Hash.leaf($0) } }

    func head(_ size: UInt64? = nil) -> TreeHead {
        TreeHead(size: size ?? self.size, root: Self.root(leaves(size)[...]))
    }

    /// Signed by the log, and cosigned by this many witnesses.
    func checkpoint(_ size: UInt64? = nil, witnesses: Int = 2) throws -> SignedCheckpoint {
        try cosigned(Checkpoint(origin: origin, head: head(size)), witnesses: witnesses)
    }

    func cosigned(_ checkpoint: Checkpoint, witnesses: Int = 2) throws -> SignedCheckpoint {
        let lines = try witnessKeys.prefix(witnesses).enumerated().map { number, key in
            Cosignature.sign(
                checkpoint, name: try KeyName("w\(number).example"), key: key,
                time: 1_750_000_000 + UInt64(number))
        }
        return checkpoint.signed(by: checkpointKey).adding(lines)
    }

    /// RFC 6962 section 2.1.1, as it is written there.
    func inclusion(_ index: UInt64, _ size: UInt64? = nil) -> InclusionProof {
        func path(_ m: Int, _ leaves: ArraySlice<Hash>) -> [Hash] {
            guard leaves.count > 1 else { return [] }
            let k = Self.split(leaves.count)
            let (left, right) = (leaves.prefix(k), leaves.dropFirst(k))
            return m < k ? path(m, left) + [Self.root(right)] : path(m - k, right) + [Self.root(left)]
        }
        let leaves = leaves(size)
        return InclusionProof(index: index, size: UInt64(leaves.count), path: path(Int(index), leaves[...]))
    }

    /// RFC 6962 section 2.1.2, as it is written there.
    func consistency(_ old: UInt64, _ new: UInt64) -> ConsistencyProof {
        func subproof(_ m: Int, _ leaves: ArraySlice<Hash>, _ isWhole: Bool) -> [Hash] {
            if m == leaves.count { return isWhole ? [] : [Self.root(leaves)] }
            let k = Self.split(leaves.count)
            let (left, right) = (leaves.prefix(k), leaves.dropFirst(k))
            if m <= k { return subproof(m, left, isWhole) + [Self.root(right)] }
            return subproof(m - k, right, false) + [Self.root(left)]
        }
        let path = old == 0 || old == new ? [] : subproof(Int(old), leaves(new)[...], true)
        return ConsistencyProof(oldSize: old, newSize: new, path: path)
    }

    static func root(_ leaves: ArraySlice<Hash>) -> Hash {
        guard let first = leaves.first else { return .emptyTree }
        guard leaves.count > 1 else { return first }
        let k = split(leaves.count)
        return .node(root(leaves.prefix(k)), root(leaves.dropFirst(k)))
    }

    /// "let k be the largest power of two smaller than n"
    private static func split(_ count: Int) -> Int {
        1 << (Int.bitWidth - 1 - (count - 1).leadingZeroBitCount)
    }

    // MARK: Files

    func statement(_ index: UInt64) throws -> SignedStatement {
        try SignedStatement(decoding: entries[Int(index)])
    }

    func tlogProof(_ index: UInt64, _ size: UInt64? = nil, witnesses: Int = 2) throws -> TlogProof {
        TlogProof(
            index: index, path: inclusion(index, size).path, checkpoint: try checkpoint(size, witnesses: witnesses))
    }

    func receipt(_ index: UInt64, _ size: UInt64? = nil, witnesses: Int? = 2) throws -> Receipt {
        let checkpoint = try witnesses.map { try self.checkpoint(size, witnesses: $0) }
        return SignedRoot(head: head(size), origin: origin, key: receiptKey, checkpoint: checkpoint)
            .receipt(inclusion(index, size))
    }

    func trustLines(quorum: String = "both") throws -> [String] {
        var lines = try witnessKeys.enumerated().map { number, key in
            let vkey = VerifierKey.cosigner(name: try KeyName("w\(number).example"), publicKey: key.publicKey)
            return "witness w\(number) \(vkey.text)"
        }
        lines.append("group both 2 w0 w1 w2")
        lines.append("quorum \(quorum)")
        return lines
    }

    /// A trust file, line by line as its grammar has it: the log under its first key, its witnesses and quorum, its
    /// genesis and authority.
    func trustText(quorum: String = "both") throws -> String {
        let key = VerifierKey.ed25519(name: origin.keyName, publicKey: policy.logKeys.checkpoint)
        let lines =
            ["log \(key.text)"] + (try trustLines(quorum: quorum)) + [
                "genesis \(Hash.leaf(genesisEntry)) \(Base64.encode(genesisEntry))",
                "authority \(COSEKey(authorityKey.publicKey).thumbprint)",
            ]
        return lines.map { $0 + "\n" }.joined()
    }

    /// A statement of the log with receipts.
    func transparent(_ index: UInt64, _ receipts: Receipt...) throws -> [UInt8] {
        TransparentStatement(statement: try statement(index), receipts: receipts).encoded()
    }

    /// A consistency proof as the log answers it.
    func consistencyJSON(_ old: UInt64, _ new: UInt64) -> [UInt8] {
        let path = consistency(old, new).path.map { "\"\($0.base64)\"" }.joined(separator: ", ")
        return Array("{\"from\": \(old), \"to\": \(new), \"path\": [\(path)]}\n".utf8)
    }

    /// A consistency proof as base64, one hash a line.
    func consistencyLines(_ old: UInt64, _ new: UInt64) -> [UInt8] {
        Array(consistency(old, new).path.map { $0.base64 + "\n" }.joined().utf8)
    }

    /// All files of the log as tlog-tiles.
    func files() throws -> [String: [UInt8]] {
        var files = ["checkpoint": try checkpoint().bytes]
        var edge = TileEdge()
        for leaf in leaves() { edge.append(leaf) }
        for (tile, hashes) in edge.takeChangedTiles() { files[TileResource.tile(tile).path] = hashes }
        for first in stride(from: 0, to: entries.count, by: 256) {
            let bundle = Array(entries[first..<min(first + 256, entries.count)])
            let resource = TileResource.entries(index: UInt64(first / 256), width: bundle.count)
            files[resource.path] = EntryBundle.encode(entries: bundle)
        }
        return files
    }
}
