public import COSE
public import Tlog

/// Entry 0 of a log: its first policy, signed by one of the authorities that the policy names.
///
/// The signature shows only that whoever made the policy holds that key. That this is the right log is known to those
/// who pinned the entry's leaf hash, which fixes origin, keys, authorities and rules at once.
public enum Genesis {
    /// The stream that policies are set in.
    public static let stream = "policy"

    /// Signs a genesis.
    ///
    /// - Parameters:
    ///   - policy: the first policy.
    ///   - authority: the key of one of its authorities.
    ///   - issuer: the authority's URI.
    ///   - time: ms since 1970.
    public static func statement(
        policy: Policy, authority: Ed25519.SigningKey, issuer: String, time: UInt64
    ) throws(GenesisError) -> SignedStatement {
        let statement: SignedStatement
        do {
            let event = try Event(
                type: EventType.policySet, stream: stream, seq: 0, prev: nil, time: time, data: policy.cbor)
            statement = try SignedStatement.sign(
                payload: event.encoded(), contentType: Event.contentType, issuer: issuer, subject: policy.origin.text,
                key: authority)
        } catch let error as EventError {
            throw .event(error)
        } catch let error as StatementError {
            throw .statement(error)
        } catch {
            preconditionFailure("signing a genesis threw \(error)")
        }
        _ = try self.policy(of: statement)
        return statement
    }

    /// The policy of a log's entry 0, after every check that can be made on that entry alone, its signature included.
    public static func policy(of entry: SignedStatement) throws(GenesisError) -> Policy {
        guard entry.header.contentType.hasSameUTF8(as: Event.contentType) else {
            throw .contentType(entry.header.contentType)
        }
        let event: Event
        do { event = try Event(decoding: entry.payload) } catch { throw .event(error) }
        guard event.type == EventType.policySet else { throw .type(event.type) }
        guard event.stream.hasSameUTF8(as: stream), event.seq == 0 else { throw .place(event.stream, event.seq) }
        let policy: Policy
        do { policy = try Policy(decoding: event.data) } catch { throw .policy(error) }
        if let previous = policy.previous { throw .previous(previous) }
        guard TextRule.isURI(entry.header.issuer) else { throw .issuer(entry.header.issuer) }
        // The subject binds the log's name under the signature where every reader of statements looks for it.
        guard entry.header.subject.hasSameUTF8(as: policy.origin.text) else {
            throw .subject(entry.header.subject, origin: policy.origin.text)
        }
        guard
            let authority = policy.authorities.lazy.map(COSEKey.init).first(where: {
                $0.thumbprint == entry.header.thumbprint
            })
        else { throw .notAnAuthority(entry.header.keyID) }
        do { try entry.verify(authority) } catch { throw .statement(error) }
        guard entry.entryBytes.count <= policy.limits.maxEntryBytes else {
            throw .tooLarge(bytes: entry.entryBytes.count, limit: policy.limits.maxEntryBytes)
        }
        return policy
    }
}

/// Why an entry is no genesis.
public enum GenesisError: NamedFailure, Hashable {
    case statement(StatementError)
    case contentType(String)
    case event(EventError)
    /// An event of another type than `policy.set`.
    case type(String)
    /// Not the first event of the stream `policy`.
    case place(String, UInt64)
    case policy(PolicyError)
    /// The policy names one before it.
    case previous(Hash)
    /// The issuer is no absolute URI.
    case issuer(String)
    /// The subject is not the policy's origin.
    case subject(String, origin: String)
    /// The key identifier is of no authority that the policy names.
    case notAnAuthority([UInt8])
    /// Longer than the policy itself allows.
    case tooLarge(bytes: Int, limit: UInt64)

    public var reason: String {
        switch self {
        case .statement(let error): error.reason
        case .contentType: "content-type"
        case .event(let error): error.reason
        case .type: "type"
        case .place: "place"
        case .policy(let error): error.reason
        case .previous: "previous"
        case .issuer: "issuer"
        case .subject: "subject"
        case .notAnAuthority: "not-an-authority"
        case .tooLarge: "too-large"
        }
    }
}

extension GenesisError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .statement(let error): "the genesis: \(error)"
        case .contentType(let type): "the genesis has content type '\(type)', not that of events"
        case .event(let error): "the genesis: \(error)"
        case .type(let type): "the genesis is a '\(type)' event; it must be \(EventType.policySet)"
        case .place(let stream, let seq):
            "the genesis stands in stream '\(stream)' at seq \(seq); it must be '\(Genesis.stream)' at 0"
        case .policy(let error): "the genesis: \(error)"
        case .previous(let digest): "the policy of the genesis names \(digest) before it; it is the first"
        case .issuer(let issuer): "the issuer of the genesis, '\(issuer)', is no absolute URI"
        case .subject(let subject, let origin):
            "the subject of the genesis, '\(subject)', is not the origin '\(origin)' of its policy"
        case .notAnAuthority(let kid):
            "the genesis is signed with key \(Hex.encode(kid)), which is no authority that its policy names"
        case .tooLarge(let bytes, let limit):
            "the genesis has \(bytes) bytes; its own policy allows \(limit)"
        }
    }
}
