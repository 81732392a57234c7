/// A text with signatures, as signed-note writes it:
///
///     This is an example message.
///
///     — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
///
/// A value of this type is well formed, and printing it gives the bytes it was read from. It says nothing about who
/// signed: the text is to be ignored until a signature was verified.
public struct SignedNote: Sendable, Hashable {
    /// Bytes a note may have: 16 signatures of 5 kB in base64, and room for the text. Signatures of ML-DSA-44 take
    /// about 3.3 kB each.
    public static let maxByteCount = 131_072
    /// "Verifiers SHOULD apply a maximum limit to the number of signatures in a note […], but MUST accept at least up
    /// to 16 signatures."
    public static let maxSignatureCount = 100

    /// With its final newline, without the blank line.
    public let text: String
    /// At least one.
    public let signatures: [NoteSignature]

    /// Throws unless `text` can be the text of a note: it ends with a newline and has no control characters.
    public init(text: String, signatures: [NoteSignature]) throws(NoteError) {
        let bytes = Array(text.utf8)
        try Self.checkCharacters(bytes)
        guard bytes.last == 0x0a else { throw .noFinalNewline }
        try Self.checkCount(signatures.count)
        self.text = text
        self.signatures = signatures
    }

    /// For texts that are well formed by construction.
    init(wellFormed text: String, signatures: [NoteSignature]) {
        self.text = text
        self.signatures = signatures
    }

    /// Throws unless `bytes` are a note.
    public init(parsing bytes: [UInt8]) throws(NoteError) {
        guard bytes.count <= Self.maxByteCount else { throw .tooLarge(bytes: bytes.count, limit: Self.maxByteCount) }
        // "Signed notes MUST be valid UTF-8 and MUST NOT contain any ASCII control characters (those below U+0020)
        // other than newline."
        try Self.checkCharacters(bytes)
        guard String(validating: bytes, as: UTF8.self) != nil else { throw .notUTF8 }
        guard bytes.last == 0x0a else { throw .noFinalNewline }
        // "the text is separated from the signatures by the last empty line in the note"
        guard let blank = Self.lastBlankLine(in: bytes) else { throw .noBlankLine }
        text = String(decoding: bytes[..<blank], as: UTF8.self)
        let lines = bytes[(blank + 1)...].dropLast().split(separator: 0x0a, omittingEmptySubsequences: false)
        if lines.allSatisfy(\.isEmpty) { throw .noSignatures }
        try Self.checkCount(lines.count)
        var signatures: [NoteSignature] = []
        signatures.reserveCapacity(lines.count)
        for (number, line) in lines.enumerated() {
            signatures.append(try NoteSignature(parsing: line, number: number + 1))
        }
        self.signatures = signatures
    }

    public var bytes: [UInt8] {
        var out = Array(text.utf8)
        out.append(0x0a)
        for signature in signatures {
            out.append(contentsOf: signature.line.utf8)
            out.append(0x0a)
        }
        return out
    }

    /// The signatures that `key` made over the text, for a key of type Ed25519 (0x01).
    ///
    /// "If the key name and ID match a known key, verifiers MUST verify the signature. If a signature from a known key
    /// fails to verify, clients SHOULD reject the whole note. If no signature from a known key verifies successfully,
    /// clients MUST reject the note." So this throws if there is no signature under the key's name and ID, or if one
    /// of them is not valid; signatures under other names or IDs are not looked at.
    @discardableResult
    public func verify(_ key: VerifierKey) throws(NoteError) -> [NoteSignature] {
        guard key.type == .ed25519, let publicKey = key.ed25519 else { throw .unsupportedSignatureType(key.type) }
        let own = signatures.filter(key.matches)
        guard !own.isEmpty else { throw .noSignature(name: key.name, keyID: key.keyID) }
        let message = Array(text.utf8)
        for signature in own where !publicKey.isValid(signature: signature.signature, for: message) {
            throw .invalidSignature(name: key.name, keyID: key.keyID)
        }
        return own
    }

    public static func == (left: SignedNote, right: SignedNote) -> Bool {
        left.signatures == right.signatures && left.text.hasSameBytes(as: right.text)
    }

    public func hash(into hasher: inout Hasher) {
        text.hashBytes(into: &hasher)
        hasher.combine(signatures)
    }

    /// The offset of the blank line's newline in the last "newline, newline"; nil if there is none.
    private static func lastBlankLine(in bytes: [UInt8]) -> Int? {
        var offset = bytes.count - 1
        while offset > 0 {
            if bytes[offset] == 0x0a && bytes[offset - 1] == 0x0a { return offset }
            offset -= 1
        }
        return nil
    }

    private static func checkCharacters(_ bytes: [UInt8]) throws(NoteError) {
        if let offset = bytes.firstIndex(where: { $0 < 0x20 && $0 != 0x0a }) {
            throw .controlCharacter(byte: bytes[offset], offset: offset)
        }
    }

    private static func checkCount(_ count: Int) throws(NoteError) {
        guard count > 0 else { throw .noSignatures }
        guard count <= maxSignatureCount else { throw .tooManySignatures(count: count, limit: maxSignatureCount) }
    }
}
