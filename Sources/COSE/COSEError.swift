public import Tlog

/// Why bytes are not a COSE_Sign1 message that Holdfast reads. Statements and receipts share these reasons.
public enum COSEError: NamedFailure, Hashable {
    /// The message is longer than the limit.
    case tooLarge(bytes: Int, limit: Int)
    /// The outer structure is not sound CBOR.
    case encoding(CBORError)
    /// The message has no CBOR tag; tag 18 is required.
    case untagged
    /// The message has another tag than 18.
    case wrongTag(UInt64)
    /// The array has not exactly four elements.
    case elementCount(Int)
    /// The protected bytes are not one sound CBOR map.
    case protectedHeader(CBORError)
    /// The protected bytes are one CBOR item, but no map.
    case protectedHeaderNotMap
    /// The unprotected header is not a sound CBOR map.
    case unprotectedHeader(CBORError)
    /// A label stands in both headers (RFC 9052 section 3 calls such a message malformed).
    case labelInBothHeaders(CBOR)
    /// A header that has to be in the protected header is not there.
    case headerMissing(Int64)
    /// A protected header has a value of the wrong type or form.
    case headerInvalid(Int64)
    /// The algorithm is not EdDSA (-8) or Ed25519 (-19).
    case unsupportedAlgorithm(CBOR)
    /// `crit` (2) names a label that is not understood here.
    case criticalNotUnderstood(CBOR)
    /// `crit` (2) names a label that is not in the protected header.
    case criticalAbsent(CBOR)
    /// The key identifier is not a 32-byte thumbprint.
    case keyIDLength(Int)
    /// A CWT claim that has to be there is not.
    case claimMissing(Int64)
    /// A CWT claim has a value of the wrong type.
    case claimInvalid(Int64)
    /// The issuer or subject is the empty text.
    case claimEmpty(Int64)
    /// A CWT claim is longer than the limit, in bytes of UTF-8.
    case claimTooLong(Int64, bytes: Int, limit: Int)
    /// The signature has not 64 bytes.
    case signatureLength(Int)
    /// The key identifier is not the thumbprint of the key.
    case keyMismatch
    /// The signature does not verify.
    case badSignature

    public var reason: String {
        switch self {
        case .tooLarge: "too-large"
        case .encoding(let error), .protectedHeader(let error), .unprotectedHeader(let error): error.reason
        case .untagged: "untagged"
        case .wrongTag: "wrong-tag"
        case .elementCount: "element-count"
        case .protectedHeaderNotMap: "protected-header-not-map"
        case .labelInBothHeaders: "label-in-both-headers"
        case .headerMissing: "header-missing"
        case .headerInvalid: "header-invalid"
        case .unsupportedAlgorithm: "unsupported-algorithm"
        case .criticalNotUnderstood: "critical-not-understood"
        case .criticalAbsent: "critical-absent"
        case .keyIDLength: "key-id-length"
        case .claimMissing: "claim-missing"
        case .claimInvalid: "claim-invalid"
        case .claimEmpty: "claim-empty"
        case .claimTooLong: "claim-too-long"
        case .signatureLength: "signature-length"
        case .keyMismatch: "key-mismatch"
        case .badSignature: "bad-signature"
        }
    }
}

extension COSEError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .tooLarge(let bytes, let limit): "\(bytes) bytes are more than the \(limit) allowed"
        case .encoding(let error): "\(error)"
        case .untagged: "the message has no CBOR tag; COSE_Sign1 needs tag 18"
        case .wrongTag(let tag): "the message has tag \(tag), not 18"
        case .elementCount(let count): "a COSE_Sign1 array has 4 elements, not \(count)"
        case .protectedHeader(let error): "protected header: \(error)"
        case .protectedHeaderNotMap: "the protected header is not a map"
        case .unprotectedHeader(let error): "unprotected header: \(error)"
        case .labelInBothHeaders(let label): "header \(label) is both protected and unprotected"
        case .headerMissing(let label): "header \(label) is not in the protected header"
        case .headerInvalid(let label): "protected header \(label) has no valid value"
        case .unsupportedAlgorithm(let value): "algorithm \(value) is not EdDSA (-8) or Ed25519 (-19)"
        case .criticalNotUnderstood(let label): "critical header \(label) is not understood"
        case .criticalAbsent(let label): "critical header \(label) is not in the protected header"
        case .keyIDLength(let count): "a key identifier is a thumbprint of 32 bytes, not \(count)"
        case .claimMissing(let claim): "CWT claim \(claim) is missing"
        case .claimInvalid(let claim): "CWT claim \(claim) has no valid value"
        case .claimEmpty(let claim): "CWT claim \(claim) is empty"
        case .claimTooLong(let claim, let bytes, let limit): "CWT claim \(claim) has \(bytes) bytes of \(limit) allowed"
        case .signatureLength(let count): "an Ed25519 signature has 64 bytes, not \(count)"
        case .keyMismatch: "the key identifier is not the thumbprint of this key"
        case .badSignature: "the signature does not verify"
        }
    }
}
