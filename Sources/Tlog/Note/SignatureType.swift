/// The byte that says how a note's key signs.
public struct SignatureType: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    public let rawValue: UInt8

    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// Ed25519 over the note text.
    public static let ed25519 = SignatureType(rawValue: 0x01)
    /// "Timestamped Ed25519 checkpoint cosignatures".
    public static let cosignatureEd25519 = SignatureType(rawValue: 0x04)
    /// "Timestamped ML-DSA-44 (sub)tree cosignatures": read and carried, not verified.
    public static let cosignatureMLDSA44 = SignatureType(rawValue: 0x06)

    /// Bytes in a public key of this type; nil for types that this code does not know.
    var publicKeyByteCount: Int? {
        switch self {
        case .ed25519, .cosignatureEd25519: 32
        case .cosignatureMLDSA44: 1312
        default: nil
        }
    }

    public var description: String { "0x" + Hex.encode([rawValue]) }
}
