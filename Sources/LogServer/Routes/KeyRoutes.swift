internal import COSE
internal import Governance
internal import Hummingbird
internal import LogEngine
internal import LogStore
internal import Tlog

/// The keys that verify receipts, and the entry that says whose they are.
extension LogResponder {
    /// The key that signs receipts, and those that did before a rotation: receipts that were given out stay verifiable.
    private var receiptKeys: COSEKeySet {
        COSEKeySet(
            [COSEKey(log.policy.logKeys.receipt)]
                + log.formerKeys.filter { $0.use == .receipt }.reversed().map { COSEKey($0.key) })
    }

    /// SCRAPI: "The Transparency Service MUST respond with a COSE Key Set, as defined in Section 7 of RFC 9052,
    /// serialized as application/cbor."
    func keySet(_ incoming: IncomingRequest) throws -> Response {
        _ = try incoming.preferred(.cbor)
        return Response(.ok, .cbor, .shortly, receiptKeys.encoded())
    }

    /// SCRAPI: "If the kid values used by the service are not URL-safe, the resource MUST accept the base64url encoding
    /// of the kid value, without padding, in the URL instead." Ours are thumbprints, 32 bytes.
    func key(_ kid: String, _ incoming: IncomingRequest) throws -> Response {
        _ = try incoming.preferred(.cbor)
        guard let thumbprint = Base64.decodeURL(kid).flatMap({ Hash($0) }) ?? Hash(hex: kid),
            let key = receiptKeys.key(withThumbprint: thumbprint)
        else {
            throw Problem(.noSuchKey, "No key could be found for this kid value; /.well-known/scitt-keys has them all.")
        }
        return Response(.ok, .cbor, .shortly, key.encoded())
    }

    /// Entry 0, which names the log's keys and is what operators pin.
    func genesis(_ incoming: IncomingRequest) throws -> Response {
        try incoming.acceptsCOSE()
        guard let entry = try log.read({ snapshot, _ in try snapshot.entry(0) }) else {
            throw Problem(.notFound, "The log has no entries yet.")
        }
        return Response(.ok, .cose, .immutable, entry)
    }
}
