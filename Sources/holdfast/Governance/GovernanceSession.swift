import COSE
import Foundation
import Governance
import LogClient
import Tlog
import Verification

/// One command's dealings with its log: what it asks of the state, and the statement that it registers.
struct GovernanceSession {
    private(set) var client: LogClient
    let log: LogOptions
    /// Whether the state is derived from the log's entries, in the place of asking for proofs.
    let replays: Bool
    /// The key file and the issuer that were named.
    let key: String?
    let issuer: String?
    /// The log's own domain.
    let origin: Origin
    /// The log's first policy.
    let genesis: Policy
    private var replayed: ReplayedState?
    private var newest: TreeHead?

    init(
        client: LogClient, log: LogOptions, replays: Bool, key: String? = nil, issuer: String? = nil
    ) throws {
        guard let genesis = client.trust.genesis?.policy else { throw Wording.noGenesis() }
        self.client = client
        self.log = log
        self.replays = replays
        self.key = key
        self.issuer = issuer
        self.genesis = genesis
        origin = genesis.origin
    }

    // MARK: State

    /// The state at the newest head, derived from the log's entries.
    mutating func replay() async throws -> ReplayedState {
        if let replayed { return replayed }
        let progress = StateProgress()
        defer { progress.finish() }
        let state = try await client.replayedState { progress.update($0, of: $1) }
        replayed = state
        return state
    }

    /// The newest published head, verified; the same all along, and not newer than any state that is shown.
    mutating func head() async throws -> TreeHead {
        if let newest { return newest }
        let head = try await client.checkpoint().treeHead
        newest = head
        return head
    }

    /// The record under a key, verified; nil if there is none.
    mutating func record<Record: StateRecord>(
        _ key: StateKey, _ kind: Record.Type = Record.self
    ) async throws -> Record? {
        try await bytes(key).map { try Record(decoding: $0) }
    }

    /// The value under a key: by a proof of the log's, or derived.
    mutating func bytes(_ key: StateKey) async throws -> [UInt8]? {
        if !replays, replayed == nil {
            let size = try await head().size
            if let proven = try await client.provenState(key, atLeast: size) { return proven.value }
        }
        return try await replay().state.value(key)
    }

    /// The policy in force.
    mutating func policy() async throws -> PolicyRecord {
        guard let bytes = try await bytes(.policy) else {
            throw Failure(.refused, "The log has no policy in its state")
        }
        return try PolicyRecord(decoding: bytes)
    }

    /// Whether the log's server lists a key in force of this identity: for hints, not to rely on.
    mutating func isEnrolled(_ identity: String) async throws -> Bool {
        let mine: [JSON]
        if !replays, let found = try await client.unverifiedRecord("identities/" + LogClient.pathSegment(identity)) {
            mine = found["items"]?.arrayValue ?? []
        } else {
            mine = try await items(.identity).filter { $0["issuer"]?.stringValue == identity }
        }
        return mine.contains { $0["ending"] == nil }
    }

    // MARK: Entries

    /// The leaf hash of the statement that a word names: its id, its index, or a file with it.
    func statementID(_ text: String) async throws -> Hash {
        if FileManager.default.fileExists(atPath: text) {
            do {
                return try SignedStatement(decoding: try FileBytes.read(text, limit: TransparentStatement.byteLimit))
                    .leafHash
            } catch let error as Failure {
                throw error
            } catch {
                throw Failure(.usage, "\(Terminal.visible(text)) is not a signed statement: \(error)")
            }
        }
        switch EntryName(text) {
        case .leafHash(let hash): return hash
        case .index(let index): return try await entry(index).leafHash
        case nil:
            throw Failure(
                .usage, "\(Terminal.visible(text)) names no statement",
                hint: "A statement is named by its id (64 lowercase hex digits), by its index, or by a file with it.")
        }
    }

    /// The entry at an index, proved to be in the log. Its signature is not verified.
    func entry(_ index: UInt64) async throws -> SignedStatement {
        var view = try await client.view()
        guard index < view.size else { throw Wording.noSuchEntry(.index(index), size: view.size) }
        guard let bytes = try await view.entries(index..<index + 1).first else {
            throw Wording.noSuchEntry(.index(index))
        }
        return try SignedStatement(decoding: bytes)
    }

