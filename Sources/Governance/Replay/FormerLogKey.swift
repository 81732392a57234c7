internal import COSE
public import Tlog

/// A key that was the log's, and the size from which on it was not.
public struct FormerLogKey: Sendable, Hashable {
    public let key: Ed25519.PublicKey
    public let use: LogPublicKeys.Use
    /// The size of the tree with the batch that ended it, its seal included. The log signed no head and no root of this
    /// size or larger with the key, and no entry of its own from this index on.
    public let cutoff: UInt64
}

extension LogReplay {
    /// The keys that were the log's at ``sealedSize`` no more, the earliest cut-off first. A key that another one took the
    /// place of in the very batch that it began in never signed anything, and is not among them.
    public var formerLogKeys: [FormerLogKey] {
        guard let ended = rules?.formerLogKeys, !ended.isEmpty else { return [] }
        return FormerLogKey.keys(ended, sealedSizes: state.heads.keys.sorted())
    }
}

extension FormerLogKey {
    /// - Parameters:
    ///   - ended: in the order in which they ended.
    ///   - sizes: those at which a seal ends the log, ascending.
    static func keys(_ ended: [EndedLogKeyRecord], sealedSizes sizes: [UInt64]) -> [FormerLogKey] {
        var keys: [FormerLogKey] = []
        for record in ended {
            guard let cutoff = sizes.first(where: { $0 > record.index }) else { continue }
            let former = FormerLogKey(key: record.key, use: record.use, cutoff: cutoff)
            guard !keys.contains(where: { $0.use == former.use && $0.cutoff == cutoff }) else { continue }
            keys.append(former)
        }
        return keys
    }
}
