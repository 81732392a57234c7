public import Tlog

/// Whose signature a head bears, of the log's keys that a trust file names.
public enum HeadSigner: Sendable, Hashable {
    /// A key that has not ended.
    case current(VerifierKey)
    /// A key that ended at a larger size than the head's: it counts only with a consistency proof to a head under a key
    /// that has not.
    case former(VerifierKey, cutoff: UInt64)
    /// A key that ended at the head's size or before: the log never signed this head.
    case ended(VerifierKey, cutoff: UInt64)
}

extension TrustFile {
    /// Finds the log's signature on a checkpoint. Every line under a key that the file names must be that key's.
    ///
    /// A signature of a key that counts is enough: what an ended key adds to it says nothing.
    func signer(of signed: SignedCheckpoint) throws(PolicyFailure) -> HeadSigner {
        let own = policy.logs.map(\.key).filter { $0.name == signed.checkpoint.origin.keyName }
        guard let first = own.first else { throw .unknownLog(signed.checkpoint.origin) }
        let present = own.filter { key in signed.note.signatures.contains(where: key.matches) }
        guard let any = present.first else { throw .signature(.noSignature(name: first.name, keyID: first.keyID)) }
        for key in present {
            do { try signed.verify(logKey: key) } catch { throw .signature(error) }
        }
        if let current = present.first(where: { keys.cutoff(of: $0) == nil }) { return .current(current) }
        let ends = present.map { (key: $0, cutoff: keys.cutoff(of: $0) ?? 0) }
        if let former = ends.first(where: { $0.cutoff > signed.checkpoint.size || Mutant.headKeyEnded.isOff }) {
            return .former(former.key, cutoff: former.cutoff)
        }
        return .ended(any, cutoff: ends[0].cutoff)
    }

    /// Whether a line of the checkpoint is under the log's name and none of its keys that the file names.
    func hasUnknownLine(_ signed: SignedCheckpoint) -> Bool {
        let name = signed.checkpoint.origin.keyName
        return signed.note.signatures.contains { line in
            line.name == name && !policy.logs.contains { $0.key.matches(line) }
        }
    }

    /// Holds a head to the file: the log's signature, with a key that has not ended, and the quorum of witnesses.
    ///
    /// - Parameter takesFormer: whether a head of a key that ended later will do. It will where the caller itself has
    ///   found the head good before the key ended, and kept it.
    /// - Throws: ``HeadFailure``.
    public func verify(
        _ signed: SignedCheckpoint, takesFormer: Bool = false
    ) throws(HeadFailure) -> VerifiedCheckpoint {
        let verified: VerifiedCheckpoint
        let signer: HeadSigner
        do {
            verified = try policy.verify(signed)
            signer = try self.signer(of: signed)
        } catch {
            throw .policy(error)
        }
        switch signer {
        case .current: return verified
        case .former where takesFormer: return verified
        case .former(let key, let cutoff): throw .former(key, cutoff: cutoff)
        case .ended(let key, let cutoff): throw .ended(key, cutoff: cutoff, size: signed.checkpoint.size)
        }
    }
}

/// Why a head does not count under a trust file.
public enum HeadFailure: NamedFailure, Hashable {
    /// The log's signature, or the quorum.
    case policy(PolicyFailure)
    /// The key has ended since, and nothing shows that the head is of the log's history.
    case former(VerifierKey, cutoff: UInt64)
    /// The key had ended.
    case ended(VerifierKey, cutoff: UInt64, size: UInt64)

    public var reason: String {
        switch self {
        case .policy(let failure): failure.reason
        case .former: "successor-missing"
        case .ended: "key-ended"
        }
    }
}

extension HeadFailure: CustomStringConvertible {
    public var description: String {
        switch self {
        case .policy(let failure): failure.sentence()
        case .former(let key, let cutoff):
            "it is signed with \(key.text), which ended at size \(cutoff): it counts only with a consistency proof to a "
                + "head under a newer key"
        case .ended(let key, let cutoff, let size):
            "it is signed with \(key.text), which ended at size \(cutoff), and has \(size) entries"
        }
    }
}
