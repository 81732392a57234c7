import COSE
import Governance
import LogStore
import Testing
import Tlog
import Verification

@testable import Gate

/// A domain and a peer's, each with its log: the peer has granted ron something, and a route is open in both.
final class Exchange {
    static let route = "r1"
    static let peer = "peer.test/log"

    let scene: Scene
    let there: Domain
    private(set) var grant = Hash.zero

    init(uses: UInt64? = nil, domain: String? = nil, maxPeerAge: UInt64 = 60_000) throws {
        scene = try Scene()
        there = try Domain(time: scene.time, origin: Self.peer)
        let route = RouteOpen(
            route: Self.route, from: scene.domain.origin.text, to: Self.peer, actions: ["embed"], maxPeerAge: maxPeerAge
        )
        grant = try there.post(
            GrantIssue(
                subject: Actor.ron.name, actions: [try #require(GrantPattern("embed"))],
                resources: [try #require(GrantPattern("doc:*"))],
                conditions: GrantConditions(uses: uses, domain: domain)),
            by: .olga)
        try there.post(
            PeerAdmit(
                origin: scene.domain.origin.text, policy: try Self.policy(of: scene.domain), genesis: .zero,
                stateQuorum: "s"), by: .olga)
        try there.post(route, by: .olga)
        try scene.domain.post(
            PeerAdmit(origin: Self.peer, policy: try Self.policy(of: there), genesis: .zero, stateQuorum: "s"),
            by: .olga)
        try scene.domain.post(route, by: .olga)
        try record()
    }

    private static func policy(of domain: Domain) throws -> String {
        let keywords = ["log ", "witness ", "group ", "quorum "]
        return String(decoding: try domain.trust().bytes, as: UTF8.self).split(separator: "\n")
            .filter { line in keywords.contains { line.hasPrefix($0) } }.joined(separator: "\n") + "\n"
    }

    /// Records the peer's newest head.
    func record() throws {
        let record = try #require(scene.domain.record(.peer(Self.peer), PeerRecord.self))
        let (checkpoint, entries) = (try there.checkpoint(), there.entries)
        let old = record.head.size
        var path: [Hash] = []
        if old > 0, old < UInt64(entries.count) {
            path = try ProofPlan.consistency(from: old, to: UInt64(entries.count)).hashes(in: there.tiles())
        }
        try scene.domain.post(
            PeerHead(origin: Self.peer, checkpoint: checkpoint, consistency: path), by: .olga, stream: "peers")
    }

    /// What the peer's log shows of its newest head.
    func evidence(
        for request: AccessRequest, without: StateKey? = nil, statement carries: Bool = true
    ) throws -> PeerEvidence {
        let route = try #require(scene.domain.record(.route(Self.route), RouteRecord.self)).route
        var keys = PeerEvidence.keys(for: request, by: route, home: scene.domain.origin.text)
        let signer = try Actor.olga.key.publicKey
        keys += [.grant(grant), .identity(issuer: Actor.olga.name, keyID: COSEKey(signer).thumbprint)]
        let entries = there.entries
        let index = try #require(entries.firstIndex { Hash.leaf($0) == grant })
        let path = try ProofPlan.inclusion(index: UInt64(index), size: UInt64(entries.count)).hashes(in: there.tiles())
        return PeerEvidence(
            statement: carries
                ? PeerEvidence.Statement(entry: entries[index], index: UInt64(index), path: path) : nil,
            proofs: try keys.filter { $0 != without }.map { try there.proof(of: $0) })
    }

    /// A request by the route, with what it needs.
    func request(_ resource: String = "doc:1", execution: String? = nil) throws -> AccessRequest {
        var request = scene.request(resource, execution: execution)
        request.route = Self.route
        request.grant = grant
        request.peerEvidence = try evidence(for: request)
        return request
    }
}
