public import Tlog

/// How much a quorum of witnesses protects, worked out exactly.
///
/// In a tlog-policy "each defined name can be listed as a group member at most once", so a quorum is a tree: no
/// witness stands in it twice, and what holds for a group follows from what holds for its members. Every number below
/// is therefore exact for every policy that can be written, in time linear in its size.
public struct QuorumAnalysis: Sendable, Hashable {
    /// The fewest witnesses that can satisfy the quorum.
    public let smallest: Int
    /// The fewest witnesses whose loss leaves the quorum out of reach.
    public let blocking: Int
    /// The fewest witnesses that any two sets share which both satisfy the quorum. So many of them must be dishonest,
    /// together with the log, to show two histories. 0: none has to be.
    public let overlap: Int
    /// Two satisfying sets that share no more than ``overlap``; by name, in the order of the policy.
    public let first: [TlogPolicy.Name]
    public let second: [TlogPolicy.Name]
    /// Witnesses that the policy names and the quorum does not reach.
    public let unused: [TlogPolicy.Name]

    /// Nil for `quorum none`: any set satisfies it, the empty one too.
    public init?(_ policy: TlogPolicy, quorum: TlogPolicy.Quorum? = nil) {
        guard case .name(let name) = quorum ?? policy.quorum else { return nil }
        var parts: [TlogPolicy.Name: Part] = [:]
        for witness in policy.witnesses { parts[witness.name] = Part(witness: witness.name) }
        // Members come before the groups they are in.
        for group in policy.groups {
            parts[group.name] = Part(group.members.compactMap { parts[$0] }, threshold: group.threshold)
        }
        guard let part = parts[name] else { return nil }
        smallest = part.smallest.count
        blocking = part.blocking
        overlap = part.first.intersection(part.second).count
        func ordered(_ names: Set<TlogPolicy.Name>) -> [TlogPolicy.Name] {
            policy.witnesses.map(\.name).filter(names.contains)
        }
        first = ordered(part.first)
        second = ordered(part.second)
        unused = policy.witnesses.map(\.name).filter { !part.all.contains($0) }
    }

    /// A witness or a group.
    private struct Part {
        let all: Set<TlogPolicy.Name>
        /// A smallest set that satisfies it.
        let smallest: Set<TlogPolicy.Name>
        let blocking: Int
        /// Two sets that satisfy it and share as little as can be.
        let first: Set<TlogPolicy.Name>
        let second: Set<TlogPolicy.Name>

        var overlap: Int { first.intersection(second).count }

        init(witness name: TlogPolicy.Name) {
            all = [name]
            smallest = [name]
            blocking = 1
            first = [name]
            second = [name]
        }

        /// `threshold` of the members have to be satisfied.
        init(_ members: [Part], threshold: Int) {
            all = members.reduce(into: []) { $0.formUnion($1.all) }
            smallest = members.sorted { $0.smallest.count < $1.smallest.count }.prefix(threshold)
                .reduce(into: []) { $0.formUnion($1.smallest) }
            // n - k + 1 members out of reach, those that are put there most easily.
            blocking = members.map(\.blocking).sorted().prefix(members.count - threshold + 1).reduce(0, +)
            // Two sets need 2k members between them; what n does not give, both have to satisfy, and then they share
            // what the two sets of such a member share at least. So as few as can be, and the cheapest ones.
            let byOverlap = members.sorted { $0.overlap < $1.overlap }
            // Members in which two sets need not meet can serve both for nothing.
            let shared = max(2 * threshold - members.count, 0)
            var first: Set<TlogPolicy.Name> = []
            var second: Set<TlogPolicy.Name> = []
            for part in byOverlap.prefix(shared) {
                first.formUnion(part.first)
                second.formUnion(part.second)
            }
            let others = byOverlap.dropFirst(shared)
            for part in others.prefix(threshold - shared) { first.formUnion(part.smallest) }
            for part in others.dropFirst(threshold - shared).prefix(threshold - shared) {
                second.formUnion(part.smallest)
            }
            self.first = first
            self.second = second
        }
    }
}
