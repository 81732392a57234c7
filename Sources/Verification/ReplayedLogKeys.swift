import COSE
public import Governance
public import Tlog

/// The log's keys as its own entries say, at a sealed size up to which they were followed.
public struct ReplayedLogKeys: Sendable, Hashable {
    /// The origin, as the name of checkpoint keys.
    let name: KeyName
    /// Those in force.
    public let current: LogPublicKeys
    /// Those that ended, the earliest first.
    public let former: [FormerLogKey]

    /// Nil before the first seal.
    public init?(_ replay: LogReplay) {
        guard replay.sealedSize > 0, let policy = replay.rules?.policy else { return nil }
        self.init(policy, former: replay.formerLogKeys)
    }

    init(_ policy: Policy, former: [FormerLogKey]) {
        name = policy.origin.keyName
        current = policy.logKeys
        self.former = former
    }

    /// What a head's signature is worth, by what was followed.
    public enum Standing: Sendable, Hashable {
        /// The key in force at its size signed it, or a later one: a log may sign again what it had signed.
        case rightful(VerifierKey)
        /// Only a key that was the log's no more at its size: "Old keys never rightly signed a head".
        case former(VerifierKey, cutoff: UInt64)
        /// None of the log's keys, as far as it was followed.
        case unknown
    }

    public func standing(of signed: SignedCheckpoint) -> Standing {
        func hasSigned(_ key: VerifierKey) -> Bool { (try? signed.verify(logKey: key)) != nil }
        let size = signed.checkpoint.size
        if let key = rightful(at: size).first(where: hasSigned) { return .rightful(key) }
        for key in former where key.use == .checkpoint && key.cutoff <= size {
            if hasSigned(vkey(key)) { return .former(vkey(key), cutoff: key.cutoff) }
        }
        return .unknown
    }

    /// Why the log did not sign a head that was followed to its end; nil if it did.
    public func fault(of signed: SignedCheckpoint) -> String? {
        switch standing(of: signed) {
        case .rightful: nil
        case .former(let key, let cutoff):
            "it is signed with \(key), which was the log's up to size \(cutoff) and is no more"
        case .unknown:
            "it is not signed with \(rightful(at: signed.checkpoint.size)[0]), the log's key by its own policy"
        }
    }

    /// The keys that may have signed a head of this size: first the one that was in force at it.
    public func rightful(at size: UInt64) -> [VerifierKey] {
        let later = former.filter { $0.use == .checkpoint && $0.cutoff > size }
        return later.map(vkey) + [.ed25519(name: name, publicKey: current.checkpoint)]
    }

    private func vkey(_ former: FormerLogKey) -> VerifierKey { .ed25519(name: name, publicKey: former.key) }

    /// The lines that make a trust file of the genesis name these keys and where the earlier ones ended.
    ///
    /// - Parameter genesis: the first policy, whose keys a trust file has already.
    public func trustLines(beside genesis: Policy) -> [String] {
        var lines: [String] = []
        for use in LogPublicKeys.Use.allCases {
            let ended = former.filter { $0.use == use }
            let keys = ended.map(\.key) + [current[use]]
            for key in keys where key != genesis.logKeys[use] {
                switch use {
                case .checkpoint: lines.append("log \(VerifierKey.ed25519(name: name, publicKey: key).text)")
                case .receipt, .statement: lines.append("log-key \(use.rawValue) \(Base64.encode(key.bytes))")
                }
            }
            for key in ended {
                let text = use == .checkpoint ? vkey(key).text : COSEKey(key.key).thumbprint.hex
                lines.append("key-cutoff \(use.rawValue) \(text) \(key.cutoff)")
            }
        }
        return lines
    }
}

extension ReplayedLogKeys {
    /// An object with the keys of each use, the one in force last.
    var json: JSON {
        .object(
            LogPublicKeys.Use.allCases.map { use in
                let ended = former.filter { $0.use == use }.map { former in
                    entry(use, former.key, cutoff: JSON(former.cutoff))
                }
                return JSONMember(use.rawValue, .array(ended + [entry(use, current[use], cutoff: .null)]))
            })
    }

    private func entry(_ use: LogPublicKeys.Use, _ key: Ed25519.PublicKey, cutoff: JSON) -> JSON {
        let text =
            use == .checkpoint ? VerifierKey.ed25519(name: name, publicKey: key).text : COSEKey(key).thumbprint.hex
        return .object([JSONMember("key", .string(text)), JSONMember("cutoff", cutoff)])
    }
}

extension TrustFile {
    /// Whose signature a head bears that the log's own entries were followed up to: it has to be that of a key which had
    /// not ended there. What the file says of that key holds too.
    ///
    /// - Parameter replayed: nil where they were not followed; then the file's word is all that there is.
    func signer(of signed: SignedCheckpoint, _ replayed: ReplayedLogKeys?) throws(PolicyFailure) -> HeadSigner {
        guard let replayed else { return try signer(of: signed) }
        let size = signed.checkpoint.size
        switch replayed.standing(of: signed) {
        case .former(let key, _) where Mutant.replayedSigner.isOff: return .current(key)
        case .former(let key, let cutoff): return .ended(key, cutoff: cutoff)
        case .unknown:
            do { try signed.verify(logKey: replayed.rightful(at: size)[0]) } catch { throw .signature(error) }
            throw .unknownLog(signed.checkpoint.origin)
        case .rightful(let key):
            guard let cutoff = keys.cutoff(of: key) else { return .current(key) }
            return cutoff > size ? .former(key, cutoff: cutoff) : .ended(key, cutoff: cutoff)
        }
    }

    /// Whether what the file says of the log's keys is what the log says.
    func check(_ replayed: ReplayedLogKeys, size: UInt64, _ list: inout CheckList) {
        for (use, key) in keys.ended {
            guard let cutoff = key.cutoff, cutoff <= size else { continue }
            let found = replayed.former.first { $0.use == use && $0.key == key.key }?.cutoff
            guard found != cutoff else { continue }
            list.fail(
                .logKeys, "cutoff-differs",
                "the trust file says that the \(use.rawValue) key \(key.name) ended at size \(cutoff), the log "
                    + (found.map { "that it ended at size \($0)" } ?? "does not say that it ended"))
            return
        }
        list.pass(
            .logKeys,
            values: LogPublicKeys.Use.allCases.map { use in
                CheckValue(use.rawValue, COSEKey(replayed.current[use]).thumbprint.hex)
            } + [CheckValue("rotations", UInt64(Set(replayed.former.map(\.cutoff)).count))])
    }
}

extension TrustedLogKeys {
    /// The keys with a cut-off.
    var ended: [(use: LogPublicKeys.Use, key: Key)] {
        let all: [(LogPublicKeys.Use, [Key])] = [
            (.checkpoint, checkpoint), (.receipt, receipt), (.statement, statement),
        ]
        return all.flatMap { use, keys in keys.filter { $0.cutoff != nil }.map { (use, $0) } }
    }
}

extension LogReading {
    /// The log's keys at the head; nil unless everything below it was followed and is as it should be.
    var keysAtHead: ReplayedLogKeys? {
        guard stop == nil, replayFailure == nil, root == head.root, replay.isAtSeal,
            replay.size == head.size, trust.genesis != nil || !trust.authorities.isEmpty
        else { return nil }
        return ReplayedLogKeys(replay)
    }
}
