public import COSE
public import Tlog

/// A statement's place in the log, proved under a published head.
public struct Registration: Sendable {
    public let index: UInt64
    public let leafHash: Hash

    /// Whether the statement was in the log before this submission.
    public let duplicate: Bool

    /// That the entry is in the tree of ``head``.
    public let proof: InclusionProof

    public let head: PublishedHead

    package init(index: UInt64, leafHash: Hash, duplicate: Bool, proof: InclusionProof, head: PublishedHead) {
        self.index = index
        self.leafHash = leafHash
        self.duplicate = duplicate
        self.proof = proof
        self.head = head
    }

    /// The receipt (RFC 9942) that proves the registration under the log's receipt key.
    public func receipt() -> Receipt {
        head.signedRoot.receipt(proof)
    }

    /// The bytes of the receipt, made without it.
    public func encodedReceipt() -> [UInt8] {
        head.signedRoot.encodedReceipt(proof)
    }

    /// Writes the same bytes behind others.
    package func writeReceipt(to writer: inout CBORWriter) {
        head.signedRoot.writeReceipt(proof, to: &writer)
    }

    /// The same proof in the form of c2sp.org/tlog-proof, with the checkpoint it leads to.
    public func tlogProof() -> TlogProof {
        TlogProof(extra: nil, index: index, path: proof.path, checkpoint: head.checkpoint)
    }
}
