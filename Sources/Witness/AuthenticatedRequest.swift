public import Tlog

/// A request whose checkpoint was signed by the log it names, under a key that the witness trusts for it.
///
/// Nothing of a request is believed, and no state is looked at, before there is a value of this type.
public struct AuthenticatedRequest: Sendable, Hashable {
    public let request: AddCheckpointRequest
    /// The checkpoint with the log's signatures that were verified, one for each key, and with no other line: whatever
    /// else the note carried, forged cosignatures in the witness's own name among it, ends here.
    public let checkpoint: SignedCheckpoint

    /// Bytes that a request may have. signed-note: "MUST accept at least up to 16 signatures", which in ML-DSA-44 take
    /// 3.3 kB each. Half of what a note may have, so that the recorded note, with the witness's own lines added, is
    /// always one that can be read again.
    public static let maxByteCount = 65_536

    /// Reads a request and authenticates it: the steps that need no state.
    public init(parsing body: [UInt8], knownLogs: KnownLogs) throws(Refusal) {
        guard body.count <= Self.maxByteCount else {
            throw .malformed(.tooLarge(bytes: body.count, limit: Self.maxByteCount))
        }
        let request: AddCheckpointRequest
        do {
            request = try AddCheckpointRequest(parsing: body)
        } catch .checkpoint(.origin) {
            // tlog-checkpoint allows origins that are no key names. No log in the list has one.
            throw .unknownOrigin("in the request, whose origin is no key name")
        } catch {
            throw .malformed(error)
        }
        try self.init(request, knownLogs: knownLogs)
    }

    private init(_ request: AddCheckpointRequest, knownLogs: KnownLogs) throws(Refusal) {
        let signed = request.checkpoint
        let origin = signed.checkpoint.origin
        // "If the checkpoint origin is unknown, the witness MUST respond with a "404 Not Found" HTTP status code."
        let keys = knownLogs.keys(for: origin)
        guard !keys.isEmpty else { throw .unknownOrigin(origin.text) }
        // "The witness MUST verify the checkpoint signature against the public key(s) it trusts for the checkpoint
        // origin, and it MUST ignore signatures from unknown keys."
        var verified: [NoteSignature] = []
        for key in keys where signed.note.signatures.contains(where: key.matches) {
            // "The witness MUST respond with a "403 Forbidden" HTTP status code if either no signature from a trusted
            // key for the origin is present, or a signature line's key name and ID match a trusted key but the
            // signature itself fails to verify (such a note is malformed per signed-note)."
            let own: [NoteSignature]
            do { own = try signed.note.verify(key) } catch { throw .invalidSignature(key) }
            verified += own.prefix(1)
        }
        guard !verified.isEmpty else { throw .noTrustedSignature(origin) }
        self.request = request
        do {
            let note = try SignedNote(text: signed.note.text, signatures: verified)
            checkpoint = try SignedCheckpoint(parsing: note.bytes)
        } catch {
            preconditionFailure("a note without some of its signatures is no note: \(error)")
        }
    }

    public var origin: Origin { checkpoint.checkpoint.origin }
}
