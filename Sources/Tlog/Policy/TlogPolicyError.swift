/// What was wrong with a policy file. Lines are counted from 1.
public enum TlogPolicyError: NamedFailure, Hashable {
    case tooLarge(bytes: Int, limit: Int)
    /// An octet that is not tab, newline, 0x20 ... 0x7E or 0x80 ... 0xFF.
    case controlCharacter(byte: UInt8, line: Int)
    case noFinalNewline
    case unknownKeyword(TlogPolicy.Name, line: Int)
    /// Too few or too many items on a line of this keyword.
    case itemCount(keyword: TlogPolicy.Name, items: Int, line: Int)
    /// The key is no verifier key.
    case key(NoteError, line: Int)
    /// A log's key that is not 0x01, or a witness's that is not 0x04.
    case keyType(SignatureType, line: Int)
    /// The same public key in two log lines.
    case duplicateLog(VerifierKey, line: Int)
    /// The same public key in two witness lines.
    case duplicateWitness(VerifierKey, line: Int)
    /// A witness or group has the name of another.
    case duplicateName(TlogPolicy.Name, line: Int)
    /// `none` as the name of a witness or group, or as a member.
    case reservedName(line: Int)
    /// No witness or group of that name on a preceding line.
    case undefinedName(TlogPolicy.Name, line: Int)
    /// A name is a member of a group twice, or of two groups.
    case repeatedMember(TlogPolicy.Name, line: Int)
    /// Not `all`, `any` or a canonical decimal number.
    case threshold(TlogPolicy.Name, line: Int)
    /// "it is required that 1 <= k <= n"
    case thresholdOutOfRange(k: UInt64, members: Int, line: Int)
    case secondQuorum(line: Int)
    case noQuorum
    /// More logs, witnesses or groups than this code takes.
    case tooMany(limit: Int, line: Int)

    public var reason: String {
        switch self {
        case .tooLarge: "policy-too-large"
        case .controlCharacter: "policy-control-character"
        case .noFinalNewline: "policy-no-final-newline"
        case .unknownKeyword: "policy-unknown-keyword"
        case .itemCount: "policy-item-count"
        case .key(let error, _): error.reason
        case .keyType: "policy-key-type"
        case .duplicateLog: "policy-duplicate-log"
        case .duplicateWitness: "policy-duplicate-witness"
        case .duplicateName: "policy-duplicate-name"
        case .reservedName: "policy-reserved-name"
        case .undefinedName: "policy-undefined-name"
        case .repeatedMember: "policy-repeated-member"
        case .threshold: "policy-threshold"
        case .thresholdOutOfRange: "policy-threshold-out-of-range"
        case .secondQuorum: "policy-second-quorum"
        case .noQuorum: "policy-no-quorum"
        case .tooMany: "policy-too-many"
        }
    }
}
