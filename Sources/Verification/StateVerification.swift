import COSE
import Governance
import Tlog

extension Verifier {
    /// A state proof: a key of the governance state has a value, or has none, as of a size of the log.
    ///
    /// From the head down: the checkpoint under the trust file, witnesses and state witnesses; the seal in its tree,
    /// signed with the statement key that the genesis names; the value in the map whose root the seal carries.
    public func state(_ bytes: [UInt8], _ question: StateQuestion = StateQuestion()) -> VerificationReport {
        var list = CheckList()
        let proven = checkState(bytes, question, of: nil, &list)
        list.note(.freshness, "there is no clock to compare the seal's time with")
        return VerificationReport(subject: .state, checks: list.checks, state: proven)
    }

    /// Makes every check of a state proof.
    ///
    /// - Returns: what it shows; nil unless all of them passed.
    func checkState(
        _ bytes: [UInt8], _ question: StateQuestion, of part: String?, _ list: inout CheckList
    ) -> ProvenState? {
        let start = list.checks.count
        let proof: StateProof
        do {
            proof = try StateProof(decoding: bytes)
        } catch {
            list.fail(.stateForm, of: part, error)
            return nil
        }
        list.pass(
            .stateForm, of: part, CheckValue("key", proof.key.text), CheckValue("size", proof.sealedSize))
        let signed = Self.parseCheckpoint(proof.checkpoint, of: part, &list)
        if let signed {
            check(signed, of: part, &list)
            checkStateQuorum(signed, of: part, isWaived: question.isWithoutStateQuorum, &list)
        }
        let seal = checkSeal(of: proof, signed?.checkpoint, part, &list)
        if let seal { Self.checkMap(proof, seal, part, &list) }
        Self.checkValue(proof, part, &list)
        Self.check(proof, question, part, &list)
        guard let seal, list.checks[start...].allSatisfy(\.isNoObstacle) else { return nil }
        return ProvenState(key: proof.key, value: proof.value, size: proof.sealedSize, time: seal.time)
    }

    /// The seal: its form, its signature, its place in the tree.
    private func checkSeal(
        of proof: StateProof, _ checkpoint: Checkpoint?, _ part: String?, _ list: inout CheckList
    ) -> Seal? {
        let statement: SignedStatement
        do {
            statement = try SignedStatement(decoding: proof.seal)
        } catch {
            list.fail(.sealForm, of: part, error)
            return nil
        }
        guard statement.entryBytes == proof.seal else {
            list.fail(.sealForm, of: part, "not-canonical", "the seal is not in the canonical encoding of log entries")
            return nil
        }
        let seal = checkForm(of: statement, at: proof.index, part, &list)
        if let checkpoint {
            let index = CheckValue("index", proof.index)
            do {
                let inclusion = InclusionProof(index: proof.index, size: checkpoint.size, path: proof.path)
                if !Mutant.sealInclusion.isOff {
                    try inclusion.verify(leafHash: statement.leafHash, root: checkpoint.root)
                }
                list.pass(.sealInclusion, of: part, index, CheckValue("root", checkpoint.root.hex))
            } catch {
                list.fail(.sealInclusion, of: part, error, index, CheckValue("size", checkpoint.size))
            }
        }
        return seal
    }

    private func checkForm(
        of statement: SignedStatement, at index: UInt64, _ part: String?, _ list: inout CheckList
    ) -> Seal? {
        guard let policy = trust.genesis?.policy else {
            list.leaveOut(
                .sealSignature, of: part, "the trust file has no genesis entry, so the key of seals is not known")
            return nil
        }
        let seal: Seal
        do {
            seal = try Seal(statement, origin: policy.origin)
            list.pass(
                .sealForm, of: part, CheckValue("time", seal.time), CheckValue("state-root", seal.stateRoot.hex))
        } catch {
            list.fail(.sealForm, of: part, error)
            return nil
        }
        let key = CheckValue("key", Hex.encode(statement.header.keyID))
        do throws(CheckFailure) {
            try checkSignature(ofSeal: statement, at: index)
            list.pass(.sealSignature, of: part, key)
        } catch {
            list.fail(.sealSignature, of: part, error.code, error.sentence, key)
        }
        return seal
    }

