public import COSE
public import Governance
public import Tlog
package import Verification

/// A registration that was verified under a trust file: the statement's signature, the receipt's signature, the path
/// from the statement to the root, and the signed checkpoint with that root.
public struct VerifiedAnswer: Sendable {
    public let statement: SignedStatement
    public let receipt: Receipt
    public let index: UInt64
    /// Whether the log had the statement before it was sent this time.
    public let isDuplicate: Bool
    public let checkpoint: SignedCheckpoint

    /// The statement with its receipt in header 394.
    public var transparentStatement: TransparentStatement {
        TransparentStatement(statement: statement, receipts: [receipt])
    }

    /// What shows that the signer was enrolled, where the genesis does not and the caller did not know.
    public let signerState: StateProof?

    /// The same proof in the text form of c2sp.org/tlog-proof.
    public let tlogProof: TlogProof

    /// Verifies a log's answer to a statement; the only way to make one.
    ///
    /// - Parameters:
    ///   - receipt: the bytes of the answer.
    ///   - claimedIndex: the index that the log named beside the receipt, if it did.
    ///   - path: what was asked, for the error.
    ///   - signerState: the state proof that the verifier has of the signer, to keep with the answer.
    package init(
        to statement: SignedStatement, receipt bytes: [UInt8], claimedIndex: UInt64?, isDuplicate: Bool,
        path: String, verifier: Verifier, signerState: StateProof? = nil
    ) throws(ClientError) {
        let report = verifier.receipt(bytes, statement: statement.entryBytes)
        guard report.verdict == .verified else { throw .notVerified(report) }
        let receipt: Receipt
        do {
            receipt = try Receipt(decoding: bytes)
        } catch {
            throw .answerMalformed(path: path, reason: "the receipt can't be read: \(error)")
        }
        guard case .inclusion(let proof) = receipt.proof else {
            throw .contradiction(path: path, reason: "the receipt does not prove inclusion")
        }
        if let claimedIndex, claimedIndex != proof.index {
            throw .contradiction(
                path: path, reason: "the log names index \(claimedIndex), its receipt proves index \(proof.index)")
        }
        // The report covers the checkpoint: signed by the log, vouched for by the quorum, and with the receipt's root.
        let carried: SignedCheckpoint?
        do {
            carried = try receipt.carriedCheckpoint()
        } catch {
            throw .answerMalformed(path: path, reason: "the receipt's checkpoint can't be read: \(error)")
        }
        guard let checkpoint = carried else {
            throw .contradiction(path: path, reason: "the receipt carries no checkpoint, so there is no tlog-proof")
        }
        self.statement = statement
        self.receipt = receipt
        index = proof.index
        self.isDuplicate = isDuplicate
        self.signerState = signerState
        self.checkpoint = checkpoint
        tlogProof = TlogProof(extra: nil, index: proof.index, path: proof.path, checkpoint: checkpoint)
    }
}
