public import Tlog

/// A COSE receipt (RFC 9942) for the data structure RFC9162_SHA256: a log's signature over the root of its tree, the
/// root left out, and a proof from which it can be computed.
///
/// The signature covers the root, not the size and the index that the proof names. Where those matter, they have
/// to come from a signed checkpoint with the same root; a receipt made by Holdfast carries one.
public struct Receipt: Sendable, Hashable {
    /// In bytes; leaves room for a checkpoint with many cosignatures.
    public static let byteLimit = 262_144

    /// Header 1: -8 (EdDSA) or -19 (Ed25519).
    public let algorithm: Int64
    /// CWT claim `iss`: in receipts of Holdfast the log's origin.
    public let issuer: String
    /// CWT claim `sub`: in receipts of Holdfast the log's origin too, so that one signature serves every entry.
    public let subject: String
    /// Header 4: the RFC 9679 thumbprint of the log's receipt key, 32 bytes.
    public let keyID: [UInt8]
    public let proof: Proof
    /// The bytes of a signed checkpoint for the same root, from our private unprotected label. Not covered by the
    /// receipt's signature; its own signatures are for the reader to verify.
    public let checkpoint: [UInt8]?
    /// The encoded protected header, as it was signed.
    public let protected: [UInt8]
    /// 64 bytes.
    public let signature: [UInt8]

    /// What we understand if it is critical.
    private static let understood = [
        COSELabel.algorithm, COSELabel.critical, COSELabel.keyID, COSELabel.claims, COSELabel.dataStructure,
    ]

    /// Reads a receipt. Nothing is verified.
    ///
    /// - Throws: ``ReceiptError`` if the bytes are no tagged COSE_Sign1 with a detached payload, the headers of
    ///   RFC 9942 and RFC 9943, and exactly one proof.
    public init(decoding bytes: [UInt8]) throws(ReceiptError) {
        guard bytes.count <= Self.byteLimit else {
            throw .envelope(.tooLarge(bytes: bytes.count, limit: Self.byteLimit))
        }
        let layout: COSESign1Layout
        let header: COSEHeader
        let claims: COSEClaims
        do {
            layout = try COSESign1Layout(bytes)
            header = try COSEHeader(bytes, in: layout.protected)
            try header.checkDisjoint(layout.unprotected)
            algorithm = try header.algorithm()
            try header.checkCritical(understood: Self.understood)
            keyID = try header.thumbprint().bytes
            claims = try header.claims()
        } catch {
            throw .envelope(error)
        }
        issuer = claims.issuer
        subject = claims.subject
        // RFC 9942: "vds (label: 395): REQUIRED" in the protected header.
        guard let structure = header[COSELabel.dataStructure] else {
            throw .envelope(.headerMissing(COSELabel.dataStructure))
        }
        guard structure == 1 else { throw .dataStructure(structure) }
        // RFC 9942: "Detached payloads force verifiers to recompute the root from the proof".
        guard layout.payload == nil else { throw .payloadAttached }
        guard layout.signature.count == Ed25519.signatureByteCount else {
            throw .envelope(.signatureLength(layout.signature.count))
        }
        guard let proofs = layout.unprotected[CBOR(COSELabel.proofs)] else { throw .proofsMissing }
        proof = try Proof(proofs)
        checkpoint = try Self.checkpoint(in: layout.unprotected)
        protected = Array(bytes[layout.protected])
        signature = Array(bytes[layout.signature])
    }

    private static func checkpoint(in unprotected: CBORMap) throws(ReceiptError) -> [UInt8]? {
        guard let value = unprotected[CBOR(COSELabel.checkpoint)] else { return nil }
        guard case .bytes(let bytes) = value else { throw .checkpointInvalid }
        return bytes
    }

    /// A receipt under a signed root.
    init(_ root: SignedRoot, proof: Proof) {
        algorithm = COSEAlgorithm.edDSA
        issuer = root.origin.text
        subject = root.origin.text
        keyID = root.keyIDBytes
        self.proof = proof
        checkpoint = root.checkpointBytes
        protected = root.protected
        signature = root.signature
    }

    /// The encoded receipt: proofs (396) and checkpoint in the unprotected header, nothing else there.
    public func encoded() -> [UInt8] {
        Self.encoded(proof, protected: protected, signature: signature, checkpoint: checkpoint)
    }

    static func encoded(_ proof: Proof, protected: [UInt8], signature: [UInt8], checkpoint: [UInt8]?) -> [UInt8] {
        var writer = CBORWriter(
            capacity: protected.count + signature.count + proof.mostBytesWritten + (checkpoint?.count ?? 0) + 32)
        write(proof, protected: protected, signature: signature, checkpoint: checkpoint, to: &writer)
        return writer.bytes
    }

