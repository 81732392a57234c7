internal import Tlog

/// That a statement's payload is the digest of something kept elsewhere (COSE Hash Envelope, RFC 9995).
public struct HashEnvelope: Sendable, Hashable {
    /// Header 258. Only SHA-256 (-16).
    public let hashAlgorithm: Int64
    /// Header 259: the content type of what was hashed, a media type or `coap:n`.
    public let preimageContentType: String?
    /// Header 260: where what was hashed may be found.
    public let payloadLocation: String?

    public init(preimageContentType: String? = nil, payloadLocation: String? = nil) {
        hashAlgorithm = COSEAlgorithm.sha256
        self.preimageContentType = preimageContentType
        self.payloadLocation = payloadLocation
    }

    static let labels = [COSELabel.payloadHashAlgorithm, COSELabel.preimageContentType, COSELabel.payloadLocation]

    /// Nil if the header is none of a hash envelope.
    init?(_ header: COSEHeader) throws(StatementError) {
        guard let algorithm = header[COSELabel.payloadHashAlgorithm] else {
            for label in Self.labels where header[label] != nil { throw .hashHeaderAlone(label) }
            return nil
        }
        guard algorithm.integerValue == COSEAlgorithm.sha256 else { throw .hashAlgorithm(algorithm) }
        // RFC 9995: "Label 3 (content_type) MUST NOT be present in the protected or unprotected headers."
        guard header[COSELabel.contentType] == nil else { throw .contentTypeOfHash }
        var preimageContentType: String?
        if let value = header[COSELabel.preimageContentType] {
            preimageContentType = ContentType.text(of: value)
            guard preimageContentType != nil else { throw .envelope(.headerInvalid(COSELabel.preimageContentType)) }
        }
        var location: String?
        if let value = header[COSELabel.payloadLocation] {
            location = value.textValue
            guard location.map(Self.isLocation) == true else {
                throw .envelope(.headerInvalid(COSELabel.payloadLocation))
            }
        }
        self.init(preimageContentType: preimageContentType, payloadLocation: location)
    }

    /// RFC 9995: 258, 259, 260 and 3 "MUST NOT be present in the unprotected header".
    static func checkUnprotected(_ unprotected: CBORMap) throws(StatementError) {
        for label in labels + [COSELabel.contentType] where unprotected[CBOR(label)] != nil {
            throw .hashHeaderUnprotected(label)
        }
    }

    /// Throws if the fields can't be written.
    func validate() throws(StatementError) {
        if let preimageContentType, ContentType.value(of: preimageContentType) == nil {
            throw .envelope(.headerInvalid(COSELabel.preimageContentType))
        }
        if let payloadLocation, !Self.isLocation(payloadLocation) {
            throw .envelope(.headerInvalid(COSELabel.payloadLocation))
        }
    }

    private static func isLocation(_ text: String) -> Bool {
        (1...COSEClaims.textLimit).contains(text.utf8.count)
    }

    var headerCount: Int { 1 + (preimageContentType == nil ? 0 : 1) + (payloadLocation == nil ? 0 : 1) }

    func write(to writer: inout CBORWriter) {
        writer.integer(COSELabel.payloadHashAlgorithm)
        writer.integer(hashAlgorithm)
        if let value = preimageContentType.flatMap(ContentType.value) {
            writer.integer(COSELabel.preimageContentType)
            writer.item(value)
        }
        if let payloadLocation {
            writer.integer(COSELabel.payloadLocation)
            writer.text(payloadLocation)
        }
    }
}
