import COSE
import Governance
public import Tlog

/// What a verifier believes before it looks at anything: whose checkpoints, vouched for by which witnesses, and the
/// first entry of the log, from which every other key follows.
///
/// A trust file is a tlog-policy file (c2sp.org/tlog-policy) with a few lines of our own; a plain tlog-policy with a
/// `log` line is a trust file that can't check statement signatures. The grammar is in `spec/trust-file.md`.
///
///     log example.com/log+1a2b3c4d+AQ…
///     witness w1 w1.example+5e6f7a8b+BA…
///     quorum w1
///     genesis 5891b5b5…f03d 0oRY…
///     authority 9f86d081…0a08
public struct TrustFile: Sendable, Hashable {
    /// Logs, witnesses and quorum.
    public let policy: TlogPolicy
    /// The pinned first entry, if the file pins it.
    public let genesis: PinnedGenesis?
    /// Thumbprints (RFC 9679) of the keys that may have signed the genesis; empty if none is pinned.
    public let authorities: [Hash]
    /// The quorum of state witnesses, which replay the log before they cosign, if the file names one. State proofs need
    /// it beside the quorum of witnesses.
    public let stateQuorum: TlogPolicy.Quorum?
    /// The log's keys by what they sign: the genesis's, those that came later, and where they ended.
    let keys: TrustedLogKeys
    /// All lines, without comments.
    private let lines: [TlogPolicy.Line]

    /// Reads a trust file.
    /// - Throws: the first fault, with its line.
    public init(parsing bytes: [UInt8]) throws(TrustFileError) {
        let parser = try TrustFileParser(bytes)
        policy = try parser.policy()
        stateQuorum = try parser.stateQuorum(in: policy)
        genesis = try parser.genesis?.pinned()
        authorities = parser.authorities
        lines = parser.lines
        try Self.checkAgreement(policy, genesis, authorities, genesisLine: parser.genesis?.number)
        keys = try TrustedLogKeys(
            policy: policy, genesis: genesis?.policy, later: parser.laterKeys, cutoffs: parser.cutoffs)
    }

    /// The trust file of a log that its genesis describes.
    ///
    /// - Parameters:
    ///   - genesis: the bytes of entry 0. The `log` line and the `authority` lines follow from it.
    ///   - policyLines: the tlog-policy lines for witnesses, groups and the quorum, without newlines.
    public init(genesisEntry entry: [UInt8], policyLines: [String] = ["quorum none"]) throws(TrustFileError) {
        let pinned = try PinnedGenesis(leafHash: .leaf(entry), entry: entry, line: nil)
        guard let policy = pinned.policy else { throw TrustFileError(.genesisPolicy("no policy"), line: nil) }
        var text = "log \(policy.checkpointKey.text)\n"
        for line in policyLines { text += line + "\n" }
        text += "genesis \(pinned.leafHash.hex) \(Base64.encode(entry))\n"
        for authority in policy.authorities { text += "authority \(COSEKey(authority).thumbprint.hex)\n" }
        try self.init(parsing: Array(text.utf8))
    }

    /// The file without comments and blank lines, one space between words. Reading it again gives the same trust file.
    public var bytes: [UInt8] {
        Array(lines.map { $0.items.map(\.bytes).joined(separator: [0x20]) + [0x0A] }.joined())
    }

    /// Where the first line's log is, as the first of its lines that says it has it.
    public var logURL: String? {
        policy.logs.lazy.filter { [policy] log in log.key.name == policy.logs.first?.key.name }
            .compactMap { $0.url?.description }.first
    }

    /// What the quorum line says.
    var quorumName: String { policy.quorum.text }

    /// Whether checkpoints need cosignatures.
    var requiresWitnesses: Bool { policy.quorum != .none }

    public static func == (left: TrustFile, right: TrustFile) -> Bool { left.bytes == right.bytes }

    public func hash(into hasher: inout Hasher) { hasher.combine(bytes) }

    /// What the parts of the file say about each other.
    private static func checkAgreement(
        _ policy: TlogPolicy, _ genesis: PinnedGenesis?, _ authorities: [Hash], genesisLine: Int?
    ) throws(TrustFileError) {
        guard let log = policy.logs.first else { throw TrustFileError(.noLog, line: nil) }
        guard let genesis else { return }
        let names = Set(policy.logs.map(\.key.name))
        guard names.count == 1 else { throw TrustFileError(.severalLogs(names.count), line: nil) }
        guard let first = genesis.policy, let signer = genesis.signer else { return }
        try check(first, signedBy: signer, authorities: authorities, line: genesisLine)
        let checkpointKey = first.checkpointKey
        guard checkpointKey.name == log.key.name else {
            throw TrustFileError(
                .logOrigin(genesis: first.origin.text, line: log.key.name.text), line: genesisLine)
        }
        guard policy.logs.contains(where: { $0.key == checkpointKey }) else {
            throw TrustFileError(.logKey(genesis: checkpointKey.text, line: log.key.text), line: genesisLine)
        }
    }

    /// Holds a genesis policy to the pinned authorities, if there are any.
    static func check(
        _ genesis: Policy, signedBy signer: Hash, authorities: [Hash], line: Int?
    ) throws(TrustFileError) {
        guard !authorities.isEmpty else { return }
        guard authorities.contains(signer) else { throw TrustFileError(.signerNotPinned(signer), line: line) }
        let named = genesis.authorities.map { COSEKey($0).thumbprint }
        for authority in authorities where !named.contains(authority) {
            throw TrustFileError(.authorityNotNamed(authority), line: line)
        }
    }
}

extension Policy {
    /// The key under which this policy's log signs checkpoints, as a `log` line has it: "The log's vkey includes a
    /// 'key name'. This name MUST correspond to the log's origin line" (tlog-policy).
    var checkpointKey: VerifierKey {
        .ed25519(name: origin.keyName, publicKey: logKeys.checkpoint)
    }
}

extension TlogPolicy.Quorum {
    /// The name on the quorum line.
    var text: String {
        switch self {
        case .none: "none"
        case .name(let name): name.description
        }
    }
}
