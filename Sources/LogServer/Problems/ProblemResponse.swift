internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

extension Problem {
    /// The answer to a request that said it accepts `accept`.
    ///
    /// - Parameter isJSON: whether the resource's own answers are JSON.
    func response(accept: Accept, isJSON: Bool) -> Response {
        let asJSON = Self.prefersJSON(accept, isJSON)
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
    /// for those only who say that they cannot read that and can read JSON. What SCRAPI does not speak of, and is read as
    /// JSON, has its problems in JSON too, unless the client wants CBOR more.
    private static func prefersJSON(_ accept: Accept, _ isJSON: Bool) -> Bool {
        let json = max(accept.quality(of: .problemJSON), accept.quality(of: .json))
        let cbor = max(accept.quality(of: .problemCBOR), accept.quality(of: .cbor))
        return json > 0 && (isJSON ? json >= cbor : cbor == 0)
    }
}
