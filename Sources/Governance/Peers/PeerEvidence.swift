internal import COSE
public import Tlog

/// What was carried here from a peer's log. None of it is believed before the evaluation has verified it under the head
/// of the peer that this log has recorded.
///
/// `spec/peer-evidence.cddl`:
///
/// ```cddl
/// peer-evidence = {
///   "proofs": [1*64 bstr .cbor state-proof],
///   ? "statement": [entry: bstr, index: uint, path: [*63 hash]],
/// }
/// ```
public struct PeerEvidence: Sendable, Hashable {
    /// The entry that issued the foreign grant, where it stands, and the path to the peer's recorded head.
    public struct Statement: Sendable, Hashable {
        public let entry: [UInt8]
        public let index: UInt64
        public let path: [Hash]

        public init(entry: [UInt8], index: UInt64, path: [Hash]) {
            self.entry = entry
            self.index = index
            self.path = path
        }
    }

    /// What names of files that hold some end with.
    public static let pathExtension = "peer-evidence"
    /// The most bytes that it may have.
    public static let maxByteCount = 262_144
    /// The most state proofs that are looked at.
    public static let maxProofCount = 64

    public var statement: Statement?
    /// State proofs of the peer's, all under its recorded head.
    public var proofs: [StateProof]
    /// Why what was carried can't be read; nil if it can. What can't be read shows nothing, and a check says so.
    public private(set) var fault: String?

    public init(statement: Statement?, proofs: [StateProof]) {
        self.statement = statement
        self.proofs = proofs
    }

    /// What was carried and can't be read.
    public init(unreadable why: String) {
        self.init(statement: nil, proofs: [])
        fault = why
    }

    /// What was carried, in deterministic CBOR; with a ``fault`` if it is none.
    public init(reading bytes: [UInt8]) {
        do throws(StateProofError) { try self.init(decoding: bytes) } catch { self.init(unreadable: "\(error)") }
    }

    /// Reads some from deterministic CBOR, bounded, without unknown fields.
    public init(decoding bytes: [UInt8]) throws(StateProofError) {
        guard bytes.count <= Self.maxByteCount else {
            throw .tooLarge(bytes: bytes.count, limit: Self.maxByteCount)
        }
        let item: CBOR
        do { item = try CBOR(decoding: bytes, limits: CBORLimits(depth: 4, items: 400)) } catch { throw .cbor(error) }
        let encoded: [[UInt8]]
        do {
            let fields = try FieldReader(item, path: "", fields: ["proofs", "statement"])
            encoded = try fields.elements("proofs", count: 1...Self.maxProofCount) { item, path throws(FieldError) in
                guard let bytes = item.bytesValue else { throw .wrongKind(path) }
                return bytes
            }
            statement = try fields.optional("statement") { name throws(FieldError) in
                try Statement(fields.array(name))
            }
        } catch {
            throw .field(error)
        }
        proofs = []
        for bytes in encoded { proofs.append(try StateProof(decoding: bytes)) }
    }

    /// Deterministic CBOR: the content of a `.peer-evidence` file, and of `context.peer`.
    public func encoded() -> [UInt8] {
        var map: CBORMap = ["proofs": .array(proofs.map { .bytes($0.encoded()) })]
        map["statement"] = statement.map {
            [.bytes($0.entry), .unsigned($0.index), .array($0.path.map { .hash($0) })]
        }
        return CBOR.map(map).encoded()
    }
}

extension PeerEvidence.Statement {
    fileprivate init(_ parts: [CBOR]) throws(FieldError) {
        guard parts.count == 3, let entry = parts[0].bytesValue, let index = parts[1].unsignedValue,
            let items = parts[2].arrayValue, items.count <= TlogProof.maxPathCount
        else { throw .wrongKind("statement") }
        var path: [Hash] = []
        for item in items {
            guard let hash = item.bytesValue.flatMap({ Hash($0) }) else { throw .wrongKind("statement") }
            path.append(hash)
        }
        self.init(entry: entry, index: index, path: path)
    }
}

extension PeerEvidence {
    /// The keys of the peer's state that the checks of a request by a route ask for, beside the grant: with what it comes
    /// from and the key of its issuer, who gathers evidence finds that by reading the grant.
    ///
    /// - Parameters:
    ///   - route: the one that the request names.
    ///   - home: the origin of the domain where it is asked.
    public static func keys(for request: AccessRequest, by route: RouteOpen, home: String) -> [StateKey] {
        let peer = route.end(otherThan: home)
        var scopes: [Scope] = [
            .domain(peer), .runtime(request.access.subject), .route(route.route), .domain(route.from),
            .domain(route.to),
        ]
        if let model = request.model?.model { scopes.append(.model(model)) }
        if let execution = request.execution { scopes.append(.execution(execution)) }
        var keys: [StateKey] = [.policy, .route(route.route)] + scopes.map { .containment($0) }
        keys += request.parents.filter { $0.home.hasSameUTF8(as: peer) }.map { .execution($0) }
        return Set(keys).sorted()
    }
}
