import COSE
public import Governance
import Tlog

/// Verifies offline: statements with their proofs, receipts, checkpoints, and whole logs, under a trust file.
///
/// Every function takes bytes as they were read and answers with a report; a malformed file is a failed check, not an
/// error. Nothing here reads files, clocks or the network.
public struct Verifier: Sendable {
    /// What is believed.
    public let trust: TrustFile

    /// Issuers that the caller knows from elsewhere than the genesis, such as itself: a policy enrols issuers later too,
    /// and a single statement does not show that.
    public let knownIssuers: [EnrolledIssuer]

    /// State proofs (``StateProof``) that may show who signed a statement, where the genesis does not say: of an
    /// identity's key, or of the policy.
    public let stateProofs: [[UInt8]]

    /// Whether state proofs will do that nobody but the log vouches for, where the trust file names no state quorum.
    public let isWithoutStateQuorum: Bool

    /// What carries heads and receipts of the log's former keys over to a head under a key that counts.
    public let successor: Successor?

    public init(
        trust: TrustFile, knownIssuers: [EnrolledIssuer] = [], stateProofs: [[UInt8]] = [],
        isWithoutStateQuorum: Bool = false, successor: Successor? = nil
    ) {
        self.trust = trust
        self.knownIssuers = knownIssuers
        self.stateProofs = stateProofs
        self.isWithoutStateQuorum = isWithoutStateQuorum
        self.successor = successor
    }

    // MARK: Checkpoints

    /// A checkpoint alone: signed by the log that the trust file names, vouched for by its quorum.
    ///
    /// - Parameter replayed: the log's keys, where its own entries were followed up to this head or beyond; else the trust
    ///   file's count.
    public func checkpoint(_ bytes: [UInt8], replayed: ReplayedLogKeys? = nil) -> VerificationReport {
        var list = CheckList()
        if let signed = Self.parseCheckpoint(bytes, of: nil, &list) {
            check(signed, of: nil, replayed: replayed, &list)
            noteStateQuorum(
                signed, of: nil, logKeys: replayed?.rightful(at: signed.checkpoint.size) ?? [], &list)
            if let replayed { trust.check(replayed, size: signed.checkpoint.size, &list) }
        }
        list.note(.history, "one checkpoint does not show that the log kept what it had before")
        list.note(.freshness, "there is no clock to compare it with")
        return VerificationReport(subject: .checkpoint, checks: list.checks)
    }

    static func parseCheckpoint(_ bytes: [UInt8], of part: String?, _ list: inout CheckList) -> SignedCheckpoint? {
        do {
            let signed = try SignedCheckpoint(parsing: bytes)
            list.pass(
                .checkpointForm, of: part, CheckValue("origin", signed.checkpoint.origin.text),
                CheckValue("size", signed.checkpoint.size), CheckValue("root", signed.checkpoint.root.hex))
            return signed
        } catch {
            list.fail(.checkpointForm, of: part, error)
            return nil
        }
    }

    /// The log's signature, the quorum of witnesses, and of a head under a former key what carries it over.
    ///
    /// - Parameter replayed: the log's keys, where its own entries were followed up to this head; else the trust file's
    ///   count.
    /// - Returns: the key that signed, if that is good.
    @discardableResult
    func check(
        _ signed: SignedCheckpoint, of part: String?, replayed: ReplayedLogKeys? = nil, _ list: inout CheckList
    ) -> HeadSigner? {
        let signer = checkLogSignature(signed, of: part, replayed, &list)
        checkQuorum(signed, of: part, logKeys: replayed?.rightful(at: signed.checkpoint.size) ?? [], &list)
        if case .former(let key, let cutoff) = signer, !Mutant.headSuccessor.isOff {
            checkSuccessor(
                of: signed.checkpoint.treeHead, key: key.text, endedAt: cutoff, part, &list)
        }
        return signer
    }

    /// tlog-policy: "a checkpoint is considered valid if it is signed by any one of the listed logs".
    private func checkLogSignature(
        _ signed: SignedCheckpoint, of part: String?, _ replayed: ReplayedLogKeys?, _ list: inout CheckList
    ) -> HeadSigner? {
        let origin = signed.checkpoint.origin
        do throws(PolicyFailure) {
            let signer = try trust.signer(of: signed, replayed)
            switch signer {
            case .current(let key): list.pass(.logSignature, of: part, CheckValue("key", key.text))
            case .former(let key, let cutoff):
                list.pass(
                    .logSignature, of: part, CheckValue("key", key.text), CheckValue("ended-at", cutoff))
            case .ended(let key, let cutoff):
                list.fail(
                    .logSignature, of: part, "key-ended",
                    "the log's key ended at size \(cutoff), and the head has \(signed.checkpoint.size) entries: the log "
                        + "did not sign it", CheckValue("key", key.text))
                return nil
            }
            return signer
        } catch {
            switch error {
            case .unknownLog:
                let names = trust.policy.logs.map(\.key.name.text).joined(separator: ", ")
                list.fail(
                    .logSignature, of: part, "unknown-log",
                    "the checkpoint is of log \(origin), the trust file trusts \(names)")
            case .signature(.noSignature) where trust.hasUnknownLine(signed):
                list.fail(
                    .logSignature, of: part, error.reason,
                    "no key of the log that the trust file names signed it, and one of the log's name that it does not "
                        + "name did: if the log has changed its keys, add the log line of the new one (the log.rotate "
                        + "statement has it, and holdfast-verify log --governance prints it)")
            case .signature(let error): list.fail(.logSignature, of: part, error)
            case .quorumNotReached: list.fail(.logSignature, of: part, error)
            }
            return nil
        }
    }

    /// "and it is cosigned by witnesses according to the defined quorum rule".
    private func checkQuorum(
        _ signed: SignedCheckpoint, of part: String?, logKeys: [VerifierKey], _ list: inout CheckList
    ) {
        let quorum = CheckValue("quorum", trust.quorumName)
        do {
            let verified = try trust.policy.verify(signed, logKeys: logKeys)
            guard trust.requiresWitnesses else { return noteNoQuorum(of: part, &list) }
            let names = verified.cosignatures.map(\.witness.description).joined(separator: " ")
            list.pass(.witnessQuorum, of: part, quorum, CheckValue("cosigned-by", names))
        } catch .quorumNotReached(_, let cosigned) {
            if Mutant.witnessQuorum.isOff { return noteNoQuorum(of: part, &list) }
            let names = cosigned.map(\.description).joined(separator: " ")
            list.fail(
                .witnessQuorum, of: part, "quorum-not-reached", "too few of the witnesses cosigned", quorum,
                CheckValue("cosigned-by", names))
        } catch {
            guard list.hasPassed(.logSignature, of: part) else {
                list.leaveOut(.witnessQuorum, of: part, "the log's signature is not good", quorum)
                return
            }
            list.fail(.witnessQuorum, of: part, error, quorum)
        }
    }

    /// Says that the trust file asks for no witness.
    func noteNoQuorum(of part: String?, _ list: inout CheckList) {
        list.note(
            .witnessQuorum, of: part, "the trust file says \"quorum none\": nobody but the log vouches for its head")
    }
}
