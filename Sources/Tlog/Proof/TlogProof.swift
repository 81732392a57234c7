/// A proof that an entry is logged, to be checked without a network (tlog-proof):
///
///     c2sp.org/tlog-proof@v1
///     extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6
///     index 73894
///     gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
///     B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
///
///     example.com/fancylog
///     109482
///     sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=
///
///     — example.com/fancylog hI2DJw…
///
/// A value of this type is well formed; nothing in it has been verified.
public struct TlogProof: Sendable, Hashable {
    /// "optional opaque extra data, with application-specific meaning", not authenticated; never empty.
    public let extra: [UInt8]?
    /// Of the entry, from 0.
    public let index: UInt64
    /// From the leaf's sibling up.
    public let path: [Hash]
    public let checkpoint: SignedCheckpoint

    /// Hashes a proof may have: no tree of fewer than 2^63 leaves needs more.
    public static let maxPathCount = 63
    /// Bytes a proof may have, the extra data in base64 included.
    public static let maxByteCount = 262_144

    private static let header = "c2sp.org/tlog-proof@v1"

    /// No extra data and empty extra data are the same. The path must not have more than 63 hashes.
    public init(extra: [UInt8]? = nil, index: UInt64, path: [Hash], checkpoint: SignedCheckpoint) {
        precondition(path.count <= Self.maxPathCount, "a path of \(path.count) hashes")
        self.extra = extra.flatMap { $0.isEmpty ? nil : $0 }
        self.index = index
        self.path = path
        self.checkpoint = checkpoint
    }

    /// Throws unless `bytes` are a proof, exactly as it prints.
    public init(parsing bytes: [UInt8]) throws(TlogProofError) {
        guard bytes.count <= Self.maxByteCount else { throw .tooLarge(bytes: bytes.count, limit: Self.maxByteCount) }
        // "After the inclusion proof lines and an empty line, the checkpoint issued by the log is included verbatim"
        guard let (head, rest) = bytes.splitAtFirstEmptyLine() else { throw .noBlankLine }
        var lines = head[...]
        // "The first line MUST be the string c2sp.org/tlog-proof@v1."
        guard lines.popFirst()?.elementsEqual(Self.header.utf8) == true else { throw .header }
        // "The second line MAY start with the string extra followed by a space (U+0020) and base64-encoded opaque
        // extra data. If no extra data is present, this line is omitted."
        var extra: [UInt8]?
        if let text = lines.first?.removingPrefix("extra ") {
            guard let decoded = Base64.decode(text), !decoded.isEmpty else { throw .extra }
            extra = decoded
            lines.removeFirst()
        }
        // "The next line MUST start with the string index followed by a space (U+0020) and the zero-based index of
        // the entry in the log, represented as an ASCII decimal with no leading zeroes"
        guard let text = lines.popFirst()?.removingPrefix("index "), let index = Decimal.parse(text) else {
            throw .index
        }
        guard lines.count <= Self.maxPathCount else {
            throw .tooManyHashes(count: lines.count, limit: Self.maxPathCount)
        }
        var path: [Hash] = []
        for (number, line) in lines.enumerated() {
            guard let bytes = Base64.decode(line), let hash = Hash(bytes) else { throw .hash(number: number + 1) }
            path.append(hash)
        }
        let checkpoint: SignedCheckpoint
        do { checkpoint = try SignedCheckpoint(parsing: Array(rest)) } catch { throw .checkpoint(error) }
        self.init(extra: extra, index: index, path: path, checkpoint: checkpoint)
    }

    public var bytes: [UInt8] {
        var text = Self.header + "\n"
        if let extra { text += "extra \(Base64.encode(extra))\n" }
        text += "index \(index)\n"
        for hash in path { text += hash.base64 + "\n" }
        return Array(text.utf8) + [0x0a] + checkpoint.bytes
    }

    /// To be verified against the checkpoint's root, once the checkpoint has been.
    public var inclusionProof: InclusionProof {
        InclusionProof(index: index, size: checkpoint.checkpoint.size, path: path)
    }

    /// All the steps of "Verifying a tlog proof" after the first, which is the caller's: the leaf hash.
    public func verify(
        leafHash: Hash, policy: TlogPolicy, logKeys: [VerifierKey] = []
    ) throws(TlogProofError) -> VerifiedCheckpoint {
        let verified: VerifiedCheckpoint
        do { verified = try policy.verify(checkpoint, logKeys: logKeys) } catch { throw .policy(error) }
        do {
            try inclusionProof.verify(leafHash: leafHash, root: verified.checkpoint.root)
        } catch {
            throw .inclusion(error)
        }
        return verified
    }
}

/// What was wrong with a tlog-proof.
public enum TlogProofError: NamedFailure, Hashable {
    case tooLarge(bytes: Int, limit: Int)
    /// No empty line, so no checkpoint.
    case noBlankLine
    /// Another first line.
    case header
    /// The extra data is empty or not canonical base64.
    case extra
    /// No line `index` with a canonical decimal number where one must be.
    case index
    /// A line of the path, from 1, is not the canonical base64 of 32 bytes.
    case hash(number: Int)
    case tooManyHashes(count: Int, limit: Int)
    case checkpoint(CheckpointError)
    /// The checkpoint does not satisfy the policy.
    case policy(PolicyFailure)
    /// The path does not lead from the leaf to the checkpoint's root.
    case inclusion(ProofError)

    public var reason: String {
        switch self {
        case .tooLarge: "proof-too-large"
        case .noBlankLine: "proof-no-blank-line"
        case .header: "proof-header"
        case .extra: "proof-extra"
        case .index: "proof-index"
        case .hash: "proof-hash"
        case .tooManyHashes: "proof-too-many-hashes"
        case .checkpoint(let error): error.reason
        case .policy(let error): error.reason
        case .inclusion(let error): error.reason
        }
    }
}
