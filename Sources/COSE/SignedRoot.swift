public import Tlog

/// A log's receipt signature over the root of one head. Every receipt under that head has the same protected header
/// and the same payload, so this one signature serves them all.
public struct SignedRoot: Sendable, Hashable {
    public let head: TreeHead
    /// The log's origin: issuer and subject of its receipts.
    public let origin: Origin
    /// The thumbprint of the log's receipt key.
    public let keyID: Hash
    /// The checkpoint that the receipts carry.
    public let checkpoint: SignedCheckpoint?
    /// Its bytes and those of the key's thumbprint, made once and not for each receipt.
    let checkpointBytes: [UInt8]?
    let keyIDBytes: [UInt8]
    /// The encoded protected header.
    public let protected: [UInt8]
    /// 64 bytes.
    public let signature: [UInt8]

    /// Signs the root of a head.
    ///
    /// - Parameters:
    ///   - head: the head; its root is signed.
    ///   - origin: the log's origin.
    ///   - key: the log's receipt key.
    ///   - checkpoint: the signed checkpoint of the same head, for receipts to carry.
    public init(head: TreeHead, origin: Origin, key: Ed25519.SigningKey, checkpoint: SignedCheckpoint?) {
        self.head = head
        self.origin = origin
        self.checkpoint = checkpoint
        checkpointBytes = checkpoint?.bytes
        keyID = COSEKey(key.publicKey).thumbprint
        keyIDBytes = keyID.bytes
        protected = Self.protected(origin: origin, keyID: keyID)
        signature = key.sign(COSESign1.toBeSigned(protected: protected, payload: head.root.bytes))
    }

    private init(_ root: SignedRoot, checkpoint: SignedCheckpoint?) {
        head = root.head
        origin = root.origin
        keyID = root.keyID
        keyIDBytes = root.keyIDBytes
        self.checkpoint = checkpoint
        checkpointBytes = checkpoint?.bytes
        protected = root.protected
        signature = root.signature
    }

    /// The same signature, its receipts carrying another checkpoint of the same head: one with more cosignatures.
    public func carrying(_ checkpoint: SignedCheckpoint?) -> SignedRoot {
        SignedRoot(self, checkpoint: checkpoint)
    }

    /// `{1: -8, 4: thumbprint, 15: {1: origin, 2: origin}, 395: 1}`, deterministic.
    private static func protected(origin: Origin, keyID: Hash) -> [UInt8] {
        let header: CBORMap = [
            CBOR(COSELabel.algorithm): CBOR(COSEAlgorithm.edDSA),
            CBOR(COSELabel.keyID): .bytes(keyID.bytes),
            CBOR(COSELabel.claims): [
                CBOR(COSELabel.issuer): .text(origin.text), CBOR(COSELabel.subject): .text(origin.text),
            ],
            CBOR(COSELabel.dataStructure): 1,
        ]
        return header.encoded()
    }

    /// The receipt that an entry is under this head. The proof has to be for the head's size.
    public func receipt(_ proof: InclusionProof) -> Receipt {
        precondition(proof.size == head.size, "an inclusion proof for another size than the signed head's")
        return Receipt(self, proof: .inclusion(proof))
    }

    /// The bytes of the same receipt, made without it.
    public func encodedReceipt(_ proof: InclusionProof) -> [UInt8] {
        precondition(proof.size == head.size, "an inclusion proof for another size than the signed head's")
        return Receipt.encoded(
            .inclusion(proof), protected: protected, signature: signature, checkpoint: checkpointBytes)
    }

    /// Writes the same bytes behind others.
    package func writeReceipt(_ proof: InclusionProof, to writer: inout CBORWriter) {
        precondition(proof.size == head.size, "an inclusion proof for another size than the signed head's")
        Receipt.write(
            .inclusion(proof), protected: protected, signature: signature, checkpoint: checkpointBytes, to: &writer)
    }

    /// The receipt that this head continues an older one. The proof has to end at the head's size.
    public func receipt(_ proof: ConsistencyProof) -> Receipt {
        precondition(proof.newSize == head.size, "a consistency proof to another size than the signed head's")
        return Receipt(self, proof: .consistency(proof))
    }
}