    /// Throws unless a statement key signed a seal that was the log's at its index. Of a former key nothing more is
    /// asked: the seal is an entry under a head that counts by itself.
    func checkSignature(ofSeal statement: SignedStatement, at index: UInt64) throws(CheckFailure) {
        guard let key = trust.keys.statementKey(statement.header.keyID) else {
            throw CheckFailure(
                "key-mismatch",
                "the seal names another key than that of the genesis and the statement keys that the trust file names "
                    + "beside it: if the log has changed its keys, add the log-key line of the new one (the log.rotate "
                    + "statement has it, and holdfast-verify log --governance prints it)")
        }
        try key.check(entry: index)
        do { if !Mutant.sealSignature.isOff { try statement.verify(key.key) } } catch { throw CheckFailure(error) }
    }

    /// Key and value lead to the root that the seal carries.
    private static func checkMap(_ proof: StateProof, _ seal: Seal, _ part: String?, _ list: inout CheckList) {
        let shown = CheckValue("shows", proof.value == nil ? "absence" : "presence")
        do {
            if !Mutant.mapProof.isOff {
                try proof.proof.verify(
                    key: proof.key.mapKey, value: proof.value.map { Hash.sha256($0) }, root: seal.stateRoot)
            }
            list.pass(.mapProof, of: part, shown)
        } catch {
            list.fail(.mapProof, of: part, error, shown)
        }
    }

    /// The value is a record of the key's kind.
    private static func checkValue(_ proof: StateProof, _ part: String?, _ list: inout CheckList) {
        guard let value = proof.value else {
            list.pass(.stateValue, of: part, CheckValue("value", "absent"))
            return
        }
        do throws(StateRecordError) {
            try proof.key.checkRecord(value)
            list.pass(.stateValue, of: part, values: values(of: proof.key, value))
        } catch {
            list.fail(.stateValue, of: part, error)
        }
    }

    /// The record to show to people.
    private static func values(of key: StateKey, _ value: [UInt8]) -> [CheckValue] {
        if key.stream != nil, let link = try? StreamLink(decoding: value) {
            return [
                CheckValue("seq", link.seq), CheckValue("newest", link.leafHash.hex), CheckValue("index", link.index),
            ]
        }
        return (try? CBOR(decoding: value))?.values(named: "") ?? []
    }

    /// What the caller asked for.
    private static func check(
        _ proof: StateProof, _ question: StateQuestion, _ part: String?, _ list: inout CheckList
    ) {
        if let key = question.key {
            if key == proof.key {
                list.pass(.expectedKey, of: part, CheckValue("key", key.text))
            } else {
                list.fail(
                    .expectedKey, of: part, "other-key", "the proof is of \(proof.key.text), not of \(key.text)")
            }
        }
        if let least = question.leastSize {
            let sizes = [CheckValue("size", proof.sealedSize), CheckValue("at-least", least)]
            if proof.sealedSize >= least {
                list.pass(.expectedSize, of: part, values: sizes)
            } else {
                list.fail(
                    .expectedSize, of: part, "too-old", "the state is that of an earlier size", sizes[0], sizes[1])
            }
        }
        guard let expectation = question.expectation else { return }
        switch (expectation, proof.value) {
        case (.absent, nil): list.pass(.expectedValue, of: part, CheckValue("value", "absent"))
        case (.present, _?): list.pass(.expectedValue, of: part, CheckValue("value", "present"))
        case (.absent, _?): list.fail(.expectedValue, of: part, "present", "the key has a value")
        case (.present, nil), (.value, nil): list.fail(.expectedValue, of: part, "absent", "the key has no value")
        case (.value(let expected), let value?):
            if let item = try? CBOR(decoding: value), item.has(expected) {
                list.pass(.expectedValue, of: part, CheckValue("value", expected.text(.compact)))
            } else {
                list.fail(.expectedValue, of: part, "other-value", "the value is not \(expected.text(.compact))")
            }
        }
    }
}

extension Check {
    /// Whether the check leaves the verdict as it was.
    fileprivate var isNoObstacle: Bool {
        switch outcome {
        case .passed: true
        case .failed: false
        case .notChecked: !isRequired
        }
    }
}
