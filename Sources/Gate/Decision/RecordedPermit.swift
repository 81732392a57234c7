internal import COSE
public import Governance
public import Tlog

/// A permit after all ten steps. Only a gate makes one.
public struct RecordedPermit: Sendable, Hashable {
    public let decision: Decision
    /// What an execution starts under: the decision's nonce, or the lease that it was decided under.
    public let permission: Permission
    /// The entry that it stands on: `decision.record`, or `lease.record`.
    public let entry: Hash
    public let index: UInt64
    /// The last ms at which an execution may start under it.
    public let expires: UInt64
    /// The verified head under which the entry's inclusion was checked.
    public let head: TreeHead

    public init(
        decision: Decision, permission: Permission, entry: Hash, index: UInt64, expires: UInt64, head: TreeHead
    ) {
        self.decision = decision
        self.permission = permission
        self.entry = entry
        self.index = index
        self.expires = expires
        self.head = head
    }
}

/// A statement that is in the log, under a head that was verified, with everything below it folded.
public struct RegisteredStatement: Sendable, Hashable {
    public let entry: Hash
    public let index: UInt64
    public let head: TreeHead

    public init(entry: Hash, index: UInt64, head: TreeHead) {
        self.entry = entry
        self.index = index
        self.head = head
    }
}

/// Somebody who registers statements through a gate.
public struct GateSigner: Sendable {
    /// As it is enrolled.
    public let issuer: String
    public let key: Ed25519.SigningKey

    public init(issuer: String, key: Ed25519.SigningKey) {
        self.issuer = issuer
        self.key = key
    }

    /// The thumbprint of its key (RFC 9679).
    public var keyID: Hash { COSEKey(key.publicKey).thumbprint }
}
