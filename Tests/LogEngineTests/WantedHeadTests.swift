import COSE
import Governance
import Testing
import Tlog

@testable import LogEngine

/// What a state witness is asked for next.
@Suite("The head that a state witness is to cosign", .timeLimit(.minutes(1)))
struct WantedHeadTests {
    private let domain: TestDomain
    private let wanted = WantedHead()

    init() throws { domain = try TestDomain() }

    private func head(_ size: UInt64) -> SignedCheckpoint {
        Checkpoint(origin: domain.policy.origin, head: TreeHead(size: size, root: .zero))
            .signed(by: domain.keys.checkpoint)
    }

    @Test("of those that wait it is the newest")
    func newest() async {
        wanted.ask(head(1))
        wanted.ask(head(2))
        #expect(await wanted.next() == head(2))
        wanted.ask(head(3))
        #expect(await wanted.next() == head(3))
    }

    @Test("one that it could not cosign comes again, and not in the place of a newer one")
    func again() async {
        wanted.ask(head(1))
        _ = await wanted.next()
        wanted.askAgain(head(1))
        #expect(await wanted.next() == head(1))
        wanted.ask(head(2))
        wanted.askAgain(head(1))
        #expect(await wanted.next() == head(2))
    }

    @Test("after the end there is none")
    func ended() async {
        wanted.ask(head(1))
        _ = await wanted.next()
        wanted.end()
        #expect(await wanted.next() == nil)
    }
}
