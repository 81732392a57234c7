public import COSE
public import Tlog

/// Why something is no policy. Paths are written like `issuers[3].key`.
public enum PolicyError: NamedFailure, Hashable {
    case cbor(CBORError)
    case field(FieldError)
    case origin(CheckpointError)
    case key(String, Ed25519Error)
    /// One key stands at two places. Each key has one use.
    case sameKey(String, String)
    /// Not 1 to 64 authorities.
    case authorityCount(Int)
    /// Not from 1 to the number of authorities.
    case threshold(UInt64, authorities: Int)
    /// No absolute URI in visible ASCII of at most 512 bytes.
    case issuer(String)
    case unknownRole(String)
    /// The issuer's roles name one twice.
    case sameRole(String)
    /// Empty, longer than 255 bytes, or not visible ASCII.
    case contentType(String)
    /// The content types name one twice.
    case sameContentType(String)
    /// A number outside its bounds.
    case outOfBounds(String, UInt64, allowed: ClosedRange<UInt64>)

    public var reason: String {
        switch self {
        case .cbor(let error): error.reason
        case .field(let error): error.reason
        case .origin: "origin"
        case .key(_, let error): error.reason
        case .sameKey: "same-key"
        case .authorityCount: "authority-count"
        case .threshold: "threshold"
        case .issuer: "issuer"
        case .unknownRole: "unknown-role"
        case .sameRole: "same-role"
        case .contentType: "content-type"
        case .sameContentType: "same-content-type"
        case .outOfBounds: "out-of-bounds"
        }
    }
}

extension PolicyError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .cbor(let error): "the policy is not deterministic CBOR: \(error)"
        case .field(let error): "the policy: \(error)"
        case .origin(let error): "the policy's origin: \(error)"
        case .key(let path, let error): "the policy's key '\(path)': \(error)"
        case .sameKey(let first, let second): "'\(first)' and '\(second)' are the same key; each use needs its own"
        case .authorityCount(let count): "a policy has 1 to 64 authorities, not \(count)"
        case .threshold(let threshold, let authorities):
            "a threshold of \(threshold) cannot be: there are \(authorities) authorities"
        case .issuer(let issuer): "the issuer '\(issuer)' is no absolute URI in visible ASCII of at most 512 bytes"
        case .unknownRole(let role):
            "there is no role '\(role)'; roles are \(Role.allCases.map(\.rawValue).joined(separator: ", "))"
        case .sameRole(let path): "'\(path)' names a role twice"
        case .contentType(let type): "the content type '\(type)' is not 1 to 255 characters of visible ASCII"
        case .sameContentType(let type): "the content types name '\(type)' twice"
        case .outOfBounds(let path, let value, let allowed):
            "'\(path)' is \(value); it must be from \(allowed.lowerBound) to \(allowed.upperBound)"
        }
    }
}
