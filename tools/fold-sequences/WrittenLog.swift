import COSE
import Governance
import Tlog

/// A log that candidates are tried on, and the lines that tell of it.
///
/// Nothing is signed: signatures are checked before the fold and the fold does not look at them.
struct WrittenLog {
    private(set) var lines: [String]
    private(set) var fold: GovernanceState<MemoryState>
    /// The size that the newest seal ends.
    private(set) var sealedSize: UInt64 = 0
    private(set) var size: UInt64 = 1
    private(set) var now: UInt64
    private var base = MemoryState()
    private var map = MerkleMap()
    private var statements: UInt64 = 1
    private var frontier = Frontier()
    private var sealChain: (seq: UInt64, prev: Hash)?

    init(name: String, policy: Policy, authority: Ed25519.SigningKey, time: UInt64) throws {
        let genesis = try Genesis.statement(
            policy: policy, authority: authority, issuer: "spiffe://example.org/founder", time: time)
        fold = try GovernanceState(base: base, genesis: genesis)
        now = time
        lines = ["log \(name)", "genesis \(Hex.encode(genesis.entryBytes))"]
        frontier.append(genesis.leafHash)
        seal()
    }

    /// The heads that the log has had, the newest last.
    var heads: [TreeHead] { base.heads.keys.sorted().map { TreeHead(size: $0, root: base.heads[$0] ?? .zero) } }

    var policy: Policy { fold.rules.policy }

    /// Tries a candidate. The name of the reason if it is refused; its leaf hash if it is admitted.
    mutating func attempt(_ statement: SignedStatement) throws -> (refusal: String?, hash: Hash) {
        var outcome = "ok"
        do {
            try fold.admit(statement, index: size, batchTime: now)
            size += 1
            statements += 1
            frontier.append(statement.leafHash)
        } catch {
            outcome = error.reason
        }
        lines.append("\(outcome) \(Hex.encode(statement.entryBytes))")
        return (outcome == "ok" ? nil : outcome, statement.leafHash)
    }

    /// Tries a record of refusals, which is the last entry before a seal.
    mutating func attempt(_ refusals: LogRefusals) {
        var outcome = "ok"
        let statement = refusals.statement(origin: policy.origin, key: Cast.statementKey)
        do {
            try fold.apply(refusals, of: statement, index: size, batchTime: now)
            size += 1
            statements += 1
            frontier.append(statement.leafHash)
        } catch {
            outcome = error.reason
        }
        lines.append("refusals \(outcome) \(Hex.encode(statement.entryBytes))")
    }

    /// Ends the batch. The next one is `later` ms after it.
    mutating func seal(later: UInt64 = 0) {
        let changes = fold.changes
        base.apply(changes)
        map.apply(changes)
        let seal = Seal(
            time: now, statements: statements, stateRoot: map.root, seq: sealChain.map { $0.seq + 1 } ?? 0,
            prev: sealChain?.prev)
        let statement = seal.statement(origin: policy.origin, key: Cast.statementKey)
        lines.append("seal \(Hex.encode(statement.entryBytes))")
        sealChain = (seal.seq, statement.leafHash)
        size += 1
        sealedSize = size
        frontier.append(statement.leafHash)
        base.keep(frontier.treeHead)
        statements = 0
        fold = GovernanceState(base: base, rules: fold.rules)
        now += later
        lines.append("batch \(now)")
    }

    func record<Record: StateRecord>(_ key: StateKey, _ kind: Record.Type = Record.self) throws -> Record? {
        try fold.value(key).map(Record.init(decoding:))
    }

    /// Where the issuer's stream goes on.
    func place(_ issuer: String, _ stream: String) throws -> (seq: UInt64, prev: Hash?) {
        guard let bytes = try fold.value(.stream(issuer: issuer, stream: stream)) else { return (0, nil) }
        let link = try StreamLink(decoding: bytes)
        return (link.seq + 1, link.leafHash)
    }

    /// Statements that no signature covers.
    static func unsigned(
        payload: [UInt8], contentType: String, issuer: String, keyID: Hash
    ) throws -> SignedStatement {
        let header = try StatementHeader(
            contentType: contentType, keyID: keyID, issuer: issuer, subject: "urn:example:1")
        let signature = [UInt8](repeating: 0, count: 64)
        let message = COSESign1(protected: header.protected(), payload: payload, signature: signature)
        return try SignedStatement(decoding: message.encoded())
    }
}
