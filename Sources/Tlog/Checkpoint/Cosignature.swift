/// Ed25519 cosignatures of checkpoints (tlog-cosignature, signature type 0x04).
///
/// A note signature whose bytes are the time in seconds since 1970 (8 bytes, big-endian) and an Ed25519 signature over
///
///     cosignature/v1
///     time 1679315147
///     example.com/behind-the-sofa
///     20852163
///     CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
public enum Cosignature {
    /// "`timestamp` […] MUST NOT exceed 2^63 - 1".
    public static let maxSeconds = UInt64(Int64.max)
    private static let byteCount = 8 + Ed25519.signatureByteCount

    /// A cosigner's line for the checkpoint: that this is the largest consistent tree it has seen of this log at
    /// `seconds` since 1970, which must not exceed `maxSeconds`.
    public static func sign(
        _ checkpoint: Checkpoint, name: KeyName, key: Ed25519.SigningKey, time seconds: UInt64
    ) -> NoteSignature {
        precondition(seconds <= maxSeconds, "\(seconds) seconds since 1970")
        let verifier = VerifierKey.cosigner(name: name, publicKey: key.publicKey)
        return NoteSignature(
            name: name, keyID: verifier.keyID,
            signature: seconds.bigEndianBytes + key.sign(message(checkpoint, seconds: seconds)))
    }

    /// The time, in seconds since 1970, that the cosigner signed for the checkpoint. Throws unless the line is under
    /// the key's name and ID and the signature is valid.
    public static func verify(
        _ signature: NoteSignature, on checkpoint: Checkpoint, key: VerifierKey
    ) throws(NoteError) -> UInt64 {
        guard key.type == .cosignatureEd25519, let publicKey = key.ed25519 else {
            throw .unsupportedSignatureType(key.type)
        }
        guard key.matches(signature) else { throw .noSignature(name: key.name, keyID: key.keyID) }
        guard signature.signature.count == byteCount else { throw .cosignatureLength(signature.signature.count) }
        let seconds = UInt64(bigEndianBytes: signature.signature[..<8])
        guard seconds <= maxSeconds else { throw .timestampTooLarge(seconds) }
        let message = message(checkpoint, seconds: seconds)
        guard publicKey.isValid(signature: signature.signature[8...], for: message) else {
            throw .invalidSignature(name: key.name, keyID: key.keyID)
        }
        return seconds
    }

    /// The time of `key`'s cosignature among the signatures of a checkpoint, the latest where there are several, or
    /// nil where it has none. A line under the key's name and ID that is not valid makes the whole note malformed.
    public static func verify(_ signed: SignedCheckpoint, key: VerifierKey) throws(NoteError) -> UInt64? {
        var latest: UInt64?
        for signature in signed.note.signatures where key.matches(signature) {
            let seconds = try verify(signature, on: signed.checkpoint, key: key)
            latest = max(latest ?? 0, seconds)
        }
        return latest
    }

    /// "two newline terminated lines (one header line and one timestamp line) followed by the whole note body of the
    /// cosigned checkpoint (including the final newline, but not including any signature lines)"
    private static func message(_ checkpoint: Checkpoint, seconds: UInt64) -> [UInt8] {
        Array("cosignature/v1\ntime \(seconds)\n\(checkpoint.noteText)".utf8)
    }
}
