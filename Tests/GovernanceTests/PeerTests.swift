import COSE
import Governance
import Testing
import Tlog

@Suite("Peers and routes")
struct PeerTests {
    private let admit = PeerAdmit(origin: PeerWorld.origin, policy: PeerWorld.policy, genesis: .zero)

    /// A head of the peer's log with `size` entries, with the proof from an older one.
    private func head(
        _ size: Int, from old: Int = 0, origin: String = PeerWorld.origin, salt: UInt8 = 0, cosigned: Bool = true
    ) throws -> PeerHead {
        let leaves = (0..<size).map { Hash.leaf([UInt8($0), salt]) }
        let checkpoint = Checkpoint(
            origin: try Origin(origin), head: TreeHead(size: UInt64(size), root: root(leaves[...])))
        var signed = checkpoint.signed(by: PeerWorld.logKey)
        if cosigned {
            signed = signed.adding([
                Cosignature.sign(
                    checkpoint, name: try KeyName("witness.example"), key: PeerWorld.witnessKey, time: 1_790_000_000)
            ])
        }
        return PeerHead(
            origin: PeerWorld.origin, checkpoint: signed.bytes,
            consistency: old == 0 || old == size ? [] : subproof(old, leaves[...], true))
    }

    private func split(_ count: Int) -> Int {
        var half = 1
        while half * 2 < count { half *= 2 }
        return half
    }

    private func root(_ leaves: ArraySlice<Hash>) -> Hash {
        guard leaves.count > 1, let first = leaves.indices.first else { return leaves.first ?? .emptyTree }
        let middle = first + split(leaves.count)
        return Hash.node(root(leaves[..<middle]), root(leaves[middle...]))
    }

    /// RFC 6962 §2.1.2.
    private func subproof(_ old: Int, _ leaves: ArraySlice<Hash>, _ isWhole: Bool) -> [Hash] {
        if old == leaves.count { return isWhole ? [] : [root(leaves)] }
        let half = split(leaves.count)
        let middle = leaves.startIndex + half
        if old <= half { return subproof(old, leaves[..<middle], isWhole) + [root(leaves[middle...])] }
        return subproof(old - half, leaves[middle...], false) + [root(leaves[..<middle])]
    }

    @Test("heads of an admitted peer extend the one recorded before")
    func heads() throws {
        var world = try World()
        #expect(try broken { try world.add(head(3), by: .gus) } == Broken(.unknownPeer, nil))
        try world.add(admit, by: .olga)
        #expect(try broken { try world.add(admit, by: .olga) } == Broken(.peerKnown, 2))
        try world.add(head(3), by: .otto)
        try world.add(head(7, from: 3), by: .gus)
        try world.add(head(7, from: 7), by: .gus)
        let record = try #require(try world.record(.peer(PeerWorld.origin), PeerRecord.self))
        #expect(record.head.size == 7 && record.headTime == world.now && record.index == 5)
        #expect(try broken { try world.add(head(5, from: 3), by: .gus) } == Broken(.peerFork, 5))
        #expect(try broken { try world.add(head(9, from: 3), by: .gus) } == Broken(.peerFork, 5))
        #expect(try broken { try world.add(head(9, from: 7, salt: 1), by: .gus) } == Broken(.peerFork, 5))
        _ = try world.replayed()
    }

    @Test("a head counts under the peer's key and its witnesses' quorum only")
    func signatures() throws {
        var world = try World()
        try world.add(admit, by: .olga)
        #expect(try broken { try world.add(head(3, cosigned: false), by: .gus) } == Broken(.peerHead, 2))
        #expect(try broken { try world.add(head(3, origin: "log.example.org/x"), by: .gus) } == Broken(.peerHead, 2))
        var bytes = try head(3).checkpoint
        bytes[bytes.count - 5] ^= 1
        let broken = PeerHead(origin: PeerWorld.origin, checkpoint: bytes, consistency: [])
        #expect(try violation { try world.add(broken, by: .gus) }?.rule == .peerHead)
        try world.add(PeerExpel(origin: PeerWorld.origin, reason: "forked"), by: .olga)
        #expect(try violation { try world.add(head(3), by: .gus) }?.rule == .unknownPeer)
    }

    @Test("routes go between this domain and an admitted peer, and carry the actions that they name")
    func routes() throws {
        func open(_ from: String, _ to: String) -> RouteOpen {
            RouteOpen(route: "r", from: from, to: to, actions: ["sort"], maxPeerAge: 1)
        }
        var world = try World()
        let route = open(World.origin, PeerWorld.origin)
        #expect(try broken { try world.add(route, by: .olga) } == Broken(.unknownPeer, nil))
        try world.add(admit, by: .olga)
        #expect(try broken { try world.add(open("a.example", "b.example"), by: .olga) } == Broken(.routeEnds, 0))
        #expect(try broken { try world.add(open(World.origin, World.origin), by: .olga) } == Broken(.routeEnds, 0))
        let grant = try world.add(World.grant(GrantConditions(route: "r")), by: .olga)
        world.seal()
        var permit = world.permit(1, grant)
        permit.route = "r"
        #expect(try broken { try world.add(permit, by: .gus) } == Broken(.unknownRoute, nil))
        try world.add(route, by: .olga)
        #expect(try broken { try world.add(route, by: .olga) } == Broken(.routeKnown, 5))
        try world.add(permit, by: .gus)
        try world.add(RouteClose(route: "r"), by: .olga)
        #expect(try broken { try world.add(RouteClose(route: "r"), by: .olga) } == Broken(.unknownRoute, nil))
        #expect(try broken { try world.add(world.start(1), by: .ron) } == Broken(.unknownRoute, nil))
        try world.add(route, by: .olga)
        try world.add(ContainmentEnter(scope: .domain(PeerWorld.origin), reason: .routingMismatch), by: .gus)
        #expect(try broken { try world.add(world.start(1), by: .ron) } == Broken(.contained, 9))
    }

    @Test("this domain is no peer of its own")
    func own() throws {
        var world = try World()
        let own = PeerAdmit(origin: World.origin, policy: PeerWorld.policy, genesis: .zero)
        #expect(try broken { try world.add(own, by: .olga) } == Broken(.peerKnown, 0))
    }
}
