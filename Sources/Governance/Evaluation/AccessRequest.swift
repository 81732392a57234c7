public import COSE
public import Tlog

/// What a decision is asked for.
public struct AccessRequest: Sendable, Hashable {
    /// A model that the request names, and what the runtime has loaded.
    public struct ModelUse: Sendable, Hashable {
        public let model: ModelVersion
        public let purpose: String
        /// The digest of the manifest of what was loaded (``ModelRegister/digest``); nil if nobody says.
        public let loaded: Hash?

        public init(model: ModelVersion, purpose: String, loaded: Hash?) {
            self.model = model
            self.purpose = purpose
            self.loaded = loaded
        }

        var cbor: CBOR { ["model": model.cbor, "purpose": .text(purpose), "loaded": .hash(loaded)] }
    }

    public let access: Access
    /// The grant that is to cover it: one of this log, or with a route one of the peer's.
    public var grant: Hash?
    /// The policy that the requester believes to be in force.
    public var policy: Hash?
    public var model: ModelUse?
    /// The route to or from the peer whose grant or runtime it uses; nil within the domain.
    public var route: String?
    /// The execution that is to start, or that runs.
    public var execution: ExecutionID?
    /// The executions that it goes on from.
    public var parents: [ExecutionID]
    /// The digest of the newest telemetry that the runtime says it has sent; nil if it doesn't say.
    public var telemetry: Hash?
    /// What the caller carries from the peer's log; there with a route. It is evidence and no part of what is asked: the
    /// digest is the same without.
    public var peerEvidence: PeerEvidence?

    public init(
        access: Access, grant: Hash? = nil, policy: Hash? = nil, model: ModelUse? = nil, route: String? = nil,
        execution: ExecutionID? = nil, parents: [ExecutionID] = [], telemetry: Hash? = nil
    ) {
        self.access = access
        self.grant = grant
        self.policy = policy
        self.model = model
        self.route = route
        self.execution = execution
        self.parents = parents
        self.telemetry = telemetry
    }

    /// The checks that it is held to, in their order.
    public var checks: [CheckID] {
        CheckID.allCases.filter { check in
            switch check.profile {
            case .synchronization: true
            case .crossCloud: route != nil
            case .model: model != nil
            }
        }
    }

    /// `spec/evaluation.md`: what ``digest`` is of.
    public var cbor: CBOR {
        var map: CBORMap = [
            "subject": .text(access.subject), "action": .text(access.action), "resource": .text(access.resource),
            "parents": .array(parents.map(\.cbor)),
        ]
        map["grant"] = grant.map { .hash($0) }
        map["policy"] = policy.map { .hash($0) }
        map["model"] = model?.cbor
        map["route"] = route.map { .text($0) }
        map["execution"] = execution?.cbor
        map["telemetry"] = telemetry.map { .hash($0) }
        return .map(map)
    }

    /// SHA-256 of the deterministic encoding: what the record of the decision calls the request.
    public var digest: Hash { Hash.sha256(cbor.encoded()) }
}
