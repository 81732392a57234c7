internal import COSE

extension StateKey {
    /// Throws unless the value is a record of the key's kind.
    public func checkRecord(_ value: [UInt8]) throws(StateRecordError) {
        switch kind {
        case "policy": _ = try PolicyRecord(decoding: value)
        case "approvals": _ = try ApprovalsRecord(decoding: value)
        case "identity": _ = try IdentityRecord(decoding: value)
        case "stream": _ = try StreamLink(decoding: value)
        case "streams": _ = try StreamCount(decoding: value)
        case "grant": _ = try GrantRecord(decoding: value)
        case "uses": _ = try UsesRecord(decoding: value)
        case "model": _ = try ModelRecord(decoding: value)
        case "attestation": _ = try AttestationRecord(decoding: value)
        case "heartbeat": _ = try HeartbeatRecord(decoding: value)
        case "telemetry": _ = try TelemetryRecord(decoding: value)
        case "containment": _ = try ContainmentRecord(decoding: value)
        case "decision": _ = try PermitRecord(decoding: value)
        case "lease": _ = try LeaseState(decoding: value)
        case "execution": _ = try ExecutionRecord(decoding: value)
        case "peer": _ = try PeerRecord(decoding: value)
        case "peerGrant": _ = try PeerGrantRecord(decoding: value)
        case "route": _ = try RouteRecord(decoding: value)
        case "logKey": _ = try EndedLogKeyRecord(decoding: value)
        case "frozen": _ = try FrozenRecord(decoding: value)
        case "refusals": _ = try RefusalsRecord(decoding: value)
        default: throw StateRecordError(kind: "record of a kind that there is not")
        }
    }

    /// The issuer and the name in the key of a stream; nil for other keys.
    public var stream: (issuer: String, name: String)? {
        guard let parts, parts.count == 3, kind == "stream", let issuer = parts[1].textValue,
            let name = parts[2].textValue
        else { return nil }
        return (issuer, name)
    }
}
