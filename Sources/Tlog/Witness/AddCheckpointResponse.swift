/// What a witness answers to `add-checkpoint` with status 200: "a sequence of one or more note signature lines, each
/// starting with the — character (U+2014) and ending with a newline character (U+000A)".
public struct AddCheckpointResponse: Sendable, Hashable {
    /// At least one, not verified.
    public let signatures: [NoteSignature]

    public init(signatures: [NoteSignature]) {
        precondition(!signatures.isEmpty, "a response without signatures")
        self.signatures = signatures
    }

    /// Throws unless `body` is a response, exactly as it prints.
    public init(parsing body: [UInt8]) throws(AddCheckpointError) {
        guard body.count <= SignedNote.maxByteCount else {
            throw .tooLarge(bytes: body.count, limit: SignedNote.maxByteCount)
        }
        guard body.last == 0x0a else { throw .noFinalNewline }
        guard String(validating: body, as: UTF8.self) != nil else { throw .signature(.notUTF8) }
        let lines = body.dropLast().split(separator: 0x0a, omittingEmptySubsequences: false)
        guard lines.count <= SignedNote.maxSignatureCount else {
            throw .tooManySignatures(count: lines.count, limit: SignedNote.maxSignatureCount)
        }
        var signatures: [NoteSignature] = []
        for (number, line) in lines.enumerated() {
            do {
                signatures.append(try NoteSignature(parsing: line, number: number + 1))
            } catch {
                throw .signature(error)
            }
        }
        self.signatures = signatures
    }

    public var body: [UInt8] {
        signatures.flatMap { Array($0.line.utf8) + [0x0a] }
    }

    /// The lines that may be copied to the log's own checkpoint: valid cosignatures of the keys that are expected from
    /// this witness. "The client MUST ignore any cosignatures from unknown keys."
    ///
    /// A line under a known name and key ID that is not valid makes the whole response malformed and throws, and so
    /// does one without a time: "the timestamp MUST NOT be zero".
    public func cosignatures(
        of checkpoint: Checkpoint, from keys: [VerifierKey]
    ) throws(NoteError) -> [NoteSignature] {
        var valid: [NoteSignature] = []
        for signature in signatures {
            guard let key = keys.first(where: { $0.matches(signature) }) else { continue }
            let seconds = try Cosignature.verify(signature, on: checkpoint, key: key)
            guard seconds > 0 else { throw .timestampZero }
            valid.append(signature)
        }
        return valid
    }

    /// The body of status 409: "The response body MUST consist of the tree size of the latest cosigned checkpoint in
    /// decimal, followed by a newline".
    public static func conflictBody(size: UInt64) -> [UInt8] { Array("\(size)\n".utf8) }

    /// Its media type.
    public static let conflictContentType = "text/x.tlog.size"

    /// The size in the body of status 409.
    public static func conflictSize(parsing body: [UInt8]) throws(AddCheckpointError) -> UInt64 {
        guard body.last == 0x0a, let size = Decimal.parse(body.dropLast()),
            size <= Checkpoint.maxSize
        else { throw .conflictSize }
        return size
    }
}
