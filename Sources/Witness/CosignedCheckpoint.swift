public import Tlog

/// What a witness keeps of a log: the latest checkpoint that it cosigned, with the log's signatures that it verified and
/// its own cosignatures, and the time it signed.
public struct CosignedCheckpoint: Sendable, Hashable {
    /// The log's verified signatures first, then the witness's cosignatures; no other line.
    public let signed: SignedCheckpoint
    /// When it was cosigned, in seconds since 1970; never 0.
    public let seconds: UInt64

    /// Cosigns with every one of the witness's keys. "The cosignature MUST NOT omit the timestamp, i.e. the timestamp
    /// MUST NOT be zero."
    ///
    /// - Parameters:
    ///   - seconds: the time now.
    ///   - previous: what is recorded now. The time never goes back from its time: a cosignature says that "as of the
    ///     specified time" this is the largest tree seen, which an earlier time would take back.
    /// - Returns: nil if the clock says 0, or more than can be signed: it is not set.
    public init?(
        _ cosignable: CosignableCheckpoint, by cosigners: [any Cosigner], at seconds: UInt64,
        after previous: CosignedCheckpoint?
    ) {
        guard (1...Cosignature.maxSeconds).contains(seconds) else { return nil }
        let seconds = max(seconds, previous?.seconds ?? 0)
        let checkpoint = cosignable.checkpoint
        // "The signatures MUST be cosignatures from the witness key(s) on the checkpoint."
        signed = checkpoint.adding(cosigners.map { $0.cosign(checkpoint.checkpoint, at: seconds) })
        self.seconds = seconds
        precondition(signed.note.signatures.count == checkpoint.note.signatures.count + cosigners.count)
    }

    /// The lines of those keys.
    public func cosignatures(of cosigners: [any Cosigner]) -> [NoteSignature] {
        signed.note.signatures.filter { line in cosigners.contains { $0.verifierKey.matches(line) } }
    }

    // MARK: As bytes

    /// The time as 8 big-endian bytes, then the note.
    public var encoded: [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: seconds >> (56 - 8 * UInt64($0))) } + signed.bytes
    }

    /// Throws unless `bytes` are what `encoded` gives.
    public init(decoding bytes: [UInt8]) throws(CheckpointError) {
        guard bytes.count > 8 else { throw .note(.noFinalNewline) }
        seconds = bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) }
        signed = try SignedCheckpoint(parsing: Array(bytes[8...]))
    }
}
