/// Header labels, CWT claims and algorithm numbers of the IANA registries, as far as Holdfast reads or writes them.
public enum COSELabel {
    /// `alg` (RFC 9052 section 3.1).
    public static let algorithm: Int64 = 1
    /// `crit` (RFC 9052 section 3.1).
    public static let critical: Int64 = 2
    /// `content type` (RFC 9052 section 3.1).
    public static let contentType: Int64 = 3
    /// `kid` (RFC 9052 section 3.1).
    public static let keyID: Int64 = 4
    /// `CWT Claims` (RFC 9597).
    public static let claims: Int64 = 15
    /// `payload-hash-alg` (RFC 9995).
    public static let payloadHashAlgorithm: Int64 = 258
    /// `preimage-content-type` (RFC 9995).
    public static let preimageContentType: Int64 = 259
    /// `payload-location` (RFC 9995).
    public static let payloadLocation: Int64 = 260
    /// `receipts` (RFC 9942).
    public static let receipts: Int64 = 394
    /// `vds`, the verifiable data structure (RFC 9942).
    public static let dataStructure: Int64 = 395
    /// `vdp`, the verifiable data structure's proofs (RFC 9942).
    public static let proofs: Int64 = 396
    /// The signed checkpoint that a receipt of ours carries, unprotected. RFC 9052 section 11.1 keeps labels below
    /// -65536 for private use; this one's encoding, `3a 48 4f 4c 44`, spells HOLD.
    public static let checkpoint: Int64 = -1 - 0x484f_4c44

    /// CWT claim `iss` (RFC 8392).
    public static let issuer: Int64 = 1
    /// CWT claim `sub` (RFC 8392).
    public static let subject: Int64 = 2
    /// CWT claim `iat` (RFC 8392).
    public static let issuedAt: Int64 = 6
}

/// Algorithm numbers of the IANA COSE Algorithms registry.
public enum COSEAlgorithm {
    /// EdDSA (RFC 9053); with a key on the curve Ed25519 this is Ed25519. What Holdfast writes.
    public static let edDSA: Int64 = -8
    /// Ed25519, fully specified (RFC 9864). Accepted.
    public static let ed25519: Int64 = -19
    /// SHA-256 (RFC 9054).
    public static let sha256: Int64 = -16
}
