public import Tlog

/// The protected header of a signed statement (RFC 9943 section 6), as far as Holdfast reads it.
///
/// Other labels and claims may be in the protected bytes; they are signed and kept, and not interpreted.
public struct StatementHeader: Sendable, Hashable {
    /// What ``contentType`` is for a statement whose payload is a digest. It has no slash, so it can't be mistaken
    /// for a media type.
    public static let hashEnvelopeType = "hash-envelope"

    /// Header 1: -8 (EdDSA) or -19 (Ed25519).
    public let algorithm: Int64
    /// What the payload is: the media type of header 3, `coap:n` for a CoAP content format n there, or
    /// ``hashEnvelopeType`` when there is a ``hashEnvelope`` and so no header 3. A log's policy names these.
    public let contentType: String
    /// Header 4: the RFC 9679 thumbprint of the signing key.
    public let thumbprint: Hash
    /// The same, 32 bytes.
    public var keyID: [UInt8] { thumbprint.bytes }
    /// CWT claim `iss`: who makes the statement. Not empty.
    public let issuer: String
    /// CWT claim `sub`: what the statement is about. Not empty.
    public let subject: String
    /// CWT claim `iat`: seconds since 1970, as the issuer says.
    public let issuedAt: UInt64?
    /// There if the payload is a digest.
    public let hashEnvelope: HashEnvelope?

    /// Whether the payload is one of Holdfast's own events. Content types are ASCII, so equal ones have equal bytes.
    public var isEvent: Bool { contentType == ContentType.event }

    /// The header of a statement to be signed.
    ///
    /// - Throws: ``StatementError`` if a field can't be: an empty or overlong text, or a content type that is none.
    public init(
        contentType: String, keyID: Hash, issuer: String, subject: String, issuedAt: UInt64? = nil
    ) throws(StatementError) {
        guard ContentType.value(of: contentType) != nil else { throw .contentType }
        try self.init(
            algorithm: COSEAlgorithm.edDSA, contentType: contentType, thumbprint: keyID,
            claims: Self.claims(issuer, subject, issuedAt), hashEnvelope: nil)
    }

    /// The header of a statement to be signed over a digest.
    ///
    /// - Throws: ``StatementError`` if a field can't be.
    public init(
        hashEnvelope: HashEnvelope, keyID: Hash, issuer: String, subject: String, issuedAt: UInt64? = nil
    ) throws(StatementError) {
        try hashEnvelope.validate()
        try self.init(
            algorithm: COSEAlgorithm.edDSA, contentType: Self.hashEnvelopeType, thumbprint: keyID,
            claims: Self.claims(issuer, subject, issuedAt), hashEnvelope: hashEnvelope)
    }

    private init(
        algorithm: Int64, contentType: String, thumbprint: Hash, claims: COSEClaims, hashEnvelope: HashEnvelope?
    ) {
        self.algorithm = algorithm
        self.contentType = contentType
        self.thumbprint = thumbprint
        issuer = claims.issuer
        subject = claims.subject
        issuedAt = claims.issuedAt
        self.hashEnvelope = hashEnvelope
    }

    private static func claims(
        _ issuer: String, _ subject: String, _ issuedAt: UInt64?
    ) throws(StatementError) -> COSEClaims {
        do {
            return try COSEClaims(issuer: issuer, subject: subject, issuedAt: issuedAt)
        } catch {
            throw .envelope(error)
        }
    }

    private static let understood = [
        COSELabel.algorithm, COSELabel.critical, COSELabel.contentType, COSELabel.keyID, COSELabel.claims,
        COSELabel.payloadHashAlgorithm, COSELabel.preimageContentType, COSELabel.payloadLocation,
    ]

