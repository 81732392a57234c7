internal import COSE
internal import Governance
internal import StoredState
internal import Tlog

/// A statement whose signature was verified under a key that the policy enrolled for its issuer. Only
/// ``Verification`` makes one.
struct VerifiedSubmission: Sendable {
    /// What may become an entry: one reference, however often it is handed on. The event in it is read once, here, and
    /// not again on the writer's thread.
    let entry: FoldedBatch.Entry

    var statement: SignedStatement { entry.statement }
    var event: Event? { entry.event }

    fileprivate init(_ statement: SignedStatement, event: Event?) {
        entry = FoldedBatch.Entry(statement, event: event)
    }
}

/// The first step: form and signature. It has no state and takes no lock, so any number run side by side.
///
/// It answers with the keys of the newest committed policy. Whether the issuer is still enrolled where the statement
/// lands is asked again at admission.
struct Verification {
    let rules: Rules

    func verify(_ submission: Submission) throws(Rejection) -> VerifiedSubmission {
        let statement = submission.statement
        let header = statement.header
        guard let enrolled = rules.keys.entry(for: statement), enrolled.issuer.utf8.elementsEqual(header.issuer.utf8)
        else {
            throw Rejection(
                .unknownIssuer,
                "the policy in force (entry \(rules.policyIndex)) enrols no issuer '\(header.issuer)' with the key "
                    + "\(Hex.encode(header.keyID)): have it enrolled, or sign with the key that is")
        }
        do {
            try statement.verify(enrolled.key)
        } catch {
            throw Rejection(error)
        }
        return VerifiedSubmission(statement, event: event(of: statement))
    }

    /// One that cannot be read is admission's to refuse, where what enrolled issuers are refused is counted.
    private func event(of statement: SignedStatement) -> Event? {
        guard statement.header.contentType.utf8.elementsEqual(Event.contentType.utf8) else { return nil }
        return try? Event(payloadOf: statement)
    }
}
