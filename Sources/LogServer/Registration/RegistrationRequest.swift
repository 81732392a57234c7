internal import HTTPServing
internal import NIOCore
internal import NIOHTTP1

/// What registration reads of a request's head.
struct RegistrationRequest: Sendable {
    /// How the statements come.
    enum Form: Sendable, Hashable {
        /// One, as it is.
        case statement
        /// Any number, one after another.
        case sequence
    }

    /// Nanoseconds of the clock that limits go by.
    let arrival: UInt64
    let client: ClientAddress?
    let accept: Accept
    /// Host fields.
    let hosts: Int
    let contentType: String?
    /// Bytes of the body, where the client says it.
    let announced: Int?

    /// - Parameter peer: the other end of the connection.
    init(_ head: HTTPRequestHead, from peer: ClientAddress?, _ identification: ClientIdentification) {
        let fields = head.headers
        arrival = NIODeadline.now().uptimeNanoseconds
        client = identification.address(connection: peer, forwardedFor: fields.joined("X-Forwarded-For"))
        accept = Accept(fields.joined("Accept"))
        hosts = fields["Host"].count
        contentType = fields.joined("Content-Type")
        announced = fields.first(name: "Content-Length").flatMap { Int($0) }
    }

    /// How the statements come, if the client takes the answer to that.
    var form: Form {
        get throws(Problem) {
            let contentType = contentType ?? ""
            if MediaType.cose.isNamed(by: contentType) {
                try accept.requireCOSE()
                return .statement
            }
            if MediaType.cborSequence.isNamed(by: contentType) {
                _ = try accept.choose(.cborSequence)
                return .sequence
            }
            throw Problem(
                .unsupportedMediaType,
                "Send a signed statement as application/cose, or many one after another as application/cbor-seq.")
        }
    }
}

extension HTTPHeaders {
    /// RFC 9110 section 5.3: fields of one name are the list of their values. Nil where there is none.
    func joined(_ name: String) -> String? {
        let values = self[name]
        return values.count > 1 ? values.joined(separator: ", ") : values.first
    }
}
