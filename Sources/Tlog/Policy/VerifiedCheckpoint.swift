/// A checkpoint that satisfied a policy. Only a policy makes one.
public struct VerifiedCheckpoint: Sendable, Hashable {
    /// A witness's cosignature that was verified.
    public struct Cosigned: Sendable, Hashable {
        /// What the policy calls the witness.
        public let witness: TlogPolicy.Name
        /// The time that the witness signed, in seconds since 1970.
        public let seconds: UInt64
    }

    public let signed: SignedCheckpoint
    /// The policy's witnesses that cosigned, in the policy's order.
    public let cosignatures: [Cosigned]
    /// What it was checked against.
    public let policy: TlogPolicy
    /// The quorum that was reached: the policy's own unless another was asked for.
    public let quorum: TlogPolicy.Quorum

    init(
        signed: SignedCheckpoint, cosignatures: [Cosigned], policy: TlogPolicy, quorum: TlogPolicy.Quorum
    ) {
        self.signed = signed
        self.cosignatures = cosignatures
        self.policy = policy
        self.quorum = quorum
    }

    public var checkpoint: Checkpoint { signed.checkpoint }
    public var treeHead: TreeHead { checkpoint.treeHead }

    /// When this head was current, in seconds since 1970: the greatest t such that the cosignatures of t or later
    /// satisfy the quorum. Cosignatures later than `latest` are not believed.
    ///
    /// Nil if what remains does not satisfy the quorum, or if no cosignature is demanded.
    public func headTime(notAfter latest: UInt64) -> UInt64? {
        guard quorum != .none else { return nil }
        let believed = cosignatures.filter { $0.seconds <= latest }.sorted { $0.seconds > $1.seconds }
        var cosigned: Set<TlogPolicy.Name> = []
        for cosignature in believed {
            cosigned.insert(cosignature.witness)
            if policy.isSatisfied(quorum, by: cosigned) { return cosignature.seconds }
        }
        return nil
    }
}

/// Why a checkpoint is not believed.
public enum PolicyFailure: NamedFailure, Hashable {
    /// The policy has no log of that origin.
    case unknownLog(Origin)
    /// The log's signature, or a known witness's cosignature, is missing or not valid.
    case signature(NoteError)
    /// The witnesses that did cosign do not satisfy the quorum.
    case quorumNotReached(TlogPolicy.Quorum, cosigned: [TlogPolicy.Name])

    public var reason: String {
        switch self {
        case .unknownLog: "unknown-log"
        case .signature(let error): error.reason
        case .quorumNotReached: "quorum-not-reached"
        }
    }
}

extension TlogPolicy {
    /// Checks a checkpoint: "a checkpoint is considered valid if it is signed by any one of the listed logs, and it is
    /// cosigned by witnesses according to the defined quorum rule".
    ///
    /// `logKeys` are logs known from elsewhere: "An application where the appropriate log(s) are known from other
    /// context may accept a policy with an empty set of logs." Unknown signature lines are ignored; a line under the
    /// name and key ID of a known log or witness that does not verify fails the checkpoint.
    public func verify(
        _ signed: SignedCheckpoint, logKeys: [VerifierKey] = []
    ) throws(PolicyFailure) -> VerifiedCheckpoint {
        try verify(signed, logKeys: logKeys, quorum: quorum)
    }

    /// The same for another quorum over this policy's names.
    package func verify(
        _ signed: SignedCheckpoint, logKeys: [VerifierKey] = [], quorum: Quorum
    ) throws(PolicyFailure) -> VerifiedCheckpoint {
        try verifyLog(of: signed, keys: logs.map(\.key) + logKeys)
        var cosignatures: [VerifiedCheckpoint.Cosigned] = []
        for witness in witnesses {
            do {
                guard let seconds = try Cosignature.verify(signed, key: witness.key) else { continue }
                cosignatures.append(VerifiedCheckpoint.Cosigned(witness: witness.name, seconds: seconds))
            } catch {
                throw .signature(error)
            }
        }
        guard isSatisfied(quorum, by: Set(cosignatures.map(\.witness))) else {
            throw .quorumNotReached(quorum, cosigned: cosignatures.map(\.witness))
        }
        return VerifiedCheckpoint(signed: signed, cosignatures: cosignatures, policy: self, quorum: quorum)
    }

    /// "The log's vkey includes a "key name". This name MUST correspond to the log's origin line". A log may have
    /// several keys: every line under one of them must verify, and there must be one.
    private func verifyLog(of signed: SignedCheckpoint, keys: [VerifierKey]) throws(PolicyFailure) {
        let own = keys.filter { $0.name == signed.checkpoint.origin.keyName }
        guard let first = own.first else { throw .unknownLog(signed.checkpoint.origin) }
        let present = own.filter { key in signed.note.signatures.contains(where: key.matches) }
        guard !present.isEmpty else { throw .signature(.noSignature(name: first.name, keyID: first.keyID)) }
        for key in present {
            do { try signed.verify(logKey: key) } catch { throw .signature(error) }
        }
    }
}
