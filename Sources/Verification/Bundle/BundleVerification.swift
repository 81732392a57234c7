import COSE
public import Governance
import Tlog

extension Verifier {
    /// An evidence bundle: everything in it is under one head that the quorums vouch for, and everything that its
    /// subject's records name is in it, or said to be open.
    ///
    /// From the head down: the checkpoint; every entry in its tree; every value under a seal among them; then the
    /// records and statements against each other, from the subject's record at the head on, so that a part that was
    /// left out is noticed because another part names it.
    ///
    /// - Parameter expected: the key that it must be about.
    public func bundle(_ bytes: [UInt8], about expected: StateKey? = nil) -> VerificationReport {
        var list = CheckList()
        let bundle: EvidenceBundle
        do {
            bundle = try EvidenceBundle(decoding: bytes)
            list.pass(
                .bundleForm, CheckValue("subject", bundle.subject.text),
                CheckValue("entries", UInt64(bundle.entries.count)),
                CheckValue("state-values", UInt64(bundle.states.map(\.values.count).reduce(0, +))))
        } catch {
            list.fail(.bundleForm, error)
            return VerificationReport(subject: .bundle, checks: list.checks)
        }
        if let expected {
            if expected == bundle.subject {
                list.pass(.expectedKey, CheckValue("key", expected.text))
            } else {
                list.fail(
                    .expectedKey, "other-key", "the bundle is of \(bundle.subject.text), not of \(expected.text)")
            }
        }
        let findings = check(bundle, &list)
        list.note(.history, "one checkpoint does not show that the log kept what it had before")
        list.note(.freshness, "there is no clock to compare the head with")
        return VerificationReport(subject: .bundle, checks: list.checks, evidence: findings)
    }

    private func check(_ bundle: EvidenceBundle, _ list: inout CheckList) -> EvidenceFindings? {
        let start = list.checks.count
        guard let signed = Self.parseCheckpoint(bundle.checkpoint, of: nil, &list) else { return nil }
        check(signed, of: nil, &list)
        guard list.checks[start...].allSatisfy({ $0.outcome == .passed || !$0.isRequired }) else {
            list.leaveOut(.bundleParts, "nobody vouches for the head that everything in the bundle leads to")
            return nil
        }
        checkStateQuorum(signed, of: nil, isWaived: isWithoutStateQuorum, &list)
        guard let genesis = trust.genesis?.statement, let policy = trust.genesis?.policy else {
            list.leaveOut(.bundleParts, "the trust file has no genesis entry, so the log's keys are not known")
            return nil
        }
        var content = BundleContent(
            head: signed.checkpoint.treeHead, genesis: genesis, policy: policy, keys: trust.keys)
        let parts = list.checks.count
        checkEntries(bundle.entries, &content, &list)
        checkSeals(of: bundle, content, &list)
        checkValues(bundle.states, &content, &list)
        for head in bundle.heads { content.heads[head.size] = head.path }
        guard list.checks[parts...].allSatisfy({ $0.outcome == .passed }) else {
            list.leaveOut(.bundleParts, "what is in the bundle does not hold by itself")
            return nil
        }
        let walk = BundleWalk(bundle.subject, in: content)
        Self.report(walk.signatureFaults, as: .statementSignatures, &list)
        Self.report(walk.faults, as: .bundleAgreement, &list)
        let needs = Mutant.bundleParts.isOff ? [] : walk.needs
        Self.report(
            needs.map { CheckFailure("part-missing", "\($0.part.text) is not in the bundle: \($0.why)") },
            as: .bundleParts, &list)
        return EvidenceFindings(walk, subject: bundle.subject)
    }

    /// Of many faults of one kind so many are told.
    private static let tellableFaults = 16

    private static func report(_ faults: [CheckFailure], as name: CheckName, _ list: inout CheckList) {
        if faults.isEmpty { return list.pass(name) }
        for fault in faults.prefix(tellableFaults) { list.fail(name, fault.code, fault.sentence) }
    }

    // MARK: Parts by themselves

    /// Every entry is a canonical statement, in the tree of the head at its index.
    private func checkEntries(
        _ entries: [EvidenceBundle.Entry], _ content: inout BundleContent, _ list: inout CheckList
    ) {
        var forms: [CheckFailure] = []
        var places: [CheckFailure] = []
        for entry in entries {
            do {
                let statement = try SignedStatement(decoding: entry.bytes)
                guard statement.entryBytes == entry.bytes else {
                    forms.append(CheckFailure("not-canonical", "entry \(entry.index) is not in the canonical encoding"))
                    continue
                }
                content.add(statement, at: entry.index)
            } catch {
                forms.append(CheckFailure(error.reason, "entry \(entry.index): \(error.sentence())"))
            }
            do {
                let inclusion = InclusionProof(index: entry.index, size: content.size, path: entry.path)
                if !Mutant.bundleInclusion.isOff {
                    try inclusion.verify(leafHash: Hash.leaf(entry.bytes), root: content.root)
                }
            } catch {
                places.append(CheckFailure(error.reason, "entry \(entry.index): \(error.sentence())"))
            }
        }
        Self.report(forms, as: .statementForm, &list)
        Self.report(places, as: .inclusion, &list)
        if let first = entries.first, first.index == 0, let genesis = trust.genesis {
            if Hash.leaf(first.bytes) == genesis.leafHash {
                list.pass(.genesis)
            } else {
                list.fail(.genesis, "other-log", "entry 0 is not the genesis that the trust file pins")
            }
        }
    }

    /// The entry before each size that values are of is a seal of this log, and so is the last entry of all.
    private func checkSeals(of bundle: EvidenceBundle, _ content: BundleContent, _ list: inout CheckList) {
        var forms: [CheckFailure] = []
        var signatures: [CheckFailure] = []
        for state in bundle.states {
            guard let entry = content.entries[state.size - 1], entry.seal != nil else {
                forms.append(
                    CheckFailure(
                        "seal-missing",
                        "values are of size \(state.size), and entry \(state.size - 1) is not in the bundle or is no "
                            + "seal of this log"))
                continue
            }
            do throws(CheckFailure) {
                try checkSignature(ofSeal: entry.statement, at: entry.index)
            } catch {
                signatures.append(CheckFailure(error.code, "the seal at entry \(entry.index): \(error.sentence)"))
            }
        }
        Self.report(forms, as: .sealForm, &list)
        Self.report(signatures, as: .sealSignature, &list)
    }

    /// Key and value, or the key's absence, lead to the root in the seal; the value is a record of the key's kind.
    private func checkValues(
        _ states: [EvidenceBundle.State], _ content: inout BundleContent, _ list: inout CheckList
    ) {
        var proofs: [CheckFailure] = []
        var records: [CheckFailure] = []
        for state in states {
            guard let root = content.entries[state.size - 1]?.seal?.stateRoot else { continue }
            for value in state.values {
                let name = "\(value.key.text) at size \(state.size)"
                do {
                    if !Mutant.bundleMapProof.isOff {
                        try value.proof.verify(
                            key: value.key.mapKey, value: value.value.map { Hash.sha256($0) }, root: root)
                    }
                } catch {
                    proofs.append(CheckFailure(error.reason, "\(name): \(error)"))
                    continue
                }
                do {
                    if let bytes = value.value { try value.key.checkRecord(bytes) }
                    content.add(value.value, of: value.key, at: state.size)
                } catch {
                    records.append(CheckFailure(error.reason, "\(name): \(error)"))
                }
            }
        }
        Self.report(proofs, as: .mapProof, &list)
        Self.report(records, as: .stateValue, &list)
    }
}
