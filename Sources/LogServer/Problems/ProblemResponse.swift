internal import HTTPServing
internal import HTTPTypes

extension Problem {
    /// The answer to a request that said it accepts `accept`.
    ///
    /// - Parameter isJSON: whether the resource's own answers are JSON.
    func answer(accept: Accept, isJSON: Bool) -> DirectAnswer {
        let asJSON = Self.prefersJSON(accept, isJSON)
        var fields = [
            (name: "Content-Type", value: (asJSON ? MediaType.problemJSON : MediaType.problemCBOR).text),
            ("Cache-Control", CachePolicy.never.rawValue),
        ]
        if let retryAfter { fields.append(("Retry-After", String(retryAfter))) }
        if let allowed { fields.append(("Allow", allowed)) }
        var answer = DirectAnswer(code.status, fields, asJSON ? json : concise)
        answer.endsConnection = endsConnection
        return answer
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
