internal import COSE
public import Tlog

extension StateKey {
    /// Approvals of policies that are not enough yet: an ``ApprovalsRecord``.
    public static let approvals = StateKey("approvals")

    /// A grant, by the leaf hash of its statement: a ``GrantRecord``.
    public static func grant(_ grant: Hash) -> StateKey { StateKey("grant", .hash(grant)) }

    /// The uses of a counted grant: a ``UsesRecord``.
    public static func uses(_ grant: Hash) -> StateKey { StateKey("uses", .hash(grant)) }

    /// A version of a model: a ``ModelRecord``.
    public static func model(_ model: ModelVersion) -> StateKey {
        StateKey("model", .text(model.name), .text(model.version))
    }

    /// A runtime's newest attestation: an ``AttestationRecord``.
    public static func attestation(_ issuer: String) -> StateKey { StateKey("attestation", .text(issuer)) }

    /// A runtime's newest heartbeat: a ``HeartbeatRecord``.
    public static func heartbeat(_ issuer: String) -> StateKey { StateKey("heartbeat", .text(issuer)) }

    /// A runtime's newest telemetry digest: a ``TelemetryRecord``.
    public static func telemetry(_ issuer: String) -> StateKey { StateKey("telemetry", .text(issuer)) }

    /// Whether something is contained: a ``ContainmentRecord``.
    public static func containment(_ scope: Scope) -> StateKey {
        StateKey(bytes: CBOR.texts(["containment"] + scope.parts).encoded())
    }

    /// A decision, by its nonce: a ``PermitRecord``.
    public static func decision(_ nonce: [UInt8]) -> StateKey { StateKey("decision", .bytes(nonce)) }

    /// A lease, by the leaf hash of its statement: a ``LeaseState``.
    public static func lease(_ lease: Hash) -> StateKey { StateKey("lease", .hash(lease)) }

    /// An execution: an ``ExecutionRecord``.
    public static func execution(_ execution: ExecutionID) -> StateKey {
        StateKey("execution", .text(execution.home), .text(execution.id))
    }

    /// Another domain, by its origin: a ``PeerRecord``.
    public static func peer(_ origin: String) -> StateKey { StateKey("peer", .text(origin)) }

    /// A grant of a peer's that was shown here, by the leaf hash of its statement: a ``PeerGrantRecord``.
    public static func peerGrant(_ grant: Hash) -> StateKey { StateKey("peerGrant", .hash(grant)) }

    /// A route, by its name: a ``RouteRecord``.
    public static func route(_ route: String) -> StateKey { StateKey("route", .text(route)) }
}

extension StateKey: CustomStringConvertible {
    /// The array in CBOR's diagnostic notation.
    public var description: String {
        (try? CBOR(decoding: bytes))?.description ?? "h'\(Hex.encode(bytes))'"
    }
}
