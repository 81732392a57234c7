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
            guard header.contentType == Event.contentType, header.subject == item.subject,
                let event = try? Event(decoding: statement.payload)
            else { return false }
            return event.type == item.draft.type && event.stream == item.draft.stream && event.data == item.draft.data
                && event.trace == item.draft.trace
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