    // MARK: Signing

    /// Who signs statements of a type here.
    mutating func signer(_ type: StatementType) async throws -> Issuer { try await signer(at: try keyPath(type)) }

    /// Whose key is in a file: by the genesis, or by a record of the state, which is verified. The client knows the
    /// issuer by this key from then on.
    mutating func signer(at path: String) async throws -> Issuer {
        let secret = try KeyFile.read(path)
        let keyID = COSEKey(secret.publicKey).thumbprint
        if let name = Self.name(of: secret.publicKey, in: genesis), issuer == nil || issuer == name {
            return Issuer(name: name, key: secret)
        }
        guard let name = try await issuer(of: keyID) else {
            let named = issuer.map { " under the name \(Terminal.visible($0))" } ?? ""
            throw Failure(
                .usage, "The log knows no issuer with the key in \(path)\(named)",
                hints: [
                    "Its thumbprint is \(keyID). holdfast identity list shows the keys there are.",
                    "Enrol it with an operator's or an authority's key: "
                        + "holdfast identity enroll URI \(path).pub --role ROLE",
                ])
        }
        return Issuer(name: name, key: secret)
    }

    /// Whose key this is, where an entry after the genesis enrolled it. The issuer's other keys are known from then on:
    /// the newest statement of its stream may be signed with one that was rotated away.
    private mutating func issuer(of keyID: Hash) async throws -> String? {
        let authorities = try await policy().policy.authorities
        if let authority = authorities.first(where: { COSEKey($0).thumbprint == keyID }) {
            let name = KeyDirectory.authorityIssuer(COSEKey(authority))
            guard issuer == nil || issuer == name else { return nil }
            client.knownIssuers.append(EnrolledIssuer(issuer: name, key: authority, roles: []))
            return name
        }
        // The list says where to look; what is believed is the record.
        let items = try await items(.identity)
        let found = items.first { $0["keyID"]?.stringValue == keyID.hex }?["issuer"]?.stringValue
        guard let name = issuer ?? found,
            let own = try await record(.identity(issuer: name, keyID: keyID), IdentityRecord.self)
        else { return nil }
        client.knownIssuers.append(EnrolledIssuer(issuer: name, key: own.key, roles: own.roles))
        for item in items where item["issuer"]?.stringValue == name {
            guard let other = item["keyID"]?.stringValue.flatMap({ Hash(hex: $0) }), other != keyID,
                let record = try await record(.identity(issuer: name, keyID: other), IdentityRecord.self)
            else { continue }
            client.knownIssuers.append(EnrolledIssuer(issuer: name, key: record.key, roles: record.roles))
        }
        return name
    }

    private func keyPath(_ type: StatementType) throws -> String {
        if let key { return key }
        guard let layout = log.layout else {
            throw Failure(
                .usage, "There is no key to sign with",
                hint: "Give one with --key FILE. \(type.rawValue) is signed by: \(Self.signers(of: type)).")
        }
        let path = type.signers == [.authority] ? layout.authorityKey : layout.issuerKey
        guard FileManager.default.fileExists(atPath: path) else {
            throw Failure(
                .usage, "\(path) is not there, or not for this user to read, so there is no key to sign with",
                hint: "Give one with --key FILE. \(type.rawValue) is signed by: \(Self.signers(of: type)).")
        }
        return path
    }

    static func signers(of type: StatementType) -> String { type.signers.map(\.text).joined(separator: ", ") }

    private static func name(of key: Ed25519.PublicKey, in policy: Policy) -> String? {
        if let issuer = policy.issuers.first(where: { $0.key == key }) { return issuer.issuer }
        return policy.authorities.contains(key) ? KeyDirectory.authorityIssuer(COSEKey(key)) : nil
    }
}

/// How far the reading of a log is. The line comes when the number of entries is known.
private final class StateProgress {
    private var line: ProgressLine?

    func update(_ done: UInt64, of total: UInt64) {
        let line = line ?? ProgressLine("reading entry", total: total)
        self.line = line
        line.update(done)
    }

    func finish() { line?.finish() }
}
