import Governance
import Tlog

extension Verifier {
    /// Whether a newer checkpoint extends an older one: both valid under the trust file, the proof leads to both roots.
    ///
    /// - Parameter proof: the JSON that a log answers (`{"from":…,"to":…,"path":["<base64>",…]}`), or one base64 hash a
    ///   line.
    public func consistency(old: [UInt8], new: [UInt8], proof: [UInt8]) -> VerificationReport {
        var list = CheckList()
        let older = Self.parseCheckpoint(old, of: "old checkpoint", &list)
        if let older { carried(by: new, proof).check(older, of: "old checkpoint", &list) }
        let newer = Self.parseCheckpoint(new, of: "new checkpoint", &list)
        if let newer { check(newer, of: "new checkpoint", &list) }
        let file: ConsistencyProofFile?
        do throws(ConsistencyProofFileError) {
            file = try ConsistencyProofFile(parsing: proof)
            list.pass(.proofForm, CheckValue("hashes", UInt64(file?.path.count ?? 0)))
        } catch {
            file = nil
            list.fail(.proofForm, error)
        }
        if let older, let newer, let file {
            Self.checkConsistency(older.checkpoint, newer.checkpoint, file, &list)
        }
        list.note(.freshness, "there is no clock to compare it with")
        return VerificationReport(subject: .consistency, checks: list.checks)
    }

    /// A verifier to which the newer checkpoint is what carries the older one over, unless a former key signed it too.
    private func carried(by checkpoint: [UInt8], _ proof: [UInt8]) -> Verifier {
        guard let signed = try? SignedCheckpoint(parsing: checkpoint), case .current? = try? trust.signer(of: signed)
        else { return self }
        return Verifier(trust: trust, successor: Successor(checkpoint: checkpoint, proofs: [proof]))
    }

    private static func checkConsistency(
        _ old: Checkpoint, _ new: Checkpoint, _ file: ConsistencyProofFile, _ list: inout CheckList
    ) {
        let values = [CheckValue("from", old.size), CheckValue("to", new.size)]
        guard old.origin == new.origin else {
            list.fail(.consistency, "other-log", "the checkpoints are of two logs, \(old.origin) and \(new.origin)")
            return
        }
        if let sizes = file.sizes, (sizes.from, sizes.to) != (old.size, new.size) {
            list.fail(
                .consistency, "other-sizes",
                "the proof is from size \(sizes.from) to size \(sizes.to), not between these checkpoints",
                values[0], values[1])
            return
        }
        do {
            let proof = ConsistencyProof(oldSize: old.size, newSize: new.size, path: file.path)
            if !Mutant.consistencyProof.isOff { try proof.verify(oldRoot: old.root, newRoot: new.root) }
            list.pass(.consistency, values: values)
        } catch {
            list.fail(.consistency, error, values[0], values[1])
        }
    }
}
