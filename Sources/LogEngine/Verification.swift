internal import COSE
internal import Governance
internal import StoredState
internal import Tlog

/// A statement whose signature was verified under a key that the policy enrolled for its issuer. Only
/// ``Verification`` makes one.
struct VerifiedSubmission: Sendable {
    let entry: FoldedBatch.Entry

    var statement: SignedStatement { entry.statement }
    var event: Event? { entry.event }
    var issuer: String { entry.statement.header.issuer }

    fileprivate init(_ submission: Submission) {
        entry = submission.entry
    }
}

/// The first step: form and signature. It has no state and takes no lock, so any number run side by side.
///
/// It answers with the keys of the newest committed policy. Whether the issuer is still enrolled where the statement
/// lands is asked again at admission.
struct Verification: ~Copyable {
    private let inForce: CurrentRules.InForce
    /// What was signed, put together anew for each statement.
    private var message: [UInt8] = []

    init(rules: CurrentRules) { inForce = rules.inForce }

    mutating func verify(_ submission: Submission) throws(Rejection) -> VerifiedSubmission {
        let statement = submission.statement
        let header = statement.header
        guard let enrolled = inForce.rules.keys.entry(for: statement), enrolled.issuer.hasSameUTF8(as: header.issuer)
        else {
            throw Rejection(
                .unknownIssuer,
                "the policy in force (entry \(inForce.rules.policyIndex)) enrols no issuer '\(header.issuer)' with the key "
                    + "\(Hex.encode(header.keyID)): have it enrolled, or sign with the key that is")
        }
        do {
            try statement.verify(enrolled.key, scratch: &message)
        } catch {
            throw Rejection(error)
        }
        return VerifiedSubmission(submission)
    }
}
