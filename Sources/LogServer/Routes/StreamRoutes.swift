internal import Governance
internal import Hummingbird
internal import LogEngine
internal import LogStore
internal import Tlog

/// Where a stream stands, for submitters that lost their state.
extension LogResponder {
    /// The newest published link of `(issuer, name)`, with the proof of its entry.
    func stream(issuer: String, name: String, _ incoming: IncomingRequest) throws -> Response {
        _ = try Query(incoming.target.query, allowing: [])
        _ = try incoming.preferred(.json)
        let link = try log.read { snapshot, head -> StreamLink? in
            let key = StateKey.stream(issuer: issuer, stream: name)
            guard let link = try snapshot.newestLink(stream: key.bytes, below: head.size),
                let leafHash = try snapshot.leafHash(at: link.index)
            else { return nil }
            return StreamLink(seq: link.seq, leafHash: leafHash, index: link.index)
        }
        guard let link, let registration = try log.registration(index: link.index) else {
            throw Problem(
                .emptyStream,
                "The log has no statement in this stream of this issuer; the first one has seq 0 and no prev.")
        }
        let proof = String(decoding: registration.tlogProof().bytes, as: UTF8.self)
        let answer: JSON = [
            "issuer": .string(issuer), "stream": .string(name), "seq": JSON(link.seq), "index": JSON(link.index),
            "leafHash": .string(link.leafHash.hex), "proof": .string(proof),
        ]
        return Response(.ok, .json, .revalidate, answer.line)
    }
}
