internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

extension Problem {
    /// The answer to a request that said it accepts `accept`.
    func response(accept: Accept) -> Response {
        let asJSON = Self.prefersJSON(accept)
        var headers = HTTPFields()
        headers[.contentType] = (asJSON ? MediaType.problemJSON : MediaType.problemCBOR).text
        headers[.cacheControl] = CachePolicy.never.rawValue
        if let retryAfter { headers[.retryAfter] = String(retryAfter) }
        if let allowed { headers[.allow] = allowed }
        return Response(
            status: code.status, headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: asJSON ? json : concise)))
    }

    /// SCRAPI: "the body MUST be a Concise Problem Details object (application/concise-problem-details+cbor)". JSON is
    /// for those only who say that they cannot read that and can read JSON.
    private static func prefersJSON(_ accept: Accept) -> Bool {
        guard accept.quality(of: .problemCBOR) == 0, accept.quality(of: .cbor) == 0 else { return false }
        return accept.quality(of: .problemJSON) > 0 || accept.quality(of: .json) > 0
    }
}