    /// Reads the protected bytes of a message, and holds the unprotected header to the rules on both.
    init(_ bytes: [UInt8], in range: Range<Int>, unprotected: CBORMap) throws(StatementError) {
        if unprotected.isEmpty, let usual = Self(usual: bytes, in: range) {
            self = usual
            return
        }
        let header: COSEHeader
        let algorithm: Int64
        let thumbprint: Hash
        let claims: COSEClaims
        do {
            header = try COSEHeader(bytes, in: range)
            try header.checkDisjoint(unprotected)
            algorithm = try header.algorithm()
            try header.checkCritical(understood: Self.understood)
            thumbprint = try header.thumbprint()
            claims = try header.claims()
        } catch {
            throw .envelope(error)
        }
        let hashEnvelope = try HashEnvelope(header)
        let contentType: String
        if hashEnvelope != nil {
            try HashEnvelope.checkUnprotected(unprotected)
            contentType = Self.hashEnvelopeType
        } else {
            guard let value = header[COSELabel.contentType] else { throw .contentTypeMissing }
            guard let text = ContentType.text(of: value) else { throw .contentType }
            contentType = text
        }
        self.init(
            algorithm: algorithm, contentType: contentType, thumbprint: thumbprint, claims: claims,
            hashEnvelope: hashEnvelope)
    }

    /// The header as ``protected()`` writes it for a content type that is text, read field by field; nil for any other
    /// header, and for one that must be refused: the map as a whole then says what it is.
    private init?(usual bytes: [UInt8], in range: Range<Int>) {
        var reader = CBORReader(bytes, in: range, limits: COSEHeader.limits, keyOrder: .deterministic)
        do throws(CBORError) {
            guard try reader.mapHead() == 4, reader.skip(0x01) else { return nil }
            let isEdDSA = reader.skip(0x27)
            guard isEdDSA || reader.skip(0x32), reader.skip(0x03) else { return nil }
            let contentType: String
            if reader.skip(Self.eventTypeKey) {
                contentType = ContentType.event
            } else {
                contentType = try reader.text()
                guard ContentType.isMediaType(contentType) else { return nil }
            }
            guard reader.skip(0x04), let thumbprint = try reader.hash(), reader.skip(0x0f) else { return nil }
            let claimCount = try reader.mapHead()
            guard claimCount == 2 || claimCount == 3, reader.skip(0x01) else { return nil }
            let issuer = try reader.text()
            guard reader.skip(0x02) else { return nil }
            let subject = try reader.text()
            guard claimCount == 2 || reader.skip(0x06) else { return nil }
            let issuedAt = claimCount == 3 ? try reader.unsigned() : nil
            try reader.finish()
            guard let claims = try? COSEClaims(issuer: issuer, subject: subject, issuedAt: issuedAt) else { return nil }
            self.init(
                algorithm: isEdDSA ? COSEAlgorithm.edDSA : COSEAlgorithm.ed25519, contentType: contentType,
                thumbprint: thumbprint, claims: claims, hashEnvelope: nil)
        } catch {
            return nil
        }
    }

    /// What nearly all statements are, which need no text of their own for it.
    private static let eventTypeKey = TextKey(ContentType.event)

    /// The deterministic encoding of these fields: what a statement made here has as protected bytes.
    public func protected() -> [UInt8] {
        var writer = CBORWriter(capacity: 128)
        writer.map(count: 3 + (hashEnvelope?.headerCount ?? 1))
        writer.integer(COSELabel.algorithm)
        writer.integer(algorithm)
        if hashEnvelope == nil, let value = ContentType.value(of: contentType) {
            writer.integer(COSELabel.contentType)
            writer.item(value)
        }
        writer.integer(COSELabel.keyID)
        writer.hash(thumbprint)
        writer.integer(COSELabel.claims)
        writer.map(count: issuedAt == nil ? 2 : 3)
        writer.integer(COSELabel.issuer)
        writer.text(issuer)
        writer.integer(COSELabel.subject)
        writer.text(subject)
        if let issuedAt {
            writer.integer(COSELabel.issuedAt)
            writer.unsigned(issuedAt)
        }
        hashEnvelope?.write(to: &writer)
        return writer.bytes
    }
}
