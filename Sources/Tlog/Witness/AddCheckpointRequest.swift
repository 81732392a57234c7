/// What a log sends to a witness (tlog-witness, `add-checkpoint`):
///
///     old 20852014
///     PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
///     jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
///
///     example.com/behind-the-sofa
///     20852163
///     CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
///
///     — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
///
/// A value of this type is well formed; what the witness must check is still to be checked, in the order that the
/// specification gives.
public struct AddCheckpointRequest: Sendable, Hashable {
    /// Size of the checkpoint that the witness cosigned last, as the log believes.
    public let oldSize: UInt64
    /// The consistency proof's path from there.
    public let path: [Hash]
    public let checkpoint: SignedCheckpoint

    /// "The client MUST NOT send more than 63 consistency proof lines."
    public static let maxPathCount = 63
    /// Bytes a request may have: the largest note, and a full proof.
    public static let maxByteCount = SignedNote.maxByteCount + 4096

    /// The path must not have more than 63 hashes.
    public init(oldSize: UInt64, path: [Hash], checkpoint: SignedCheckpoint) {
        precondition(path.count <= Self.maxPathCount, "a path of \(path.count) hashes")
        self.oldSize = oldSize
        self.path = path
        self.checkpoint = checkpoint
    }

    /// Throws unless `body` is a request, exactly as it prints.
    public init(parsing body: [UInt8]) throws(AddCheckpointError) {
        guard body.count <= Self.maxByteCount else { throw .tooLarge(bytes: body.count, limit: Self.maxByteCount) }
        guard let (head, rest) = body.splitAtFirstEmptyLine() else { throw .noBlankLine }
        var lines = head[...]
        // "The old size line MUST consist of the string old, a single space (0x20), and the tree size of the previous
        // checkpoint encoded as an ASCII decimal with no leading zeroes"
        guard let text = lines.popFirst()?.removingPrefix("old "), let oldSize = Decimal.parse(text),
            oldSize <= Checkpoint.maxSize
        else { throw .oldSize }
        guard lines.count <= Self.maxPathCount else {
            throw .tooManyHashes(count: lines.count, limit: Self.maxPathCount)
        }
        // "Each consistency proof line MUST encode a single hash in base64."
        var path: [Hash] = []
        for (number, line) in lines.enumerated() {
            guard let bytes = Base64.decode(line), let hash = Hash(bytes) else { throw .hash(number: number + 1) }
            path.append(hash)
        }
        let checkpoint: SignedCheckpoint
        do { checkpoint = try SignedCheckpoint(parsing: Array(rest)) } catch { throw .checkpoint(error) }
        self.init(oldSize: oldSize, path: path, checkpoint: checkpoint)
    }

    public var body: [UInt8] {
        let head = "old \(oldSize)\n" + path.map { $0.base64 + "\n" }.joined() + "\n"
        return Array(head.utf8) + checkpoint.bytes
    }

    public var consistencyProof: ConsistencyProof {
        ConsistencyProof(oldSize: oldSize, newSize: checkpoint.checkpoint.size, path: path)
    }
}

/// What was wrong with the body of an `add-checkpoint` request or of its response.
public enum AddCheckpointError: NamedFailure, Hashable {
    case tooLarge(bytes: Int, limit: Int)
    /// No empty line, so no checkpoint.
    case noBlankLine
    /// No line `old` with a canonical decimal number at the beginning.
    case oldSize
    /// A line of the proof, from 1, is not the canonical base64 of 32 bytes.
    case hash(number: Int)
    case tooManyHashes(count: Int, limit: Int)
    case checkpoint(CheckpointError)
    /// The response's last line has no newline, or there is no line.
    case noFinalNewline
    /// A line of the response is no signature line.
    case signature(NoteError)
    /// More signature lines than a note may have.
    case tooManySignatures(count: Int, limit: Int)
    /// The body of a 409 response is not a canonical decimal number and a newline.
    case conflictSize

    public var reason: String {
        switch self {
        case .tooLarge: "request-too-large"
        case .noBlankLine: "request-no-blank-line"
        case .oldSize: "request-old-size"
        case .hash: "request-hash"
        case .tooManyHashes: "request-too-many-hashes"
        case .checkpoint(let error): error.reason
        case .noFinalNewline: "response-no-final-newline"
        case .signature(let error): error.reason
        case .tooManySignatures: "response-too-many-signatures"
        case .conflictSize: "response-conflict-size"
        }
    }
}
