public import Tlog

/// What a witness does with a request of a log, given what it recorded for that log: the whole of tlog-witness's
/// `add-checkpoint`, without a clock, a key or a disk.
///
/// The checks stand in the order of the specification, and none of them changes anything. Whoever decides must record a
/// checkpoint that may be cosigned in one step with the decision: "checking the old size against the latest checkpoint
/// and persisting the new checkpoint must be performed atomically".
public enum WitnessDecision: Sendable, Hashable {
    /// All checks passed.
    case cosign(CosignableCheckpoint)
    /// Not cosigned. Where the request itself proves that the log misbehaved, the proof is with it.
    case refuse(Refusal, Misbehaviour?)

    /// - Parameter recorded: the latest checkpoint that the witness cosigned for this origin, nil if it never did.
    public init(_ request: AuthenticatedRequest, recorded: SignedCheckpoint?) {
        let misbehaviour = Misbehaviour(of: request.checkpoint, recorded: recorded)
        do {
            let from = try Self.check(request.request, recorded: recorded?.checkpoint)
            self = .cosign(CosignableCheckpoint(checkpoint: request.checkpoint, from: from))
        } catch {
            self = .refuse(error, misbehaviour)
        }
    }

    /// Whether the checkpoint continues the recorded one; returns the recorded size.
    private static func check(
        _ request: AddCheckpointRequest, recorded: Checkpoint?
    ) throws(Refusal) -> UInt64 {
        let new = request.checkpoint.checkpoint
        let old = request.oldSize
        // "The old size MUST be equal to or lower than the checkpoint size. Otherwise, the witness MUST respond with a
        // "400 Bad Request" HTTP status code."
        guard old <= new.size else { throw .oldSizeTooLarge(old: old, new: new.size) }
        // "The witness MUST check that the old size matches the size of the latest checkpoint it cosigned for the
        // checkpoint's origin (or zero if it never cosigned a checkpoint for that origin). If it doesn't match, the
        // witness MUST respond with a "409 Conflict" HTTP status code."
        let head = recorded?.treeHead ?? .empty
        guard old == head.size else { throw .conflict(old: old, recorded: head.size) }
        // "A checkpoint of size zero MUST have the root hash of the empty tree, which RFC 6962, Section 2.1 defines as
        // the hash of the empty string. Otherwise, the witness MUST respond with a "422 Unprocessable Entity" HTTP
        // status code."
        guard new.size > 0 || new.root == .emptyTree else { throw .emptyTreeRoot(new.root) }
        // "If the old size is zero, the consistency proof MUST be empty, because the empty tree is consistent with any
        // tree, so no proof is necessary." […] "If the proof is not empty when the old size is zero, or if a Merkle
        // Consistency Proof doesn't verify, the witness MUST respond with a "422 Unprocessable Entity" HTTP status
        // code."
        guard old > 0 || request.path.isEmpty else { throw .proofFromEmptyTree(hashes: request.path.count) }
        // "If the old size matches the checkpoint size, the witness MUST check that the root hashes are also identical.
        // If they don't match, the witness MUST respond with a "422 Unprocessable Entity" HTTP status code."
        guard old < new.size || head.root == new.root else {
            throw .rootsDiffer(size: old, recorded: head.root, submitted: new.root)
        }
        // "Otherwise, the consistency proof lines MUST encode a Merkle Consistency Proof from the old size to the
        // checkpoint size according to RFC 6962, Section 2.1.2."
        do {
            try request.consistencyProof.verify(oldRoot: head.root, newRoot: new.root)
        } catch {
            throw .inconsistent(error)
        }
        return head.size
    }
}

/// A checkpoint of which the decision found that it may be cosigned, as soon as it is recorded. Only the decision makes
/// one, and only such a one can be cosigned.
public struct CosignableCheckpoint: Sendable, Hashable {
    /// With the log's verified signatures and no other line.
    public let checkpoint: SignedCheckpoint
    /// Size of the checkpoint that it takes the place of; 0 if there is none.
    public let from: UInt64

    fileprivate init(checkpoint: SignedCheckpoint, from: UInt64) {
        self.checkpoint = checkpoint
        self.from = from
    }

    /// Whether the tree is larger than the recorded one. If not, the log asks for a cosignature with a later time.
    public var grows: Bool { checkpoint.checkpoint.size > from }
}

/// Two statements of a log that can't both be true, or one that can't be: signed by the log, so they prove themselves.
///
/// "If the origin is known, and the signature is valid, the witness MAY log the request even if the checkpoint fails one
/// of the consistency checks above (but MUST NOT cosign the checkpoint), as it might be proof of log misbehavior."
/// A proof that does not verify is no such proof: anyone can put a wrong one before a log's good checkpoint.
public enum Misbehaviour: Sendable, Hashable {
    /// Two roots for one size.
    case fork(recorded: SignedCheckpoint, submitted: SignedCheckpoint)
    /// A tree without leaves that has another root than the empty tree.
    case emptyTreeRoot(submitted: SignedCheckpoint)

    /// Whether the old size was right does not matter here.
    init?(of submitted: SignedCheckpoint, recorded: SignedCheckpoint?) {
        let head = submitted.checkpoint.treeHead
        if head.size == 0, head.root != .emptyTree {
            self = .emptyTreeRoot(submitted: submitted)
        } else if let recorded, recorded.checkpoint.size == head.size, recorded.checkpoint.root != head.root {
            self = .fork(recorded: recorded, submitted: submitted)
        } else {
            return nil
        }
    }
}
