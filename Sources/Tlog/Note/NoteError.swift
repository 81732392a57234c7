/// What was wrong with a note, a key, or a signature.
public enum NoteError: NamedFailure, Hashable {
    case emptyKeyName
    /// A space, a plus or a control character in a key name.
    case keyNameCharacter(name: String, codepoint: UInt32)
    case tooLarge(bytes: Int, limit: Int)
    case notUTF8
    /// A control character other than newline, at this byte.
    case controlCharacter(byte: UInt8, offset: Int)
    /// The last line has no newline.
    case noFinalNewline
    /// No blank line, so no signatures.
    case noBlankLine
    case noSignatures
    case tooManySignatures(count: Int, limit: Int)
    /// Not "em dash, space, key name, space, base64"; lines of the signature block are counted from 1.
    case malformedSignatureLine(line: Int)
    /// Not canonical base64.
    case signatureBase64(line: Int)
    /// Too short to hold a key ID and a signature.
    case signatureTooShort(line: Int, bytes: Int)
    /// Not "name+hex+base64".
    case malformedVerifierKey(String)
    /// A verifier key states another key ID than its name and public key give.
    case keyIDMismatch(stated: UInt32, computed: UInt32)
    case unsupportedSignatureType(SignatureType)
    case publicKeyLength(type: SignatureType, bytes: Int)
    case publicKey(Ed25519Error)
    /// A signature under a known key's name and ID is not that key's.
    case invalidSignature(name: KeyName, keyID: UInt32)
    /// No signature under the known key's name and ID.
    case noSignature(name: KeyName, keyID: UInt32)
    /// The log's key is named otherwise than the checkpoint's origin.
    case keyNameIsNotOrigin(name: KeyName, origin: Origin)
    /// A cosignature of this many bytes (without the key ID); 72 are needed.
    case cosignatureLength(Int)
    /// "It MUST NOT exceed 2^63 - 1".
    case timestampTooLarge(UInt64)
    /// A cosignature that the key's owner says proves no time.
    case timestampZero

    public var reason: String {
        switch self {
        case .emptyKeyName: "empty-key-name"
        case .keyNameCharacter: "key-name-character"
        case .tooLarge: "note-too-large"
        case .notUTF8: "not-utf8"
        case .controlCharacter: "control-character"
        case .noFinalNewline: "no-final-newline"
        case .noBlankLine: "no-blank-line"
        case .noSignatures: "no-signatures"
        case .tooManySignatures: "too-many-signatures"
        case .malformedSignatureLine: "malformed-signature-line"
        case .signatureBase64: "signature-base64"
        case .signatureTooShort: "signature-too-short"
        case .malformedVerifierKey: "malformed-verifier-key"
        case .keyIDMismatch: "key-id-mismatch"
        case .unsupportedSignatureType: "unsupported-signature-type"
        case .publicKeyLength: "public-key-length"
        case .publicKey(let error): error.reason
        case .invalidSignature: "invalid-signature"
        case .noSignature: "no-signature"
        case .keyNameIsNotOrigin: "key-name-is-not-origin"
        case .cosignatureLength: "cosignature-length"
        case .timestampTooLarge: "timestamp-too-large"
        case .timestampZero: "timestamp-zero"
        }
    }
}
