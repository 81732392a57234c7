/// One signature line of a note:
///
///     — <key name> base64(32-bit key ID || signature)
public struct NoteSignature: Sendable, Hashable, CustomStringConvertible {
    public let name: KeyName
    public let keyID: UInt32
    /// What follows the key ID; at least one byte.
    public let signature: [UInt8]

    public init(name: KeyName, keyID: UInt32, signature: [UInt8]) {
        precondition(!signature.isEmpty, "a signature of no bytes")
        self.name = name
        self.keyID = keyID
        self.signature = signature
    }

    /// Throws unless `line`, which must not have its newline, is exactly what `line` prints.
    public init(parsing line: String) throws(NoteError) {
        try self.init(parsing: Array(line.utf8)[...], number: 1)
    }

    /// `number` is for the error: the line's place in the signature block, from 1.
    init(parsing line: ArraySlice<UInt8>, number: Int) throws(NoteError) {
        // "em dash (U+2014), space (U+0020), key name, space, base64-encoded signature, newline"
        guard line.starts(with: Self.prefix) else { throw .malformedSignatureLine(line: number) }
        let fields = line.dropFirst(Self.prefix.count).split(separator: 0x20, omittingEmptySubsequences: false)
        guard fields.count == 2 else { throw .malformedSignatureLine(line: number) }
        name = try KeyName(String(decoding: fields[0], as: UTF8.self))
        guard let bytes = Base64.decode(fields[1]) else { throw .signatureBase64(line: number) }
        // "Signatures are the base64 encoding of 4+n bytes."
        guard bytes.count > 4 else { throw .signatureTooShort(line: number, bytes: bytes.count) }
        keyID = UInt32(bigEndianBytes: bytes[..<4])
        signature = Array(bytes[4...])
    }

    static let prefix = Array("— ".utf8)

    /// Without the newline.
    public var line: String {
        "— \(name.text) \(Base64.encode(keyID.bigEndianBytes + signature))"
    }

    public var description: String { line }
}
