public import Tlog

/// The three keys of the log's own. Different things are signed with different keys, so that a signature can never be
/// taken for one on something else.
public struct LogPublicKeys: Sendable, Hashable {
    /// Signs checkpoints.
    public let checkpoint: Ed25519.PublicKey
    /// Signs receipts.
    public let receipt: Ed25519.PublicKey
    /// Signs the log's own statements: seals.
    public let statement: Ed25519.PublicKey

    public init(checkpoint: Ed25519.PublicKey, receipt: Ed25519.PublicKey, statement: Ed25519.PublicKey) {
        self.checkpoint = checkpoint
        self.receipt = receipt
        self.statement = statement
    }

    /// What a key of the log's signs; the raw values are the names of the policy's fields.
    public enum Use: String, Sendable, Hashable, CaseIterable {
        case checkpoint, receipt, statement
    }

    /// The key of a use.
    public subscript(use: Use) -> Ed25519.PublicKey {
        switch use {
        case .checkpoint: checkpoint
        case .receipt: receipt
        case .statement: statement
        }
    }

    /// The keys, in the order of the policy's fields.
    var all: [Ed25519.PublicKey] { Use.allCases.map { self[$0] } }

    /// Those of these keys that others take the place of.
    ///
    /// - Parameter index: of the entry that does it.
    func ended(by next: LogPublicKeys, at index: UInt64) -> [EndedLogKeyRecord] {
        Use.allCases.filter { self[$0] != next[$0] }
            .map { EndedLogKeyRecord(index: index, key: self[$0], use: $0) }
    }
}
