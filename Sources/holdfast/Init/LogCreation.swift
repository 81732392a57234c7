import COSE
import Foundation
import Governance
import LMDBLogStore
import LogClient
import LogEngine
import LogStore
import Tlog
import Verification

/// Makes a log: keys, genesis, data, anchor, trust file and configuration, in a directory that is there in the end or
/// not at all.
struct LogCreation {
    var origin: Origin
    /// Issuers to enrol, with their public keys. None: a first issuer is made.
    var issuers: [(uri: String, key: Ed25519.PublicKey)] = []
    /// A secret key file of the authority that signs the genesis. Nil: one is made.
    var authorityPath: String?
    /// Media types of opaque statements that the log takes; `*` is any.
    var contentTypes: [String] = ["*"]
    /// What a policy file says otherwise.
    var policyChanges: JSON?

    /// What was made.
    struct Result {
        let layout: LogLayout
        let policy: Policy
        let genesis: SignedStatement
        /// The first issuer, if one was made.
        let firstIssuer: String?
    }

    private struct Keys {
        let checkpoint = Ed25519.SigningKey.generate()
        let receipt = Ed25519.SigningKey.generate()
        let statement = Ed25519.SigningKey.generate()
        let authority: Ed25519.SigningKey
        let issuer: Ed25519.SigningKey?
    }

    /// - Parameter directory: does not exist yet, or is empty.
    func make(in directory: String) throws -> Result {
        let final = URL(filePath: directory).standardizedFileURL
        try Self.requireFree(final, named: directory)
        let partial = final.deletingLastPathComponent()
            .appending(path: ".\(final.lastPathComponent).new-\(ProcessInfo.processInfo.processIdentifier)")
        let files = FileManager.default
        let partialPath = partial.path(percentEncoded: false)
        do {
            try files.createDirectory(
                atPath: partialPath, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
            let result = try fill(LogLayout(partialPath), final: LogLayout(directory))
            if files.fileExists(atPath: final.path(percentEncoded: false)) { try files.removeItem(at: final) }
            try files.moveItem(at: partial, to: final)
            try AtomicFile.sync(final.deletingLastPathComponent().path(percentEncoded: false))
            return result
        } catch {
            try? files.removeItem(at: partial)
            throw error
        }
    }

    private static func requireFree(_ url: URL, named directory: String) throws {
        let path = url.path(percentEncoded: false)
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path) else { return }
        guard attributes[.type] as? FileAttributeType == .typeDirectory else {
            throw Failure(.refused, "\(directory) is there already and is no directory")
        }
        let content = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? ["?"]
        guard content.isEmpty else {
            throw Failure(
                .refused, "\(directory) is there already and is not empty, so no log is made in it",
                hint: LogLayout(directory).exists
                    ? "There is a log in it: holdfast serve \(directory)" : "Name a directory that does not exist yet.")
        }
    }

