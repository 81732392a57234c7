import COSE
import Governance
import Tlog

/// Changes of a test log's keys.
extension TestLog {
    /// The three keys of a log.
    struct Keys {
        let checkpoint: Ed25519.SigningKey
        let receipt: Ed25519.SigningKey
        let statement: Ed25519.SigningKey

        var publicKeys: LogPublicKeys {
            LogPublicKeys(
                checkpoint: checkpoint.publicKey, receipt: receipt.publicKey, statement: statement.publicKey)
        }
    }

    var keys: Keys { Keys(checkpoint: checkpointKey, receipt: receiptKey, statement: statementKey) }

    /// Puts other keys in the place of the log's, in a batch of its own whose seal is the old key's last entry.
    ///
    /// - Returns: the cut-off: the size of the tree of that batch.
    @discardableResult
    mutating func rotate(seed: UInt8 = 90, isSealedByNext: Bool = false) throws -> UInt64 {
        let next = Keys(
            checkpoint: try Self.key(seed), receipt: try Self.key(seed + 1), statement: try Self.key(seed + 2))
        return try rotate(to: next, isSealedByNext: isSealedByNext)
    }

    /// - Parameter isSealedByNext: breaks the rule: the new key signs the seal of the rotation's own batch.
    @discardableResult
    mutating func rotate(to next: Keys, isSealedByNext: Bool = false) throws -> UInt64 {
        let data = LogRotate(logKeys: next.publicKeys, previous: fold.rules.policy.digest)
        try append(governing(.logRotate, data.cbor))
        if isSealedByNext { use(checkpoint: checkpointKey, receipt: receiptKey, statement: next.statement) }
        seal()
        use(checkpoint: next.checkpoint, receipt: next.receipt, statement: next.statement)
        return size
    }

    /// A trust file's lines that name keys as later ones, and where the keys of `ended` ended.
    static func laterLines(_ later: Keys, origin: Origin, ended: Keys? = nil, at size: UInt64 = 0) -> [String] {
        func vkey(_ key: Ed25519.SigningKey) -> String {
            VerifierKey.ed25519(name: origin.keyName, publicKey: key.publicKey).text
        }
        var lines = [
            "log \(vkey(later.checkpoint))", "log-key receipt \(Base64.encode(later.receipt.publicKey.bytes))",
            "log-key statement \(Base64.encode(later.statement.publicKey.bytes))",
        ]
        guard let ended else { return lines }
        lines.append("key-cutoff checkpoint \(vkey(ended.checkpoint)) \(size)")
        for (use, key) in [("receipt", ended.receipt), ("statement", ended.statement)] {
            lines.append("key-cutoff \(use) \(COSEKey(key.publicKey).thumbprint) \(size)")
        }
        return lines
    }
}
