public import COSE
public import Tlog

/// A grant of a peer's as a permit has shown it: under which head of the peer's, and all that it comes from.
public struct PeerGrantRecord: StateRecord {
    public static let kind = "peer's grant"

    /// One grant: itself, or one that it comes from.
    public struct Link: Sendable, Hashable {
        /// The leaf hash of its statement.
        public let id: Hash
        public let issuer: String
        public let grant: GrantIssue
    }

    public let index: UInt64
    /// The peer's.
    public let origin: String
    /// The peer's head under which it was unrevoked.
    public let head: TreeHead
    /// Itself first, the one that was not handed on last.
    public let grants: [Link]

    init(index: UInt64, origin: String, head: TreeHead, _ chain: GrantChain) {
        self.index = index
        self.origin = origin
        self.head = head
        grants = chain.links.map { Link(id: $0.id, issuer: $0.record.issuer, grant: $0.record.grant) }
    }

    /// As the rules of a grant take it; the entry that made it is the one that showed it here.
    var chain: GrantChain {
        GrantChain(
            links: grants.map {
                GrantChain.Link(id: $0.id, record: GrantRecord(index: index, issuer: $0.issuer, grant: $0.grant))
            })
    }

    public var cbor: CBOR {
        [
            "index": .unsigned(index), "origin": .text(origin),
            "head": ["size": .unsigned(head.size), "root": .hash(head.root)],
            "grants": .array(grants.map { [.hash($0.id), .text($0.issuer), $0.grant.cbor] }),
        ]
    }

    public init(record item: CBOR) throws(FieldError) {
        let fields = try FieldReader(item, path: "", fields: ["index", "origin", "head", "grants"])
        let head = try FieldReader(fields.item("head"), path: "head", fields: ["size", "root"])
        index = try fields.unsigned("index")
        origin = try fields.text("origin")
        self.head = TreeHead(size: try head.unsigned("size"), root: try head.hash("root"))
        grants = try fields.elements("grants", count: 1...Int.max) { item, path throws(FieldError) in
            guard case .array(let parts) = item, parts.count == 3, let id = parts[0].bytesValue.flatMap({ Hash($0) }),
                let issuer = parts[1].textValue
            else { throw .wrongKind(path) }
            return Link(id: id, issuer: issuer, grant: try GrantIssue(parts[2]))
        }
    }
}
