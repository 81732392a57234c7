/// A log's tree head as the text of a note:
///
///     example.com/behind-the-sofa
///     20852163
///     CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
///
/// tlog-checkpoint: origin, size and root hash, one a line, then extension lines, if any.
public struct Checkpoint: Sendable, Hashable {
    /// The largest size: 2^63 - 1. Proofs have at most 63 hashes, so no larger tree can be proved anything about.
    public static let maxSize = UInt64(Int64.max)

    public let origin: Origin
    /// Number of leaves.
    public let size: UInt64
    public let root: Hash
    /// "Any following lines are extension lines, opaque and OPTIONAL", without their newlines.
    public let extensions: [String]

    /// A checkpoint without extension lines, as this project's logs sign them. The size must not exceed `maxSize`.
    public init(origin: Origin, head: TreeHead) {
        precondition(head.size <= Self.maxSize, "a tree of \(head.size) leaves")
        self.origin = origin
        size = head.size
        root = head.root
        extensions = []
    }

    /// Throws unless each extension is a non-empty line without control characters.
    public init(origin: Origin, head: TreeHead, extensions: [String]) throws(CheckpointError) {
        guard head.size <= Self.maxSize else { throw .sizeTooLarge(String(head.size)) }
        for (offset, line) in extensions.enumerated() {
            guard !line.isEmpty else { throw .emptyLine(4 + offset) }
            guard !line.utf8.contains(where: { $0 < 0x20 }) else { throw .extensionCharacter(line) }
        }
        self.origin = origin
        size = head.size
        root = head.root
        self.extensions = extensions
    }

    /// Throws unless `noteText`, final newline included, is exactly what `noteText` prints.
    public init(parsing noteText: String) throws(CheckpointError) {
        guard let lines = noteText.newlineTerminatedLines() else { throw .note(.noFinalNewline) }
        // "The note text is a sequence of at least three non-empty lines, separated by newlines"
        guard lines.count >= 3 else { throw .tooFewLines(lines.count) }
        if let empty = lines.firstIndex(where: \.isEmpty) { throw .emptyLine(empty + 1) }
        let origin = try Origin(lines[0])
        // "the ASCII decimal representation of the number of leaves in the tree, with no leading zeroes"
        guard let size = Decimal.parse(lines[1].utf8) else { throw .size(lines[1]) }
        guard size <= Self.maxSize else { throw .sizeTooLarge(lines[1]) }
        // "the base64 encoding of the root of the RFC 6962 Merkle hash tree at the specified tree size"
        guard let root = Hash(base64: lines[2]) else { throw .root(lines[2]) }
        try self.init(
            origin: origin, head: TreeHead(size: size, root: root), extensions: Array(lines.dropFirst(3)))
    }

    public var treeHead: TreeHead { TreeHead(size: size, root: root) }

    /// The text to sign, final newline included.
    public var noteText: String {
        "\(origin.text)\n\(size)\n\(root.base64)\n" + extensions.map { $0 + "\n" }.joined()
    }

    /// Signed by the log: the key's name is the origin, its type Ed25519 (0x01).
    ///
    /// "The log's key name in its signature line SHOULD match the origin line."
    public func signed(by key: Ed25519.SigningKey) -> SignedCheckpoint {
        let text = noteText
        let signature = NoteSignature(
            name: origin.keyName,
            keyID: VerifierKey.ed25519(name: origin.keyName, publicKey: key.publicKey).keyID,
            signature: key.sign(Array(text.utf8)))
        return SignedCheckpoint(checkpoint: self, note: SignedNote(wellFormed: text, signatures: [signature]))
    }

    public static func == (left: Checkpoint, right: Checkpoint) -> Bool {
        left.origin == right.origin && left.treeHead == right.treeHead
            && left.extensions.count == right.extensions.count
            && zip(left.extensions, right.extensions).allSatisfy { $0.hasSameBytes(as: $1) }
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(origin)
        hasher.combine(treeHead)
        for line in extensions { line.hashBytes(into: &hasher) }
    }
}
