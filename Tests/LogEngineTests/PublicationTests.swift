import Governance
import LogStore
import Testing
import Tlog

@testable import LogEngine

/// The published head, on its own.
@Suite("Publication")
struct PublicationTests {
    @Test("a head that is older than the one shown is never shown")
    func neverBack() async throws {
        let domain = try TestDomain()
        let store = TestStore()
        let anchor = MemoryAnchor()
        try domain.create(store, anchor)
        let older = try cosigned(store, domain)
        let log = try domain.open(store, anchor)
        _ = try await log.submit(try domain.evidence(1)).get()
        await log.shutdown()
        let newer = try cosigned(store, domain)

        let publication = Publication(older, at: 1)
        #expect(try publication.publish(older, at: 2).size == 2, "the same head may be shown again")
        #expect(try publication.publish(newer, at: 3).size == 4)
        #expect(throws: StopReason.self) { _ = try publication.publish(older, at: 4) }
        #expect(publication.current.size == 4)
        #expect(publication.current.publishedAt == 3)
    }

    private func cosigned(_ store: TestStore, _ domain: TestDomain) throws -> CosignedHead {
        var signing = Signing(
            store: store, anchor: MemoryAnchor(), keys: domain.keys, origin: domain.policy.origin,
            frontier: Frontier(), anchored: nil)
        return .withoutWitnesses(try signing.sign(try Commit(store: store).storedTree()))
    }
}
