public import Governance
public import Tlog

/// The three keys that a log signs with. Each does one thing, so that none signs what another one's verifier reads.
public struct LogKeys: Sendable {
    /// Signs checkpoints (c2sp.org/tlog-checkpoint).
    public let checkpoint: Ed25519.SigningKey

    /// Signs receipts (RFC 9942).
    public let receipt: Ed25519.SigningKey

    /// Signs the log's own statements: the seal that ends each batch.
    public let statement: Ed25519.SigningKey

    public init(checkpoint: Ed25519.SigningKey, receipt: Ed25519.SigningKey, statement: Ed25519.SigningKey) {
        self.checkpoint = checkpoint
        self.receipt = receipt
        self.statement = statement
    }
}

extension LogKeys {
    /// What others know of them.
    public var publicKeys: LogPublicKeys {
        LogPublicKeys(
            checkpoint: checkpoint.publicKey, receipt: receipt.publicKey, statement: statement.publicKey)
    }
}

/// The sets of keys that a server holds: those that the log has, and those that a `log.rotate` may put in their place. A log
/// never comes to name keys that its server does not sign with.
public struct LogKeyRing: Sendable {
    private let sets: [LogKeys]

    /// - Parameter next: the keys for a rotation; nil where none is meant.
    public init(_ keys: LogKeys, next: LogKeys?) {
        sets = [keys] + (next.map { [$0] } ?? [])
    }

    /// The set that has exactly these public keys, if it is held.
    func keys(for publicKeys: LogPublicKeys) -> LogKeys? {
        sets.first { $0.publicKeys == publicKeys }
    }

    /// The set that a policy names.
    ///
    /// - Throws: ``LogError/wrongKey(use:found:expected:)``, about the set that the log was opened with first.
    public func keys(namedBy policy: Policy) throws(LogError) -> LogKeys {
        if let keys = keys(for: policy.logKeys) { return keys }
        let found = sets[0].publicKeys
        let use = LogPublicKeys.Use.allCases.first { found[$0] != policy.logKeys[$0] } ?? .checkpoint
        throw .wrongKey(use: use.rawValue, found: found[use].description, expected: policy.logKeys[use].description)
    }

    /// The keys that checkpoints are signed with, now or after a rotation.
    var checkpointKeys: [Ed25519.PublicKey] { sets.map(\.checkpoint.publicKey) }
}
