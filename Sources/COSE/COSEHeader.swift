internal import Tlog

/// A decoded protected header, and how its parts are read. Nothing here looks at an unprotected header.
struct COSEHeader {
    /// A protected header holds a few labels; this bounds what a hostile one can cost.
    static let limits = CBORLimits(depth: 8, items: 512)

    let map: CBORMap

    /// RFC 9052 section 3: the protected header is the encoded map, "or a zero-length string" for an empty one.
    init(_ bytes: [UInt8], in range: Range<Int>) throws(COSEError) {
        guard !range.isEmpty else {
            map = CBORMap()
            return
        }
        let item: CBOR
        do {
            var reader = CBORReader(bytes, in: range, limits: Self.limits, keyOrder: .any)
            item = try reader.item()
            try reader.finish()
        } catch {
            throw .protectedHeader(error)
        }
        guard case .map(let map) = item else { throw .protectedHeaderNotMap }
        self.map = map
    }

    subscript(label: Int64) -> CBOR? { map[CBOR(label)] }

    /// "Labels in each of the maps MUST be unique […] Applications SHOULD verify that the same label does not occur
    /// in both the protected and unprotected header parameters" (RFC 9052 section 3).
    func checkDisjoint(_ unprotected: CBORMap) throws(COSEError) {
        for entry in unprotected.entries where map[entry.key] != nil {
            throw .labelInBothHeaders(entry.key)
        }
    }

    /// -8 or -19: the only algorithms there are in Holdfast.
    func algorithm() throws(COSEError) -> Int64 {
        guard let value = self[COSELabel.algorithm] else { throw .headerMissing(COSELabel.algorithm) }
        guard let number = value.integerValue, number == COSEAlgorithm.edDSA || number == COSEAlgorithm.ed25519 else {
            throw .unsupportedAlgorithm(value)
        }
        return number
    }

    /// RFC 9052 section 3.1 on `crit`: the array "MUST have at least one value in it"; a label in it that the
    /// recipient does not understand makes the message one that cannot be processed; and each of them "MUST be
    /// included in the protected header parameters".
    func checkCritical(understood: [Int64]) throws(COSEError) {
        guard let value = self[COSELabel.critical] else { return }
        guard case .array(let labels) = value, !labels.isEmpty else { throw .headerInvalid(COSELabel.critical) }
        for label in labels {
            guard let number = label.integerValue, understood.contains(number) else {
                throw .criticalNotUnderstood(label)
            }
            guard map[label] != nil else { throw .criticalAbsent(label) }
        }
    }

    /// RFC 9943 section 6: `kid` "MUST be present when neither x5t nor x5chain is present"; certificates are not
    /// used here, so it always is, and it is an RFC 9679 thumbprint.
    func thumbprint() throws(COSEError) -> Hash {
        guard let value = self[COSELabel.keyID] else { throw .headerMissing(COSELabel.keyID) }
        guard case .bytes(let bytes) = value else { throw .headerInvalid(COSELabel.keyID) }
        guard let thumbprint = Hash(bytes) else { throw .keyIDLength(bytes.count) }
        return thumbprint
    }

    /// RFC 9943 section 6: "The CWT Claims value MUST include the Issuer Claim (Claim label 1) and the Subject
    /// Claim (Claim label 2)".
    func claims() throws(COSEError) -> COSEClaims {
        guard let value = self[COSELabel.claims] else { throw .headerMissing(COSELabel.claims) }
        guard case .map(let map) = value else { throw .headerInvalid(COSELabel.claims) }
        return try COSEClaims(map)
    }
}

/// The CWT claims of a protected header (RFC 9597) that Holdfast reads. Others are signed, kept and ignored.
struct COSEClaims {
    /// RFC 9943 section 6 has an issuer "between 1 and 8192 characters"; here the limit is in bytes, and the
    /// subject's is the same.
    static let textLimit = 8192

    let issuer: String
    let subject: String
    let issuedAt: UInt64?

    init(issuer: String, subject: String, issuedAt: UInt64?) throws(COSEError) {
        for (claim, text) in [(COSELabel.issuer, issuer), (COSELabel.subject, subject)] {
            let count = text.utf8.count
            guard count > 0 else { throw .claimEmpty(claim) }
            guard count <= Self.textLimit else { throw .claimTooLong(claim, bytes: count, limit: Self.textLimit) }
        }
        self.issuer = issuer
        self.subject = subject
        self.issuedAt = issuedAt
    }

    init(_ map: CBORMap) throws(COSEError) {
        var issuedAt: UInt64?
        if let value = map[CBOR(COSELabel.issuedAt)] {
            guard case .unsigned(let seconds) = value else { throw .claimInvalid(COSELabel.issuedAt) }
            issuedAt = seconds
        }
        try self.init(
            issuer: Self.text(map, COSELabel.issuer), subject: Self.text(map, COSELabel.subject), issuedAt: issuedAt)
    }

    private static func text(_ map: CBORMap, _ claim: Int64) throws(COSEError) -> String {
        guard let value = map[CBOR(claim)] else { throw .claimMissing(claim) }
        guard case .text(let text) = value else { throw .claimInvalid(claim) }
        return text
    }
}
