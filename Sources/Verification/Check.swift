/// The stable names of what the verifier checks. `spec/verification.md` says what each one means; a program that
/// reads the JSON report may rely on them.
public enum CheckName: String, Sendable, Hashable, CaseIterable {
    // One statement.
    case statementForm = "statement-form"
    case statementSignature = "statement-signature"
    case admission
    case receiptPresent = "receipt-present"

    // Proofs and receipts.
    case proofForm = "proof-form"
    case inclusion
    case receiptForm = "receipt-form"
    case receiptIssuer = "receipt-issuer"
    case receiptSignature = "receipt-signature"
    case rootAgreement = "root-agreement"
    case consistency

    // Checkpoints.
    case checkpointForm = "checkpoint-form"
    case logSignature = "log-signature"
    case witnessQuorum = "witness-quorum"
    case successor
    case stateQuorum = "state-quorum"
    case freshness
    case history

    // Evidence against a log.
    case evidenceForm = "evidence-form"
    case fork

    // State proofs.
    case stateForm = "state-form"
    case sealForm = "seal-form"
    case sealSignature = "seal-signature"
    case sealInclusion = "seal-inclusion"
    case mapProof = "map-proof"
    case stateValue = "state-value"
    case expectedKey = "expected-key"
    case expectedSize = "expected-size"
    case expectedValue = "expected-value"

    // An evidence bundle.
    case bundleForm = "bundle-form"
    case bundleParts = "bundle-parts"
    case bundleAgreement = "bundle-agreement"

    // A stream.
    case streamStatements = "stream-statements"
    case streamChain = "stream-chain"

    // A whole log.
    case genesis
    case resume
    case entries
    case leafTiles = "leaf-tiles"
    case tiles
    case root
    case surplus
    case statementSignatures = "statement-signatures"
    case streams
    case seals
    case logKeys = "log-keys"
}

/// How one check ended.
public enum CheckOutcome: Sendable, Hashable {
    case passed
    /// What does not agree, in words; `Check.code` has the stable name.
    case failed(String)
    /// The reason says what was missing to check it.
    case notChecked(String)
}

/// One named value that a check looked at, as text: decimal numbers, lowercase hex, names.
public struct CheckValue: Sendable, Hashable {
    public let name: String
    public let text: String

    public init(_ name: String, _ text: String) {
        self.name = name
        self.text = text
    }

    init(_ name: String, _ number: UInt64) {
        self.init(name, String(number))
    }
}

/// One thing that the verifier looked at, or says that it did not.
public struct Check: Sendable, Hashable {
    public let name: CheckName
    /// Which of several like parts the check is about ("receipt 0", "old checkpoint"); nil where there is only one.
    public let part: String?
    public let outcome: CheckOutcome
    /// Why the check failed, as a short lowercase name with hyphens, such as `root-mismatch`; nil unless it failed.
    public let code: String?
    /// Without a required check there is no verdict "verified": left out is as bad as failed.
    public let isRequired: Bool
    public let values: [CheckValue]

    init(
        _ name: CheckName, of part: String?, _ outcome: CheckOutcome, code: String? = nil, isRequired: Bool,
        values: [CheckValue]
    ) {
        self.name = name
        self.part = part
        self.outcome = outcome
        self.code = code
        self.isRequired = isRequired
        self.values = values
    }
}
