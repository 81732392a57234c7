public import Tlog

/// Why a witness does not cosign. Which HTTP status each gets is said once, in `WitnessServer`.
public enum Refusal: NamedFailure, Hashable {
    /// The request is not one.
    case malformed(AddCheckpointError)
    /// "the checkpoint origin is unknown"
    case unknownOrigin(String)
    /// "no signature from a trusted key for the origin is present"
    case noTrustedSignature(Origin)
    /// "a signature line's key name and ID match a trusted key but the signature itself fails to verify"
    case invalidSignature(VerifierKey)
    /// The old size is above the checkpoint's.
    case oldSizeTooLarge(old: UInt64, new: UInt64)
    /// The old size is not that of the latest cosigned checkpoint, which is `recorded`.
    case conflict(old: UInt64, recorded: UInt64)
    /// A checkpoint of size zero whose root is not that of the empty tree.
    case emptyTreeRoot(Hash)
    /// Proof lines though the old size is zero.
    case proofFromEmptyTree(hashes: Int)
    /// The consistency proof does not verify.
    case inconsistent(ProofError)
    /// The same size as the latest cosigned checkpoint, and another root.
    case rootsDiffer(size: UInt64, recorded: Hash, submitted: Hash)

    public var reason: String {
        switch self {
        case .malformed(let error): error.reason
        case .unknownOrigin: "unknown-origin"
        case .noTrustedSignature: "no-trusted-signature"
        case .invalidSignature: "invalid-signature"
        case .oldSizeTooLarge: "old-size-too-large"
        case .conflict: "old-size-conflict"
        case .emptyTreeRoot: "empty-tree-root"
        case .proofFromEmptyTree: "proof-from-empty-tree"
        case .inconsistent(let error): error.reason
        case .rootsDiffer: "roots-differ"
        }
    }
}

extension Refusal: CustomStringConvertible {
    /// A sentence for whoever sent the request, with the values and without a full stop.
    public var description: String {
        switch self {
        case .malformed(let error): "the body is not an add-checkpoint request (\(error))"
        case .unknownOrigin(let origin): "this witness does not watch the log \(origin)"
        case .noTrustedSignature(let origin): "no signature of a key that this witness trusts for \(origin)"
        case .invalidSignature(let key): "a signature line under \(key.name) and the ID of its key is not that key's"
        case .oldSizeTooLarge(let old, let new): "the old size \(old) is above the checkpoint's size \(new)"
        case .conflict(let old, let recorded):
            "the old size is \(old), and the latest checkpoint that this witness cosigned has the size \(recorded)"
        case .emptyTreeRoot(let root): "the root of the empty tree is \(Hash.emptyTree.base64), not \(root.base64)"
        case .proofFromEmptyTree(let hashes): "a proof from the empty tree is empty, and this one has \(hashes) hashes"
        case .inconsistent(let error): "the consistency proof does not verify (\(error.reason))"
        case .rootsDiffer(let size, let recorded, let submitted):
            "the tree of size \(size) had the root \(recorded.base64) before, and has \(submitted.base64) here"
        }
    }
}
