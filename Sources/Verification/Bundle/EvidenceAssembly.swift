package import COSE
package import Governance
package import Tlog

/// A bundle while it is gathered: says which parts are still missing, and takes them once whoever gathers has found
/// them to be under the head.
package struct EvidenceAssembly {
    package let subject: StateKey
    private var content: BundleContent
    private var entries: [UInt64: [UInt8]] = [:]
    private var values: [UInt64: [StateKey: EvidenceBundle.Value]] = [:]

    /// Nil if the trust file has no genesis entry, or the key is of nothing that a bundle can be about.
    package init?(_ subject: StateKey, under head: TreeHead, trust: TrustFile) {
        guard EvidenceBundle.isSubject(subject), let genesis = trust.genesis?.statement,
            let policy = trust.genesis?.policy
        else { return nil }
        self.subject = subject
        content = BundleContent(head: head, genesis: genesis, policy: policy, keys: trust.keys)
    }

    /// What the parts that are there name and that is not there yet.
    package var missing: [BundlePart] {
        BundleWalk(subject, in: content).needs.map(\.part)
    }

    /// The entries that the bundle has, for the proofs of which ``bundle(checkpoint:paths:)`` asks.
    package var indices: [UInt64] { entries.keys.sorted() }

    package mutating func add(_ statement: SignedStatement, at index: UInt64) {
        entries[index] = statement.entryBytes
        content.add(statement, at: index)
    }

    /// - Parameter proof: shows the value, or the key's absence, under the root in the seal before `size`.
    package mutating func add(_ value: [UInt8]?, of key: StateKey, at size: UInt64, _ proof: MapProof) {
        values[size, default: [:]][key] = EvidenceBundle.Value(key: key, value: value, proof: proof)
        content.add(value, of: key, at: size)
    }

    /// - Parameter path: the consistency proof from the head of this size.
    package mutating func add(head size: UInt64, _ path: [Hash]) {
        content.heads[size] = path
    }

    /// - Parameter paths: the inclusion proof of each entry.
    package func bundle(checkpoint: [UInt8], paths: [UInt64: [Hash]]) -> EvidenceBundle {
        EvidenceBundle(
            subject: subject, checkpoint: checkpoint,
            entries: entries.map { EvidenceBundle.Entry(index: $0.key, bytes: $0.value, path: paths[$0.key] ?? []) },
            states: values.map { EvidenceBundle.State(size: $0.key, values: Array($0.value.values)) },
            heads: content.heads.map { EvidenceBundle.Head(size: $0.key, path: $0.value) })
    }
}
