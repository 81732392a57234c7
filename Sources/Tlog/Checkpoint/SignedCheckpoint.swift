/// A checkpoint in its note, with signatures that nobody has verified yet.
public struct SignedCheckpoint: Sendable, Hashable {
    public let checkpoint: Checkpoint
    public let note: SignedNote

    init(checkpoint: Checkpoint, note: SignedNote) {
        self.checkpoint = checkpoint
        self.note = note
    }

    /// Throws unless `bytes` are a note whose text is a checkpoint.
    public init(parsing bytes: [UInt8]) throws(CheckpointError) {
        do { note = try SignedNote(parsing: bytes) } catch { throw .note(error) }
        checkpoint = try Checkpoint(parsing: note.text)
    }

    public var bytes: [UInt8] { note.bytes }

    /// Throws unless the log signed: a key of type Ed25519 (0x01) whose name is the origin.
    public func verify(logKey: VerifierKey) throws(NoteError) {
        guard logKey.name == checkpoint.origin.keyName else {
            throw .keyNameIsNotOrigin(name: logKey.name, origin: checkpoint.origin)
        }
        try note.verify(logKey)
    }

    /// With more signature lines; those it already has are not repeated. Beyond `SignedNote.maxSignatureCount` lines
    /// the result could not be read again; whoever collects signatures takes only those of keys it knows.
    public func adding(_ signatures: [NoteSignature]) -> SignedCheckpoint {
        var all = note.signatures
        for signature in signatures where !all.contains(signature) { all.append(signature) }
        return SignedCheckpoint(checkpoint: checkpoint, note: SignedNote(wellFormed: note.text, signatures: all))
    }
}
