public import Tlog

/// One of a witness's keys, and how it signs. A witness may have several: every one of them cosigns every checkpoint.
public protocol Cosigner: Sendable {
    /// What clients know the witness by.
    var verifierKey: VerifierKey { get }

    /// The cosignature of the whole tree that the checkpoint is of.
    ///
    /// - Parameter seconds: since 1970, 1 ... `Cosignature.maxSeconds`.
    func cosign(_ checkpoint: Checkpoint, at seconds: UInt64) -> NoteSignature
}

/// Ed25519 cosignatures (tlog-cosignature, type 0x04).
///
/// "The Ed25519 signed message format doesn't commit to the cosigner name, so the same public key can't be used across
/// multiple cosigners."
public struct Ed25519Cosigner: Cosigner {
    public let verifierKey: VerifierKey
    private let key: Ed25519.SigningKey

    public init(name: KeyName, key: Ed25519.SigningKey) {
        verifierKey = .cosigner(name: name, publicKey: key.publicKey)
        self.key = key
    }

    public func cosign(_ checkpoint: Checkpoint, at seconds: UInt64) -> NoteSignature {
        Cosignature.sign(checkpoint, name: verifierKey.name, key: key, time: seconds)
    }
}
