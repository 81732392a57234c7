internal import Tlog

/// Verified cosignatures that satisfy the policy. Only ``CosignedLines`` makes one.
struct QuorumReached: Sendable {
    let cosignatures: [NoteSignature]

    fileprivate init(_ cosignatures: [NoteSignature]) {
        self.cosignatures = cosignatures
    }
}

/// The verified cosignatures on one head, by witness. A later one of the same witness replaces the one before it.
struct CosignedLines: Sendable {
    let policy: TlogPolicy
    let head: TreeHead

    /// Since the quorum was last reached for this head: only these count for the next time, so that the head's time
    /// moves on for a whole quorum.
    private var fresh: [TlogPolicy.Name: NoteSignature] = [:]

    /// From before. They stay with the checkpoint.
    private var kept: [TlogPolicy.Name: NoteSignature] = [:]

    init(policy: TlogPolicy, head: TreeHead) {
        self.policy = policy
        self.head = head
    }

    mutating func add(_ line: NoteSignature, of witness: TlogPolicy.Name) {
        fresh[witness] = line
    }

    var isQuorum: Bool {
        policy.isSatisfied(policy.quorum, by: Set(fresh.keys)) || Mutant.witnessQuorum.isOff
    }

    /// All lines, if they satisfy the policy; those that come after it count for the next round.
    mutating func takeQuorum() -> QuorumReached? {
        guard isQuorum else { return nil }
        kept.merge(fresh) { $1 }
        fresh = [:]
        return QuorumReached(all)
    }

    /// A line that came after the quorum was reached: all lines with it.
    mutating func addSurplus(_ line: NoteSignature, of witness: TlogPolicy.Name) -> QuorumReached? {
        guard !kept.isEmpty || policy.quorum == .none else { return nil }
        kept[witness] = line
        return QuorumReached(all)
    }

    /// In the policy's order.
    var all: [NoteSignature] {
        policy.witnesses.compactMap { fresh[$0.name] ?? kept[$0.name] }
    }
}
