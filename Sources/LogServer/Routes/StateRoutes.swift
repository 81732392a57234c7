internal import COSE
internal import Governance
internal import Hummingbird
internal import LogEngine
internal import LogStore
internal import Tlog

/// The state, proved.
extension LogResponder {
    /// One key of the governance state: its value or its absence, with all that leads from it to a signed tree head.
    ///
    /// - Parameter text: the key's text form, as it was sent.
    func stateProof(_ text: String, _ incoming: IncomingRequest) throws -> Response {
        let size = try Query(incoming.target.query, allowing: ["size"]).number("size")
        let media = try incoming.preferred(.json, .stateProof, .cbor)
        let key: StateKey
        do {
            key = try StateKey(text: text)
        } catch {
            throw Problem(.badParameter, "The path names no key of the governance state: \(error).")
        }
        let proof: StateProof
        do {
            proof = try log.stateProof(key, at: size)
        } catch let error as StoreError {
            // If it is the size that is at fault, this says so, and which one would do.
            _ = try log.read { snapshot, head in try StateView(snapshot, head, size: size) }
            throw error
        }
        // The checkpoint in it may get more cosignatures, so an answer is not kept for long even where the size is named.
        let cache = size == nil ? CachePolicy.revalidate : .shortly
        guard media == .json else { return Response(.ok, .stateProof, cache, proof.encoded()) }
        return Response(.ok, .json, cache, try proof.json.line)
    }
}

extension StateProof {
    /// The members of the CBOR, with bytes in lowercase hexadecimal and the checkpoint as text, and beside them the
    /// key's text form, the size, and the record that the value is.
    fileprivate var json: JSON {
        get throws {
            let record = try value.map { JSON(record: try CBOR(decoding: $0)) }
            return [
                "stateKey": .string(key.text), "size": JSON(sealedSize), "record": record ?? .null,
                "key": .string(Hex.encode(key.bytes)), "value": value.map { .string(Hex.encode($0)) } ?? .null,
                "proof": JSON(record: proof.cbor), "seal": .string(Hex.encode(seal)), "index": JSON(index),
                "path": .array(path.map { .string($0.hex) }),
                "checkpoint": .string(String(decoding: checkpoint, as: UTF8.self)),
            ]
        }
    }
}
