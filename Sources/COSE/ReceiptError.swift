public import Tlog

/// Why bytes are not a receipt that Holdfast reads, or a receipt does not verify.
public enum ReceiptError: NamedFailure, Hashable {
    /// The receipt as COSE_Sign1, its common headers, its key or its signature.
    case envelope(COSEError)
    /// The payload is attached. It has to be detached, so that a verifier can't but compute the root.
    case payloadAttached
    /// The verifiable data structure (395) is not RFC9162_SHA256 (1).
    case dataStructure(CBOR)
    /// The proofs (396) are not in the unprotected header.
    case proofsMissing
    /// The proofs (396) are no map of exactly one of inclusion (-1) and consistency (-2) proofs.
    case proofsInvalid
    /// There is not exactly one proof.
    case proofCount(Int)
    /// The proof's bytes are not sound CBOR.
    case proofEncoding(CBORError)
    /// The proof is not an array of two unsigned integers and an array of 32-byte hashes, at most 64 of them.
    case proofForm
    /// The private label of the checkpoint has no byte string.
    case checkpointInvalid
    /// The checkpoint that the receipt carries can't be read.
    case checkpoint(CheckpointError)
    /// The checkpoint that the receipt carries is of another origin, size or root than the receipt.
    case checkpointMismatch
    /// The path does not lead anywhere, or not to the older root.
    case proof(ProofError)
    /// The receipt has a proof of the other kind than the one asked for.
    case wrongKind
    /// A consistency proof from the empty tree says nothing about a root.
    case emptyOldTree

    public var reason: String {
        switch self {
        case .envelope(let error): error.reason
        case .payloadAttached: "payload-attached"
        case .dataStructure: "data-structure"
        case .proofsMissing: "proofs-missing"
        case .proofsInvalid: "proofs-invalid"
        case .proofCount: "proof-count"
        case .proofEncoding(let error): error.reason
        case .proofForm: "proof-form"
        case .checkpointInvalid: "checkpoint-invalid"
        case .checkpoint: "checkpoint"
        case .checkpointMismatch: "checkpoint-mismatch"
        case .proof(let error): error.reason
        case .wrongKind: "wrong-kind"
        case .emptyOldTree: "empty-old-tree"
        }
    }
}

extension ReceiptError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .envelope(let error): "\(error)"
        case .payloadAttached: "a receipt's payload has to be detached"
        case .dataStructure(let value): "verifiable data structure \(value) is not RFC9162_SHA256 (1)"
        case .proofsMissing: "there are no proofs (396) in the unprotected header"
        case .proofsInvalid: "the proofs (396) are not one of inclusion (-1) and consistency (-2)"
        case .proofCount(let count): "a receipt has one proof, not \(count)"
        case .proofEncoding(let error): "proof: \(error)"
        case .proofForm: "the proof is not [size, index or size, [hashes]]"
        case .checkpointInvalid: "the checkpoint's label has no byte string"
        case .checkpoint(let error): "checkpoint: \(error)"
        case .checkpointMismatch: "the checkpoint is of another origin, size or root than the receipt"
        case .proof(let error): "proof: \(error)"
        case .wrongKind: "the receipt has a proof of the other kind"
        case .emptyOldTree: "a consistency proof from the empty tree says nothing about a root"
        }
    }
}
