import Governance
import Tlog

/// What carries heads of the log's former keys over to one that counts: a head under a key that has not ended, and
/// consistency proofs that lead to it. A former key that leaked can make no head that such a proof leads from.
public struct Successor: Sendable, Hashable {
    /// A checkpoint, as the log serves it.
    public let checkpoint: [UInt8]
    /// Consistency proofs, as ``Verifier/consistency(old:new:proof:)`` takes them: one from each tree that is to be
    /// carried over, but for the checkpoint's own.
    public let proofs: [[UInt8]]

    public init(checkpoint: [UInt8], proofs: [[UInt8]]) {
        self.checkpoint = checkpoint
        self.proofs = proofs
    }
}

extension Verifier {
    /// Whether the tree that a former key signed is carried over: "Old heads and receipts: whoever has a cut-off for a key
    /// takes what that key signed only together with a consistency proof from its tree to a head under the new key that
    /// has the quorum" (spec/governance.md).
    func checkSuccessor(
        of head: TreeHead, key: String, endedAt cutoff: UInt64, _ part: String?, _ list: inout CheckList
    ) {
        let values = [CheckValue("key", key), CheckValue("ended-at", cutoff), CheckValue("size", head.size)]
        do throws(CheckFailure) {
            let successor = try verifiedSuccessor(of: head)
            try Self.check(proofs: self.successor?.proofs ?? [], from: head, to: successor.treeHead)
            list.pass(
                .successor, of: part,
                values: values + [
                    CheckValue("to", successor.size), CheckValue("root", successor.root.hex),
                ])
        } catch {
            list.fail(.successor, of: part, error.code, error.sentence, values[0], values[1], values[2])
        }
    }

    /// The successor's checkpoint: of the trusted log, under a key that has not ended, vouched for by the quorum.
    private func verifiedSuccessor(of head: TreeHead) throws(CheckFailure) -> Checkpoint {
        guard let successor else {
            throw CheckFailure(
                "successor-missing",
                "the key has ended, so what it signed counts only with a newer checkpoint and a consistency proof that "
                    + "leads to it from the tree of \(head.size) entries (--successor, --consistency): ask the log for "
                    + "/checkpoint and then for /proof/consistency?from=\(head.size)&to=SIZE")
        }
        let signed: SignedCheckpoint
        do { signed = try SignedCheckpoint(parsing: successor.checkpoint) } catch { throw CheckFailure(error) }
        do throws(HeadFailure) { if !Mutant.successorHead.isOff { _ = try trust.verify(signed) } } catch {
            if case .former = error { throw CheckFailure("key-ended", "the successor: \(error)") }
            throw CheckFailure(error.reason, "the successor: \(error)")
        }
        return signed.checkpoint
    }

    /// One of the proofs leads from the older root to the newer one.
    private static func check(
        proofs: [[UInt8]], from old: TreeHead, to new: TreeHead
    ) throws(CheckFailure) {
        if old == new { return }
        var failure: CheckFailure?
        for bytes in proofs {
            do throws(CheckFailure) {
                try check(proof: bytes, from: old, to: new)
                return
            } catch {
                failure = failure ?? error
            }
        }
        throw failure
            ?? CheckFailure(
                "consistency-missing",
                "no consistency proof leads from the tree of \(old.size) entries to that of \(new.size) (--consistency)"
            )
    }

    private static func check(proof bytes: [UInt8], from old: TreeHead, to new: TreeHead) throws(CheckFailure) {
        let file: ConsistencyProofFile
        do throws(ConsistencyProofFileError) { file = try ConsistencyProofFile(parsing: bytes) } catch {
            throw CheckFailure(error)
        }
        if let sizes = file.sizes, (sizes.from, sizes.to) != (old.size, new.size) {
            throw CheckFailure(
                "other-sizes",
                "the proof is from size \(sizes.from) to size \(sizes.to), not from \(old.size) to \(new.size)")
        }
        do {
            let proof = ConsistencyProof(oldSize: old.size, newSize: new.size, path: file.path)
            if !Mutant.successorProof.isOff { try proof.verify(oldRoot: old.root, newRoot: new.root) }
        } catch {
            throw CheckFailure(error)
        }
    }
}
