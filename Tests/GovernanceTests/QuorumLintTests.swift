import Testing
import Tlog

@testable import Governance

@Suite("Lint: quorums of witnesses")
struct QuorumLintTests {
    /// A policy of witnesses A, B … with these group lines and this quorum.
    private func policy(_ count: Int, _ lines: [String], quorum: String) throws -> TlogPolicy {
        let log = VerifierKey.ed25519(
            name: try KeyName("log.example.org/test"), publicKey: TestKeys.checkpoint.publicKey)
        var text = "log \(log)\n"
        for number in 0..<count {
            let key = TestKeys.key(UInt8(100 + number)).publicKey
            text +=
                "witness \(name(number)) \(VerifierKey.cosigner(name: try KeyName("w.example/\(number)"), publicKey: key))\n"
        }
        text += lines.map { $0 + "\n" }.joined() + "quorum \(quorum)\n"
        return try TlogPolicy(parsing: Array(text.utf8))
    }

    private func name(_ number: Int) -> String { String(UnicodeScalar(UInt8(ascii: "A") + UInt8(number))) }

    private func analysis(_ count: Int, _ lines: [String], quorum: String = "Q") throws -> QuorumAnalysis {
        try #require(QuorumAnalysis(try policy(count, lines, quorum: quorum)))
    }

    @Test("any two majorities meet; two halves need not")
    func majorities() throws {
        let twoOfThree = try analysis(3, ["group Q 2 A B C"])
        #expect((twoOfThree.overlap, twoOfThree.smallest, twoOfThree.blocking) == (1, 2, 2))
        let twoOfFour = try analysis(4, ["group Q 2 A B C D"])
        #expect((twoOfFour.overlap, twoOfFour.smallest, twoOfFour.blocking) == (0, 2, 3))
        let all = try analysis(3, ["group Q all A B C"])
        #expect((all.overlap, all.smallest, all.blocking) == (3, 3, 1))
        let any = try analysis(2, ["group Q any A B"])
        #expect((any.overlap, any.smallest, any.blocking) == (0, 1, 2))
    }

    @Test("a majority of groups is no majority where a group is satisfied by any of its members")
    func nested() throws {
        // 2 of 3 groups share a group, and that group can be satisfied twice without a witness in common.
        let loose = try analysis(6, ["group X any A B", "group Y any C D", "group Z any E F", "group Q 2 X Y Z"])
        #expect(loose.overlap == 0)
        let tight = try analysis(6, ["group X all A B", "group Y all C D", "group Z any E F", "group Q all X Y Z"])
        #expect(tight.overlap == 4)
    }

    @Test("the sets that are named do satisfy the quorum, and share no more than is said")
    func namedSets() throws {
        let policy = try policy(
            5, ["group X 2 A B C", "group Q 2 X D E"], quorum: "Q")
        let analysis = try #require(QuorumAnalysis(policy))
        #expect(policy.isSatisfied(policy.quorum, by: Set(analysis.first)))
        #expect(policy.isSatisfied(policy.quorum, by: Set(analysis.second)))
        #expect(Set(analysis.first).intersection(analysis.second).count == analysis.overlap)
    }

    @Test("witnesses that no quorum reaches, and a quorum that is one witness")
    func unused() throws {
        let one = try analysis(3, [], quorum: "B")
        #expect((one.overlap, one.smallest, one.blocking) == (1, 1, 1))
        #expect(one.unused == ["A", "C"])
        #expect(QuorumAnalysis(try policy(1, [], quorum: "none")) == nil)
    }

    @Test("every number is that of trying all pairs of sets", arguments: 0..<60 as Range<UInt64>)
    func bruteForce(seed: UInt64) throws {
        var random = Random(state: seed &* 0x9E37_79B9_7F4A_7C15 | 1)
        let count = 1 + random.below(6)
        var open = (0..<count).map(name)
        var lines: [String] = []
        while open.count > 1 || lines.isEmpty {
            let size = 1 + random.below(open.count)
            var members: [String] = []
            for _ in 0..<size { members.append(open.remove(at: random.below(open.count))) }
            let group = "G\(lines.count)"
            lines.append("group \(group) \(1 + random.below(size)) \(members.joined(separator: " "))")
            open.append(group)
        }
        let policy = try policy(count, lines, quorum: open[0])
        let analysis = try #require(QuorumAnalysis(policy))
        let names = policy.witnesses.map(\.name)
        let subsets = (0..<(1 << count)).map { bits in
            Set(names.indices.filter { bits >> $0 & 1 == 1 }.map { names[$0] })
        }
        let good = subsets.filter { policy.isSatisfied(policy.quorum, by: $0) }
        #expect(analysis.smallest == good.map(\.count).min())
        let overlap = good.flatMap { first in good.map { first.intersection($0).count } }.min()
        #expect(analysis.overlap == overlap, "\(lines)")
        let blocking = subsets.filter { lost in !policy.isSatisfied(policy.quorum, by: Set(names).subtracting(lost)) }
        #expect(analysis.blocking == blocking.map(\.count).min(), "\(lines)")
    }

    /// A small generator, the same on every machine.
    private struct Random {
        var state: UInt64

        mutating func below(_ bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(bound))
        }
    }

    @Test("lint names the two sets of a quorum that can be split, and says nothing of one that can't")
    func findings() throws {
        let split = PolicyLint(policy: try worldPolicy(), trust: try policy(2, ["group Q any A B"], quorum: "Q"))
        let finding = try #require(split.findings().first { $0.code == .quorumSplit })
        #expect(finding.severity == .error)
        #expect(finding.explanation.contains("A") && finding.explanation.contains("B"))
        let sound = PolicyLint(policy: try worldPolicy(), trust: try policy(5, ["group Q 4 A B C D E"], quorum: "Q"))
        #expect(!sound.findings().contains { $0.subject == "quorum" })
        let bare = PolicyLint(policy: try worldPolicy(), trust: try policy(0, [], quorum: "none"))
        #expect(bare.findings().contains { $0.code == .quorumNone })
    }
}