    private func fill(_ layout: LogLayout, final: LogLayout) throws -> Result {
        let files = FileManager.default
        for path in [layout.keys, layout.anchorDirectory] {
            try files.createDirectory(
                atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        }
        let keys = try makeKeys(layout)
        let firstIssuer = keys.issuer.map { _ in "spiffe://\(Self.authority(of: origin))/issuer" }
        let policy = try makePolicy(keys, firstIssuer: firstIssuer)
        let genesis: SignedStatement
        do {
            genesis = try Genesis.statement(
                policy: policy, authority: keys.authority, issuer: "spiffe://\(Self.authority(of: origin))/authority",
                time: Moment.now())
        } catch {
            throw Failure(.usage, "This policy can't start a log: \(error)")
        }
        try makeStore(layout, genesis, keys)
        try write(layout, genesis)
        return Result(layout: final, policy: policy, genesis: genesis, firstIssuer: firstIssuer)
    }

    // MARK: Parts

    private func makeKeys(_ layout: LogLayout) throws -> Keys {
        let authority = try authorityPath.map { try KeyFile.read($0) } ?? .generate()
        let keys = Keys(authority: authority, issuer: issuers.isEmpty ? .generate() : nil)
        var made: [(Ed25519.SigningKey, String)] = [
            (keys.checkpoint, layout.checkpointKey), (keys.receipt, layout.receiptKey),
            (keys.statement, layout.statementKey),
        ]
        if authorityPath == nil { made.append((authority, layout.authorityKey)) }
        if let issuer = keys.issuer { made.append((issuer, layout.issuerKey)) }
        for (key, path) in made { try KeyFile.create(key, at: path) }
        return keys
    }

    /// The host part of an origin, for the names of authority and first issuer.
    private static func authority(of origin: Origin) -> String {
        let host = origin.text.prefix { $0 != "/" && $0 != ":" && $0 != "@" }
        let isName =
            !host.isEmpty
            && host.utf8.allSatisfy { byte in
                (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte) || (0x30...0x39).contains(byte)
                    || byte == 0x2D || byte == 0x2E
            }
        return isName ? host.lowercased() : "log.invalid"
    }

    private func makePolicy(_ keys: Keys, firstIssuer: String?) throws -> Policy {
        var enrolled = issuers.map { EnrolledIssuer(issuer: $0.uri, key: $0.key, roles: [.operator, .runtime]) }
        if let issuer = keys.issuer, let firstIssuer {
            enrolled.append(
                EnrolledIssuer(issuer: firstIssuer, key: issuer.publicKey, roles: [.operator, .runtime]))
        }
        do {
            let policy = try Policy(
                origin: origin,
                logKeys: LogPublicKeys(
                    checkpoint: keys.checkpoint.publicKey, receipt: keys.receipt.publicKey,
                    statement: keys.statement.publicKey),
                authorities: [keys.authority.publicKey], threshold: 1, issuers: enrolled, contentTypes: contentTypes,
                allowUnwitnessed: true)
            guard let policyChanges else { return policy }
            return try Policy(decoding: try PolicyFile.merged(policy.json, policyChanges).cbor())
        } catch let error as PolicyError {
            throw Failure(.usage, "This policy can't be: \(error)")
        }
    }

    private func makeStore(_ layout: LogLayout, _ genesis: SignedStatement, _ keys: Keys) throws {
        let store = try LMDBLogStore(directory: layout.data)
        defer { store.close() }
        let anchor = try FileAnchor(path: layout.anchor)
        defer { anchor.close() }
        try Log.create(
            store: store, genesis: genesis,
            keys: LogKeys(checkpoint: keys.checkpoint, receipt: keys.receipt, statement: keys.statement),
            anchor: anchor)
    }

    private func write(_ layout: LogLayout, _ genesis: SignedStatement) throws {
        try AtomicFile.write(genesis.entryBytes, to: layout.genesis)
        try AtomicFile.write(Array(try TrustText.text(genesis: genesis).utf8), to: layout.trust)
        try AtomicFile.write(Array(Self.configuration.utf8), to: layout.configuration)
    }

    /// The configuration of a log whose files are where they usually are.
    static var configuration: String {
        ExampleConfiguration.text(setting: [
            .data: ServeSetting.data.value, .anchor: ServeSetting.anchor.value,
            .checkpointKey: ServeSetting.checkpointKey.value, .receiptKey: ServeSetting.receiptKey.value,
            .statementKey: ServeSetting.statementKey.value,
        ])
    }
}

/// The trust file of a new log, with a word about each line.
enum TrustText {
    static func text(genesis: SignedStatement) throws -> String {
        let file = try TrustFile(genesisEntry: genesis.entryBytes)
        var text = """
            # What to believe of this log. Give it to everyone who verifies, by another way than the log's own server.
            # The grammar is that of c2sp.org/tlog-policy and the lines 'genesis' and 'authority' (spec/trust-file.md).

            """
        for line in String(decoding: file.bytes, as: UTF8.self).split(separator: "\n") {
            if let comment = comment(for: line) { text += "\n# \(comment)\n" }
            text += "\(line)\n"
        }
        return text
    }

    private static func comment(for line: Substring) -> String? {
        switch line.prefix(while: { $0 != " " }) {
        case "log": "The log's checkpoint key."
        case "quorum":
            "Nobody but the log vouches for its heads yet. When there are witnesses, name them and a quorum here."
        case "genesis":
            "Entry 0, its leaf hash and its bytes: it names the log's keys, its authorities and its issuers."
        case "authority": "Who may have signed entry 0, by key thumbprint."
        default: nil
        }
    }
}

/// A policy file: JSON with the members of the policy that are to be otherwise than the default.
enum PolicyFile {
    /// What `holdfast init` sets itself.
    static let fixed = ["origin", "logKeys", "authorities", "threshold"]

    static func merged(_ policy: JSON, _ changes: JSON) throws -> JSON {
        guard case .object(let members) = policy else { return changes }
        guard case .object(let new) = changes else {
            throw Failure(.usage, "A policy file is a JSON object with the members of the policy that are to differ")
        }
        for member in new {
            if fixed.contains(member.name) {
                throw Failure(
                    .usage, "A policy file does not set \"\(member.name)\"",
                    hint: "The origin, the log's keys and the authority are what 'holdfast init' makes.")
            }
            guard members.contains(where: { $0.name == member.name }) else {
                throw Failure(
                    .usage, "A policy has no member \"\(Terminal.visible(member.name))\"",
                    hint: "It has: " + members.map(\.name).filter { !fixed.contains($0) }.joined(separator: ", "))
            }
        }
        return .object(
            try members.map { member in
                guard let change = changes[member.name] else { return member }
                // Limits and rates may be given in part.
                guard case .object = member.value, case .object = change else {
                    return JSONMember(member.name, change)
                }
                return JSONMember(member.name, try merged(member.value, change))
            })
    }
}
