internal import Governance
internal import Hummingbird
internal import LogEngine
internal import Tlog

/// Where a stream stands, for submitters that lost their state.
extension LogResponder {
    /// The newest published link of `(issuer, name)`, with the proof of its entry.
    func stream(issuer: String, name: String, _ incoming: IncomingRequest) throws -> Response {
        _ = try Query(incoming.target.query, allowing: [])
        _ = try incoming.preferred(.json)
        guard let (seq, registration) = try log.newestLink(issuer: issuer, stream: name) else {
            throw Problem(
                .emptyStream,
                "The log has no statement in this stream of this issuer; the first one has seq 0 and no prev.")
        }
        let proof = String(decoding: registration.tlogProof().bytes, as: UTF8.self)
        let answer: JSON = [
            "issuer": .string(issuer), "stream": .string(name), "seq": JSON(seq), "index": JSON(registration.index),
            "leafHash": .string(registration.leafHash.hex), "proof": .string(proof),
        ]
        return Response(.ok, .json, .revalidate, answer.line)
    }
}
