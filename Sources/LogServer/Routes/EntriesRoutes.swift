internal import COSE
internal import Governance
internal import HTTPServing
internal import HTTPTypes
internal import Hummingbird
internal import LogEngine
internal import LogStore
internal import NIOCore
internal import Tlog

/// `GET /entries/{id}`, and the same proof in other forms below it.
extension LogResponder {
    func location(_ leafHash: Hash) -> String {
        "\(options.baseURL ?? "")/entries/\(leafHash.hex)"
    }

    /// SCRAPI: "The response contains the Receipt for the Signed Statement. Fresh Receipts may be requested through the
    /// resource identified in the Location header."
    func receipt(of id: String, _ incoming: IncomingRequest) throws -> Response {
        try incoming.acceptsCOSE()
        let registration = try registration(id)
        var response = Response(.ok, .cose, .revalidate, registration.receipt().encoded())
        response.headers[.location] = location(registration.leafHash)
        response.headers[.holdfastIndex] = String(registration.index)
        return response
    }

    /// The statement with its receipt in the unprotected header (RFC 9943, transparent statement).
    func transparentStatement(of id: String, _ incoming: IncomingRequest) throws -> Response {
        try incoming.acceptsCOSE()
        let registration = try registration(id)
        let entry = try log.read { snapshot, _ in try snapshot.entry(registration.index) }
        guard let entry else { throw Self.unknownEntry(id) }
        let statement = try SignedStatement(decoding: entry)
        let transparent = TransparentStatement(statement: statement, receipts: [registration.receipt()])
        var response = Response(.ok, .cose, .revalidate, transparent.encoded())
        response.headers[.holdfastIndex] = String(registration.index)
        return response
    }

    /// The proof as c2sp.org/tlog-proof writes it.
    func proof(of id: String, _ incoming: IncomingRequest) throws -> Response {
        _ = try incoming.preferred(.plainText)
        let registration = try registration(id)
        var response = Response(.ok, .plainText, .revalidate, registration.tlogProof().bytes)
        response.headers[.holdfastIndex] = String(registration.index)
        return response
    }

    /// - Parameter id: a leaf hash in lowercase hexadecimal, or an index in decimal.
    private func registration(_ id: String) throws -> Registration {
        let found: Registration?
        if let leafHash = Hash(hex: id) {
            found = try log.registration(leafHash: leafHash)
        } else if let index = UInt64(canonical: id) {
            found = try log.registration(index: index)
        } else {
            throw Problem(
                .badParameter,
                "An entry is named by its leaf hash, 64 lowercase hexadecimal digits, or by its index in decimal.")
        }
        guard let found else { throw Self.unknownEntry(id) }
        return found
    }

    /// SCRAPI: "Receipt with entry ID <id> not known to this Transparency Service".
    private static func unknownEntry(_ id: String) -> Problem {
        Problem(.notFound, "Receipt with entry ID \(id) not known to this log; it may not be published yet.")
    }
}
