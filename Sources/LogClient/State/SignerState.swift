import COSE
public import Governance
import Tlog
import Verification

/// Who signed, where an entry after the genesis enrolled the signer: the state shows it.
extension LogClient {
    /// The state that shows who signed a statement of an issuer that the genesis does not enrol.
    ///
    /// - Returns: nil where nobody vouches for it, or the server has no state proofs.
    func signerState(of statement: SignedStatement) async throws(ClientError) -> StateProof? {
        guard trust.stateQuorum != nil || isWithoutStateQuorum, let keyID = Hash(statement.header.keyID) else {
            return nil
        }
        return try await proof(.signer(statement.header.issuer, keyID))
    }

    /// What shows who signed answers of one issuer and key, so that anybody can verify them offline: a state proof at a
    /// size that covers them all.
    ///
    /// - Returns: nil if the genesis enrols the signer, or the server has no state proofs.
    public func signerProof(for answers: [VerifiedAnswer]) async throws(ClientError) -> StateProof? {
        guard let header = answers.first?.statement.header, let keyID = Hash(header.keyID) else { return nil }
        let knowsGenesis = trust.genesis?.policy.map { policy in
            policy.issuers.contains {
                COSEKey($0.key).thumbprint == keyID && $0.issuer.utf8.elementsEqual(header.issuer.utf8)
            } || policy.authorities.contains { KeyDirectory.authorityIssuer(COSEKey($0)) == header.issuer }
        }
        return knowsGenesis == true ? nil : try await proof(.signer(header.issuer, keyID))
    }

    /// Verifies a registration as somebody does who has its files, the trust file and this state proof, and nothing else.
    ///
    /// - Returns: false if the signer's record was changed since, so that this state does not show what it was then.
    public func verify(_ answer: VerifiedAnswer, signer state: StateProof) throws(ClientError) -> Bool {
        let verifier = Verifier(
            trust: trust, stateProofs: [state.encoded()], isWithoutStateQuorum: trust.stateQuorum == nil)
        let report = verifier.transparentStatement(answer.transparentStatement.encoded())
        if report.verdict == .verified { return true }
        guard report.checks.contains(where: { $0.code == "enrolment-changed" }) else { throw .notVerified(report) }
        return false
    }

    private func proof(_ key: StateKey) async throws(ClientError) -> StateProof? {
        let question = StateQuestion(key: key, isWithoutStateQuorum: trust.stateQuorum == nil)
        return try await stateIfServed(question, of: key)?.proof
    }
}

extension VerificationReport {
    /// Whether all that speaks against it is that the signer is not known.
    var lacksOnlySigner: Bool { failsOnly(.statementSignature, "not-enrolled") }

    /// Whether all that speaks against it is that too few state witnesses have cosigned the head.
    var lacksOnlyStateQuorum: Bool { failsOnly(.stateQuorum, "state-quorum-not-reached") }

    private func failsOnly(_ name: CheckName, _ code: String) -> Bool {
        let failed = checks.filter { if case .failed = $0.outcome { true } else { false } }
        return failed.count == 1 && failed[0].name == name && failed[0].code == code
    }
}
