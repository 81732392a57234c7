internal import HTTPServing

/// A media type without parameters, such as `application/cose`.
struct MediaType: Sendable, Hashable {
    let type: String
    let subtype: String
    /// As it is sent: with a parameter where one is due.
    let text: String

    private init(_ type: String, _ subtype: String, parameter: String = "") {
        self.type = type
        self.subtype = subtype
        text = "\(type)/\(subtype)\(parameter)"
    }

    /// A signed statement or a receipt (RFC 9052).
    static let cose = MediaType("application", "cose")
    /// Many statements, or many results (RFC 8742).
    static let cborSequence = MediaType("application", "cbor-seq")
    static let cbor = MediaType("application", "cbor")
    /// `spec/state-proof.cddl`.
    static let stateProof = MediaType("application", "vnd.holdfast.state-proof+cbor")
    /// RFC 9290.
    static let problemCBOR = MediaType("application", "concise-problem-details+cbor")
    /// RFC 9457.
    static let problemJSON = MediaType("application", "problem+json")
    static let json = MediaType("application", "json")
    static let octets = MediaType("application", "octet-stream")
    static let plainText = MediaType("text", "plain", parameter: "; charset=utf-8")
    /// Prometheus, text format.
    static let metrics = MediaType("text", "plain", parameter: "; version=0.0.4; charset=utf-8")

    /// Whether a Content-Type field names this type; parameters are not looked at.
    func isNamed(by contentType: String) -> Bool {
        if contentType == text { return true }
        let essence = contentType.utf8.prefix { $0 != UInt8(ascii: ";") }
        let parts = essence.split(separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return false }
        return parts[0].trimmed.equalsIgnoringCase(type) && parts[1].trimmed.equalsIgnoringCase(subtype)
    }
}
