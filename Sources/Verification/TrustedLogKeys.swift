import COSE
import Governance
import Tlog

/// The log's keys as a trust file names them, by what they sign.
///
/// Of each use there is a line of succession: the genesis's key, then those that came later, in the order of their
/// lines. A key with a cut-off is followed by another one.
struct TrustedLogKeys: Sendable, Hashable {
    /// One key in its line of succession.
    struct Key: Sendable, Hashable {
        let key: Ed25519.PublicKey
        /// RFC 9679's, by which receipts and statements name it.
        let thumbprint: Hash
        /// As the lines of the file name it.
        let name: String
        /// From this tree size on it counts no more; nil for a key that has not ended.
        let cutoff: UInt64?
        /// The last cut-off of a key before it; nil where none has one.
        let start: UInt64?
    }

    let checkpoint: [Key]
    /// Empty unless the genesis entry is pinned, as are those below.
    let receipt: [Key]
    let statement: [Key]

    init(
        policy: TlogPolicy, genesis: Policy?, later: [LaterKeyLine], cutoffs: [KeyCutoffLine]
    ) throws(TrustFileError) {
        if genesis == nil, let first = later.first {
            throw TrustFileError(.noGenesisEntry("log-key"), line: first.number)
        }
        if genesis == nil, let first = cutoffs.first(where: { $0.use != .checkpoint }) {
            throw TrustFileError(.noGenesisEntry("key-cutoff \(first.use.rawValue)"), line: first.number)
        }
        try Self.checkUses(policy, genesis, later)
        let names = Set(policy.logs.map(\.key.name))
        var checkpoint: [Key] = []
        for name in names {
            let ofLog = policy.logs.map(\.key).filter { $0.name == name }
            // The genesis's key is the first, wherever its line stands.
            let first = ofLog.filter { $0 == genesis?.checkpointKey }
            let keys = first + ofLog.filter { $0 != genesis?.checkpointKey }
            checkpoint += try Self.succession(
                .checkpoint, keys.compactMap { key in key.ed25519.map { ($0, key.text) } },
                cutoffs.filter { line in line.use == .checkpoint && Self.isOfLog(line, named: name) })
        }
        if let stray = cutoffs.first(where: { line in
            line.use == .checkpoint && !names.contains { Self.isOfLog(line, named: $0) }
        }) {
            throw TrustFileError(.unknownKey(.checkpoint, stray.name), line: stray.number)
        }
        self.checkpoint = checkpoint
        receipt = try Self.succession(.receipt, genesis?.logKeys.receipt, later, cutoffs)
        statement = try Self.succession(.statement, genesis?.logKeys.statement, later, cutoffs)
    }

    private static func isOfLog(_ line: KeyCutoffLine, named name: KeyName) -> Bool {
        (try? VerifierKey(parsing: line.name))?.name == name
    }

    /// "Each key has one use."
    private static func checkUses(
        _ policy: TlogPolicy, _ genesis: Policy?, _ later: [LaterKeyLine]
    ) throws(TrustFileError) {
        guard let genesis else { return }
        var taken = Set(genesis.authorities + genesis.issuers.map(\.key))
        taken.formUnion([genesis.logKeys.receipt, genesis.logKeys.statement])
        for log in policy.logs {
            guard let key = log.key.ed25519, taken.insert(key).inserted || Mutant.trustKeyUses.isOff else {
                throw TrustFileError(.sameKey(log.key.text), line: nil)
            }
        }
        for line in later where !taken.insert(line.key).inserted && !Mutant.trustKeyUses.isOff {
            throw TrustFileError(.sameKey(Base64.encode(line.key.bytes)), line: line.number)
        }
    }

    private static func succession(
        _ use: LogPublicKeys.Use, _ first: Ed25519.PublicKey?, _ later: [LaterKeyLine], _ cutoffs: [KeyCutoffLine]
    ) throws(TrustFileError) -> [Key] {
        guard let first else { return [] }
        let keys = [first] + later.filter { $0.use == use }.map(\.key)
        return try succession(
            use, keys.map { ($0, COSEKey($0).thumbprint.hex) }, cutoffs.filter { $0.use == use })
    }

    /// The keys with their cut-offs, which must be in the same order.
    private static func succession(
        _ use: LogPublicKeys.Use, _ keys: [(key: Ed25519.PublicKey, name: String)], _ cutoffs: [KeyCutoffLine]
    ) throws(TrustFileError) -> [Key] {
        var ends: [String: UInt64] = [:]
        for line in cutoffs {
            guard keys.contains(where: { $0.name == line.name }) else {
                throw TrustFileError(.unknownKey(use, line.name), line: line.number)
            }
            guard ends.updateValue(line.size, forKey: line.name) == nil else {
                throw TrustFileError(.repeated("key-cutoff \(use.rawValue) \(line.name)"), line: line.number)
            }
        }
        guard let last = cutoffs.last else {
            return keys.map {
                Key(key: $0.key, thumbprint: COSEKey($0.key).thumbprint, name: $0.name, cutoff: nil, start: nil)
            }
        }
        guard ends.count < keys.count else { throw TrustFileError(.allKeysEnded(use), line: last.number) }
        var succession: [Key] = []
        for (key, name) in keys {
            let before = succession.last
            let cutoff = ends[name]
            if let cutoff, let before {
                guard let start = before.cutoff, start < cutoff else {
                    throw TrustFileError(.cutoffOrder(use), line: last.number)
                }
            }
            succession.append(
                Key(
                    key: key, thumbprint: COSEKey(key).thumbprint, name: name, cutoff: cutoff,
                    start: before?.cutoff ?? before?.start))
        }
        return succession
    }

    /// Where a checkpoint key ended; nil for one that has not, or that the file does not name.
    func cutoff(of key: VerifierKey) -> UInt64? {
        checkpoint.first { $0.name == key.text }?.cutoff
    }

    func receiptKey(_ keyID: [UInt8]) -> Key? { receipt.first { $0.thumbprint.bytes == keyID } }

    func statementKey(_ keyID: [UInt8]) -> Key? { statement.first { $0.thumbprint.bytes == keyID } }
}

extension TrustedLogKeys.Key {
    /// Whether nothing that the key signs has to be held to a place in the log.
    var isUnbounded: Bool { cutoff == nil && start == nil }

    /// Throws unless the log could sign an entry of its own at this index with the key. The seal that ends the batch with
    /// the rotation, the last entry below the cut-off, is the old key's last one.
    func check(entry index: UInt64) throws(CheckFailure) {
        if let cutoff, index >= cutoff, !Mutant.ownKeyEnded.isOff {
            throw CheckFailure(
                "key-ended", "the statement key \(name) ended at size \(cutoff), and signed entry \(index)")
        }
        if let start, index < start {
            throw CheckFailure(
                "key-not-begun",
                "the statement key \(name) is the log's from entry \(start) on, and signed entry \(index)")
        }
    }
}
