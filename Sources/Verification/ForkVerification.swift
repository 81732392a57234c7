import Governance
public import Tlog

extension Verifier {
    /// Whether a file proves that the log which the trust file names signed two histories. "Verified" is: it did.
    public func fork(_ bytes: [UInt8]) -> VerificationReport {
        Self.fork(bytes, logKeys: trust.policy.logs.map(\.key), trust: trust)
    }

    /// The same for a log of which only its keys are known.
    ///
    /// Witnesses play no part in it: what a log has signed it has signed, whoever cosigned it.
    public static func fork(_ bytes: [UInt8], logKeys: [VerifierKey]) -> VerificationReport {
        fork(bytes, logKeys: logKeys, trust: nil)
    }

    /// - Parameter trust: says where keys ended: what a key signs after that says nothing of the log.
    private static func fork(_ bytes: [UInt8], logKeys: [VerifierKey], trust: TrustFile?) -> VerificationReport {
        var list = CheckList()
        let evidence: ForkEvidence
        do {
            evidence = try ForkEvidence(parsing: bytes)
        } catch {
            list.fail(.evidenceForm, error)
            return VerificationReport(subject: .fork, checks: list.checks)
        }
        list.pass(.evidenceForm, CheckValue("kind", evidence.kind.rawValue), CheckValue("origin", evidence.origin.text))
        for (offset, signed) in evidence.checkpoints.enumerated() {
            let part = "checkpoint \(offset + 1)"
            if case .ended(let key, let cutoff)? = try? trust?.signer(of: signed) {
                list.fail(
                    .logSignature, of: part, "key-ended",
                    "the log's key ended at size \(cutoff), and the head has \(signed.checkpoint.size) entries: whoever "
                        + "has the key now signed it", CheckValue("key", key.text))
                continue
            }
            checkSignature(of: signed, logKeys, part: part, &list)
        }
        do {
            try evidence.check()
            list.pass(.fork, values: evidence.values)
        } catch {
            list.fail(.fork, error, CheckValue("sizes", evidence.sizes))
        }
        return VerificationReport(subject: .fork, checks: list.checks)
    }

    /// Every line under a known key's name and ID must be that key's, and there must be one.
    private static func checkSignature(
        of signed: SignedCheckpoint, _ logKeys: [VerifierKey], part: String, _ list: inout CheckList
    ) {
        let origin = signed.checkpoint.origin
        let own = logKeys.filter { $0.name == origin.keyName }
        guard let first = own.first else {
            let names = logKeys.map(\.name.text).joined(separator: ", ")
            list.fail(
                .logSignature, of: part, "unknown-log", "the checkpoint is of log \(origin), the keys are of \(names)")
            return
        }
        let present = own.filter { key in signed.note.signatures.contains(where: key.matches) }
        do throws(NoteError) {
            for key in present.isEmpty ? [first] : present where !Mutant.forkSignature.isOff {
                try signed.verify(logKey: key)
            }
            list.pass(.logSignature, of: part, CheckValue("key", (present.first ?? first).text))
        } catch {
            list.fail(.logSignature, of: part, error)
        }
    }
}

extension ForkEvidence {
    fileprivate var sizes: String { checkpoints.map { String($0.checkpoint.size) }.joined(separator: " ") }

    /// What was shown, for people.
    fileprivate var values: [CheckValue] {
        guard kind == .fork else { return [CheckValue("root", checkpoints[0].checkpoint.root.hex)] }
        let heads = checkpoints.map(\.checkpoint).sorted { $0.size < $1.size }
        return [
            CheckValue("sizes", sizes), CheckValue("at", String(heads[0].size)),
            CheckValue("root", heads[0].root.hex),
            CheckValue("other-root", (consistency?.root ?? heads[1].root).hex),
        ]
    }
}
