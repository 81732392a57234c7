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
