/// A key that verifies notes, with the name it signs under.
///
///     example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k
///
/// signed-note: "`<key name>+hex(32-bit key ID)+base64(signature type || public key)`". The types are Ed25519 (0x01),
/// Ed25519 cosignatures (0x04) and, carried but not verified, ML-DSA-44 cosignatures (0x06).
public struct VerifierKey: Sendable, Hashable, CustomStringConvertible {
    public let name: KeyName
    public let type: SignatureType
    /// As its type encodes it: 32 bytes for Ed25519.
    public let publicKey: [UInt8]
    /// "SHA-256(key name || 0x0A || signature type || public key)[:4]", big-endian.
    public let keyID: UInt32
    /// The key as a checked Ed25519 key, where it is one.
    public let ed25519: Ed25519.PublicKey?

    /// Throws unless `text` is exactly what `text` prints for the key.
    public init(parsing text: String) throws(NoteError) {
        // The base64 may contain a plus, the name and the ID may not: split at the first two.
        let parts = text.utf8.split(separator: 0x2b, maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let id = Hex.decode(String(decoding: parts[1], as: UTF8.self)), id.count == 4,
            let material = Base64.decode(String(decoding: parts[2], as: UTF8.self)), let type = material.first
        else { throw .malformedVerifierKey(text) }
        let name = try KeyName(String(decoding: parts[0], as: UTF8.self))
        try self.init(name: name, type: SignatureType(rawValue: type), publicKey: Array(material.dropFirst()))
        let stated = id.reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
        // "The key name and ID MUST match those used in the signatures."
        guard stated == keyID else { throw .keyIDMismatch(stated: stated, computed: keyID) }
    }

    /// Throws for a type that is not known here, or a public key that is not of that type.
    public init(name: KeyName, type: SignatureType, publicKey: [UInt8]) throws(NoteError) {
        guard let length = type.publicKeyByteCount else { throw .unsupportedSignatureType(type) }
        guard publicKey.count == length else { throw .publicKeyLength(type: type, bytes: publicKey.count) }
        var checked: Ed25519.PublicKey?
        if type != .cosignatureMLDSA44 {
            do { checked = try Ed25519.PublicKey(publicKey) } catch { throw .publicKey(error) }
        }
        self.init(name: name, type: type, publicKey: publicKey, ed25519: checked)
    }

    private init(name: KeyName, type: SignatureType, publicKey: [UInt8], ed25519: Ed25519.PublicKey?) {
        self.name = name
        self.type = type
        self.publicKey = publicKey
        self.ed25519 = ed25519
        let digest = Hash.sha256(parts: Array(name.text.utf8), [0x0a, type.rawValue], publicKey)
        keyID = (0..<4).reduce(0 as UInt32) { $0 << 8 | UInt32(digest[$1]) }
    }

    /// The key of one who signs notes (a log): type 0x01.
    public static func ed25519(name: KeyName, publicKey: Ed25519.PublicKey) -> VerifierKey {
        VerifierKey(name: name, type: .ed25519, publicKey: publicKey.bytes, ed25519: publicKey)
    }

    /// The key of one who cosigns checkpoints (a witness): type 0x04.
    public static func cosigner(name: KeyName, publicKey: Ed25519.PublicKey) -> VerifierKey {
        VerifierKey(name: name, type: .cosignatureEd25519, publicKey: publicKey.bytes, ed25519: publicKey)
    }

    public var text: String {
        "\(name.text)+\(Hex.encode(keyID.bigEndianBytes))+\(Base64.encode([type.rawValue] + publicKey))"
    }

    public var description: String { text }

    /// Whether a signature line is under this key's name and ID.
    public func matches(_ signature: NoteSignature) -> Bool {
        signature.keyID == keyID && signature.name == name
    }
}
