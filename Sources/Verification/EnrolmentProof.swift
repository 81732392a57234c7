import COSE
package import Governance
package import Tlog

/// Who signed, where the genesis does not say: an identity that was enrolled later, or an authority of a later policy,
/// shown by a state proof of the identity's key, or of the policy.
extension Verifier {
    /// Checks the signature of a statement whose signer the genesis does not name.
    ///
    /// - Parameter index: the statement's index in the log, which the caller checks too; nil if nothing shows it.
    func checkEnrolledLater(_ statement: SignedStatement, at index: UInt64?, _ list: inout CheckList) {
        let names = statement.signerValues
        guard let bytes = enrolmentProof(of: statement, at: index) else {
            list.fail(
                .statementSignature, "not-enrolled",
                "the genesis does not enrol this issuer with this key; if a later entry did, a state proof shows it "
                    + "(--state)", names[0], names[1])
            return
        }
        let question = StateQuestion(expectation: .present, isWithoutStateQuorum: isWithoutStateQuorum)
        guard let proven = checkState(bytes, question, of: Self.enrolmentPart, &list) else {
            list.leaveOut(.statementSignature, "the state proof of the signer does not hold", names[0], names[1])
            return
        }
        guard let index else {
            list.leaveOut(
                .statementSignature, "the statement's index is not shown, so not whether its signer was enrolled then",
                names[0], names[1])
            return
        }
        do throws(CheckFailure) {
            let signer = try Self.signer(of: statement, at: index, in: proven)
            do { try statement.verify(signer.key) } catch { throw CheckFailure(error) }
            list.pass(
                .statementSignature,
                values: names + [CheckValue("role", signer.role), CheckValue("enrolled-at", signer.index)])
        } catch {
            list.fail(.statementSignature, error.code, error.sentence, names[0], names[1])
        }
    }

    static let enrolmentPart = "signer's state"

    /// The proof that says most about a statement at an index: that of the earliest state that covers it, else of the
    /// latest. Nil if none is of the signer; a proof that can't be read stands for any.
    private func enrolmentProof(of statement: SignedStatement, at index: UInt64?) -> [UInt8]? {
        guard let keyID = Hash(statement.header.keyID) else { return nil }
        let issuer = statement.header.issuer
        let wanted = StateKey.signer(issuer, keyID)
        var best: (size: UInt64, bytes: [UInt8])?
        for bytes in stateProofs {
            guard let proof = try? StateProof(decoding: bytes) else { return bytes }
            guard proof.key == wanted else { continue }
            let size = proof.sealedSize
            guard let found = best else {
                best = (size, bytes)
                continue
            }
            let covers = size > index ?? 0
            let isBetter = found.size > index ?? 0 ? covers && size < found.size : size > found.size
            if isBetter { best = (size, bytes) }
        }
        return best?.bytes
    }

    /// The signer as of the entry at `index`: the state is after it, and the record was not changed since.
    private static func signer(
        of statement: SignedStatement, at index: UInt64, in proven: ProvenState
    ) throws(CheckFailure) -> (key: Ed25519.PublicKey, role: String, index: UInt64) {
        guard proven.size > index || Mutant.enrolmentBefore.isOff else {
            throw CheckFailure(
                "state-before-statement",
                "the state is that at size \(proven.size); the statement at \(index) came after it, and its signer's "
                    + "key may have ended before it")
        }
        if proven.key == .policy { return try authority(of: statement, at: index, in: proven) }
        guard let value = proven.value, let record = try? IdentityRecord(decoding: value) else {
            throw CheckFailure("state-record", "the state has no identity record")
        }
        if let ending = record.ending, !Mutant.enrolmentEnded.isOff {
            guard record.index >= index else {
                throw CheckFailure("key-ended", "the key ended (\(ending.rawValue)) at entry \(record.index)")
            }
            // A key that the statement itself ended counted until then.
            guard record.index == index else { throw changed(record.index, after: index) }
        } else if record.index >= index {
            throw changed(record.index, after: index)
        }
        return (record.key, "issuer", record.index)
    }

    /// An authority has no record but the policy that names it.
    private static func authority(
        of statement: SignedStatement, at index: UInt64, in proven: ProvenState
    ) throws(CheckFailure) -> (key: Ed25519.PublicKey, role: String, index: UInt64) {
        guard let value = proven.value, let record = try? PolicyRecord(decoding: value) else {
            throw CheckFailure("state-record", "the state has no policy record")
        }
        // The approval that puts a policy in force is judged by the one before it.
        guard record.index < index else { throw changed(record.index, after: index) }
        guard let signer = record.policy.signer(of: statement) else {
            throw CheckFailure("not-enrolled", "the policy of entry \(record.index) does not name this authority")
        }
        return (signer.key, signer.role, record.index)
    }

    private static func changed(_ record: UInt64, after index: UInt64) -> CheckFailure {
        CheckFailure(
            "enrolment-changed",
            "the signer's record was changed at entry \(record), not before the statement at \(index): it does not "
                + "show what the record was then. A state proof at a size from \(index + 1) to \(record), if there is "
                + "a seal between them, does")
    }
}

extension SignedStatement {
    /// Whom the statement names as its signer.
    var signerValues: [CheckValue] {
        [CheckValue("issuer", header.issuer), CheckValue("key", Hex.encode(header.keyID))]
    }
}

extension StateKey {
    /// Where the state says whether a key is an issuer's: the identity, or for an authority the policy, which alone names
    /// it. Authorities are known by their names: the thumbprint URI of a key.
    package static func signer(_ issuer: String, _ keyID: Hash) -> StateKey {
        issuer.utf8.starts(with: "urn:ietf:params:oauth:ckt:sha-256:".utf8)
            ? .policy : .identity(issuer: issuer, keyID: keyID)
    }
}
