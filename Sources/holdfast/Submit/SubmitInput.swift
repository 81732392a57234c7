import COSE
import Governance
import LogClient
import Tlog

/// One thing to register, and the name that its files get.
struct SubmitInput {
    enum Material {
        case event(StreamWriter.Item)
        /// Any content, registered whole.
        case evidence([UInt8], contentType: String, subject: String)
        /// Any content, registered as its digest.
        case digest(Hash, HashEnvelope, subject: String)
    }

    let name: String
    let material: Material

    /// The stream that it continues, if it is an event.
    var stream: String? {
        guard case .event(let item) = material else { return nil }
        return item.draft.stream
    }

    /// Whether a statement says this: everything but its place and its time.
    func isSaid(by statement: SignedStatement, issuer: Issuer) -> Bool {
        let header = statement.header
        guard header.issuer == issuer.name, header.keyID == issuer.thumbprint.bytes else { return false }
        switch material {
        case .event(let item):
            guard let said = Saying(statement) else { return false }
            return said == Saying(item)
        case .evidence(let bytes, let contentType, let subject):
            return header.contentType == contentType && header.subject == subject && statement.payload == bytes
        case .digest(let digest, let envelope, let subject):
            return header.hashEnvelope == envelope && header.subject == subject && statement.payload == digest.bytes
        }
    }

    /// Signs what is no event; events are signed by their stream's writer.
    func opaqueStatement(_ issuer: Issuer) throws -> SignedStatement? {
        do {
            switch material {
            case .event:
                return nil
            case .evidence(let bytes, let contentType, let subject):
                return try SignedStatement.sign(
                    payload: bytes, contentType: contentType, issuer: issuer.name, subject: subject,
                    issuedAt: Moment.now() / 1000, key: issuer.key)
            case .digest(let digest, let envelope, let subject):
                return try SignedStatement.sign(
                    digest: digest, envelope: envelope, issuer: issuer.name, subject: subject,
                    issuedAt: Moment.now() / 1000, key: issuer.key)
            }
        } catch {
            throw Wording.statement(error, of: name)
        }
    }
}

/// What an event says, without its place and its time: two events that say the same are one to who submits them.
struct Saying: Hashable {
    private let bytes: [UInt8]

    init(_ item: StreamWriter.Item) {
        self.init(
            type: item.draft.type, stream: item.draft.stream, data: item.draft.data, trace: item.draft.trace,
            subject: item.subject)
    }

    /// Nil unless the statement is an event.
    init?(_ statement: SignedStatement) {
        guard statement.header.contentType == Event.contentType,
            let event = try? Event(decoding: statement.payload)
        else { return nil }
        self.init(
            type: event.type, stream: event.stream, data: event.data, trace: event.trace,
            subject: statement.header.subject)
    }

    private init(type: String, stream: String, data: CBOR, trace: TraceContext?, subject: String) {
        let parts: CBOR = [
            .text(type), .text(stream), data, .text(trace?.traceparent ?? ""), .text(trace?.tracestate ?? ""),
            .text(subject),
        ]
        bytes = parts.encoded()
    }
}

/// Who signs.
struct Issuer {
    let name: String
    let key: Ed25519.SigningKey
    let thumbprint: Hash

    init(name: String, key: Ed25519.SigningKey) {
        self.name = name
        self.key = key
        thumbprint = COSEKey(key.publicKey).thumbprint
    }
}
