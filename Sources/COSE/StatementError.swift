public import Tlog

/// Why bytes are not a signed statement that Holdfast can register, or a statement does not verify.
public enum StatementError: NamedFailure, Hashable {
    /// The message as COSE_Sign1, its common headers, its key or its signature.
    case envelope(COSEError)
    /// The payload is detached: a log entry holds the payload.
    case payloadMissing
    /// The content type (3) is neither a media type nor a CoAP content format.
    case contentType
    /// The content type (3) is not there, and the payload is no hash (258) either.
    case contentTypeMissing
    /// The content type (3) stands beside a payload hash algorithm (258), which RFC 9995 forbids.
    case contentTypeOfHash
    /// The payload hash algorithm (258) is not SHA-256 (-16).
    case hashAlgorithm(CBOR)
    /// A header of the hash envelope (259 or 260) stands without the payload hash algorithm (258).
    case hashHeaderAlone(Int64)
    /// A header of the hash envelope stands in the unprotected header.
    case hashHeaderUnprotected(Int64)
    /// The payload is not a digest of 32 bytes although the headers say so.
    case digestLength(Int)

    public var reason: String {
        switch self {
        case .envelope(let error): error.reason
        case .payloadMissing: "payload-missing"
        case .contentType: "content-type"
        case .contentTypeMissing: "content-type-missing"
        case .contentTypeOfHash: "content-type-of-hash"
        case .hashAlgorithm: "hash-algorithm"
        case .hashHeaderAlone: "hash-header-alone"
        case .hashHeaderUnprotected: "hash-header-unprotected"
        case .digestLength: "digest-length"
        }
    }

    /// Whether the statement is sound but signed in a way that is not accepted here.
    public var isUnsupportedAlgorithm: Bool {
        if case .envelope(.unsupportedAlgorithm) = self { true } else { false }
    }

    /// Whether the statement is sound but the key or the signature is not the right one.
    public var isBadSignature: Bool {
        switch self {
        case .envelope(.badSignature), .envelope(.keyMismatch): true
        default: false
        }
    }

    /// Whether the statement is longer than a log entry can be.
    public var isTooLarge: Bool {
        if case .envelope(.tooLarge) = self { true } else { false }
    }
}

extension StatementError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .envelope(let error): "\(error)"
        case .payloadMissing: "the payload is detached; a log entry holds its payload"
        case .contentType: "the content type is neither a media type nor a CoAP content format"
        case .contentTypeMissing: "there is neither a content type (3) nor a payload hash algorithm (258)"
        case .contentTypeOfHash: "a content type (3) stands beside a payload hash algorithm (258)"
        case .hashAlgorithm(let value): "payload hash algorithm \(value) is not SHA-256 (-16)"
        case .hashHeaderAlone(let label): "header \(label) stands without a payload hash algorithm (258)"
        case .hashHeaderUnprotected(let label): "header \(label) of a hash envelope is not protected"
        case .digestLength(let count): "the payload has \(count) bytes where a SHA-256 digest has 32"
        }
    }
}