    static func write(
        _ proof: Proof, protected: [UInt8], signature: [UInt8], checkpoint: [UInt8]?, to writer: inout CBORWriter
    ) {
        writer.tag(18)
        writer.array(count: 4)
        writer.bytes(protected)
        // The label of the proofs is positive and ours negative, so this is their order.
        writer.map(count: checkpoint == nil ? 1 : 2)
        writer.integer(COSELabel.proofs)
        proof.write(to: &writer)
        if let checkpoint {
            writer.integer(COSELabel.checkpoint)
            writer.bytes(checkpoint)
        }
        writer.null()
        writer.bytes(signature)
    }

    /// The same receipt with another checkpoint for the same head, or none.
    public func carrying(_ checkpoint: SignedCheckpoint?) -> Receipt {
        Receipt(self, checkpoint: checkpoint?.bytes)
    }

    private init(_ receipt: Receipt, checkpoint: [UInt8]?) {
        algorithm = receipt.algorithm
        issuer = receipt.issuer
        subject = receipt.subject
        keyID = receipt.keyID
        proof = receipt.proof
        self.checkpoint = checkpoint
        protected = receipt.protected
        signature = receipt.signature
    }
}

extension Receipt {
    /// Verifies a receipt of inclusion: computes the root from the leaf hash and the path, and checks the signature
    /// over it. A checkpoint that the receipt carries has to be of the same origin, size and root; its signatures are
    /// not verified here.
    ///
    /// - Parameters:
    ///   - leafHash: the entry's RFC 6962 leaf hash.
    ///   - key: the log's receipt key.
    /// - Returns: the size that the proof names, and the root that was signed. Without a verified checkpoint the size
    ///   is only what the receipt's bearer says.
    /// - Throws: ``ReceiptError``.
    @discardableResult
    public func verify(leafHash: Hash, key: COSEKey) throws(ReceiptError) -> TreeHead {
        guard case .inclusion(let proof) = proof else { throw .wrongKind }
        let root: Hash
        do {
            root = try proof.root(leafHash: leafHash)
        } catch {
            throw .proof(error)
        }
        return try verifySignature(over: TreeHead(size: proof.size, root: root), key: key)
    }

    /// The same with a bare key.
    @discardableResult
    public func verify(leafHash: Hash, key: Ed25519.PublicKey) throws(ReceiptError) -> TreeHead {
        try verify(leafHash: leafHash, key: COSEKey(key))
    }

    /// Verifies a receipt of consistency: computes the newer root from the older one and the path, and checks the
    /// signature over it.
    ///
    /// - Parameters:
    ///   - oldRoot: the root of the older tree, which the caller trusts.
    ///   - key: the log's receipt key.
    /// - Returns: the newer size that the proof names, and the root that was signed.
    /// - Throws: ``ReceiptError``.
    @discardableResult
    public func verifyConsistency(oldRoot: Hash, key: COSEKey) throws(ReceiptError) -> TreeHead {
        guard case .consistency(let proof) = proof else { throw .wrongKind }
        let root = try proof.newRoot(from: oldRoot)
        return try verifySignature(over: TreeHead(size: proof.newSize, root: root), key: key)
    }

    /// The same with a bare key.
    @discardableResult
    public func verifyConsistency(oldRoot: Hash, key: Ed25519.PublicKey) throws(ReceiptError) -> TreeHead {
        try verifyConsistency(oldRoot: oldRoot, key: COSEKey(key))
    }

    private func verifySignature(over head: TreeHead, key: COSEKey) throws(ReceiptError) -> TreeHead {
        guard key.thumbprint == Hash(keyID) else { throw .envelope(.keyMismatch) }
        let message = COSESign1.toBeSigned(protected: protected, payload: head.root.bytes)
        guard key.publicKey.isValid(signature: signature, for: message) else { throw .envelope(.badSignature) }
        if let carried = try carriedCheckpoint()?.checkpoint {
            guard carried.origin.text == issuer, carried.treeHead == head else { throw .checkpointMismatch }
        }
        return head
    }

    /// The checkpoint that the receipt carries, read and not verified.
    ///
    /// - Throws: ``ReceiptError/checkpoint(_:)``.
    public func carriedCheckpoint() throws(ReceiptError) -> SignedCheckpoint? {
        guard let checkpoint else { return nil }
        do {
            return try SignedCheckpoint(parsing: checkpoint)
        } catch {
            throw .checkpoint(error)
        }
    }
}
