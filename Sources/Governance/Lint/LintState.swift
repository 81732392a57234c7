internal import COSE
public import Tlog

/// What lint looks at of a governance state, taken out of it once.
public struct LintState: Sendable {
    /// The time that windows are held to: that of the newest seal, ms since 1970.
    public let time: UInt64
    public private(set) var identities: [(issuer: String, record: IdentityRecord)] = []
    public private(set) var grants: [Hash: GrantRecord] = [:]
    public private(set) var uses: [Hash: UInt64] = [:]
    public private(set) var models: [ModelVersion: ModelRecord] = [:]
    /// By the texts of their scope.
    public private(set) var containments: [[String]: ContainmentRecord] = [:]
    public private(set) var peers: [String: PeerRecord] = [:]
    public private(set) var routes: [String: RouteRecord] = [:]
    public private(set) var approvals: ApprovalsRecord?

    /// An empty state: that of a policy nobody has put to use.
    public init(time: UInt64) {
        self.time = time
    }

    /// - Throws: ``StateRecordError`` for a record that is none; what the state throws.
    public init(_ state: some StateScanning, time: UInt64) throws {
        self.time = time
        try state.forEachValue(prefix: []) { key, value in try take(key, value) }
        identities.sort { ($0.issuer, $0.record.index) < ($1.issuer, $1.record.index) }
    }

    private mutating func take(_ key: StateKey, _ value: [UInt8]) throws {
        guard let parts = (try? CBOR(decoding: key.bytes))?.arrayValue, let kind = parts.first?.textValue else {
            throw StateRecordError(kind: "key")
        }
        let texts = parts.dropFirst().compactMap(\.textValue)
        let hash = parts.dropFirst().first?.bytesValue.flatMap { Hash($0) }
        switch (kind, hash) {
        case ("identity", _): identities.append((texts.first ?? "", try IdentityRecord(decoding: value)))
        case ("grant", let id?): grants[id] = try GrantRecord(decoding: value)
        case ("uses", let id?): uses[id] = try UsesRecord(decoding: value).used
        case ("model", _) where texts.count == 2:
            models[ModelVersion(name: texts[0], version: texts[1])] = try ModelRecord(decoding: value)
        case ("containment", _): containments[texts] = try ContainmentRecord(decoding: value)
        case ("peer", _): peers[texts.first ?? ""] = try PeerRecord(decoding: value)
        case ("route", _): routes[texts.first ?? ""] = try RouteRecord(decoding: value)
        case ("approvals", _): approvals = try ApprovalsRecord(decoding: value)
        default: break
        }
    }

    /// The identities whose statements count.
    var activeIdentities: [(issuer: String, record: IdentityRecord)] {
        identities.filter { $0.record.ending == nil }
    }

    /// The containment over a scope, while there is one.
    func containment(_ scope: Scope) -> ContainmentRecord? {
        guard let record = containments[scope.parts], record.phase != .baseline else { return nil }
        return record
    }
}
