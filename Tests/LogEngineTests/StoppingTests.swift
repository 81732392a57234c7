import COSE
import Governance
import LogEngine
import LogStore
import Synchronization
import Testing
import Tlog

/// The seventh promise of the engine: it stops rather than guess what its disk has.
@Suite("Stopping", .timeLimit(.minutes(1)))
struct StoppingTests {
    @Test(
        "7: a batch that the store has no room for is refused whole, and the log goes on",
        arguments: [
            StoreError.Code.full, .io,
        ])
    func refusedCommit(code: StoreError.Code) async throws {
        let domain = try TestDomain()
        let store = TestStore()
        let log = try domain.log(store: store)
        let before = log.published.treeHead
        store.set { $0.beforeCommit = { () throws(StoreError) in throw StoreError(code, "for the test") } }
        let rejection = await log.submit(try domain.evidence(1)).failure
        #expect(rejection?.code == .storageFailed)
        #expect(rejection?.retryAfter != nil)
        #expect(log.status == .running)
        #expect(log.published.treeHead == before)

        store.set { $0.beforeCommit = {} }
        let registration = try await log.submit(try domain.evidence(1)).get()
        #expect(registration.index == 2 && !registration.duplicate)
        #expect(try replay(log).size == 4)
        await log.shutdown()
    }

    @Test(
        "7: after a failed sync nothing is signed, taken or acknowledged any more",
        arguments: ["the commit", "a read before it", "a read behind it"])
    func failedSync(saidBy call: String) async throws {
        let domain = try TestDomain()
        let store = TestStore()
        let anchor = MemoryAnchor()
        try domain.create(store, anchor)
        let reasons = Mutex<[StopReason]>([])
        let log = try domain.open(store, anchor) { reason in reasons.withLock { $0.append(reason) } }
        let before = log.published.treeHead
        let failure = StoreError(.syncFailed, "for the test")
        store.set {
            switch call {
            case "the commit": $0.beforeCommit = { () throws(StoreError) in throw failure }
            case "a read behind it": $0.afterCommit = { store.set { $0.read = failure } }
            default:
                $0.state = { _, value in
                    store.set { $0.read = failure }
                    return value
                }
            }
        }
        #expect(await log.submit(try domain.evidence(1)).failure?.code == .stopped)
        store.set { $0 = TestStore.Faults() }
        #expect(await log.submit(try domain.evidence(2)).failure?.code == .stopped)
        #expect(log.status == .stopped(.syncFailed("for the test")))
        #expect(reasons.withLock { $0 } == [.syncFailed("for the test")])
        #expect(log.published.treeHead == before)
        #expect(try anchor.read() == before)
        #expect(log.metrics.stopped)
        await log.shutdown()
    }

    @Test(
        "7: a failure that the store finds beside commits stops the log, though nothing is submitted",
        arguments: [
            (StoreError(.syncFailed, "for the test"), StopReason.syncFailed("for the test")),
            (StoreError(.corrupt, "for the test"), .storeFailed("corrupt: for the test")),
        ])
    func failureBesideCommits(_ failure: StoreError, _ reason: StopReason) async throws {
        let domain = try TestDomain()
        let (store, anchor) = (TestStore(), MemoryAnchor())
        try domain.create(store, anchor)
        let reasons = Mutex<[StopReason]>([])
        let log = try domain.open(store, anchor) { reason in reasons.withLock { $0.append(reason) } }
        // The next commit may get over it.
        store.set { $0.failure = StoreError(.full, "for the test") }
        try await Task.sleep(for: .milliseconds(600))
        #expect(log.status == .running)
        store.set { $0.failure = failure }
        try await eventually { log.status == .stopped(reason) }
        store.set { $0 = TestStore.Faults() }
        #expect(await log.submit(try domain.evidence(1)).failure?.code == .stopped)
        #expect(reasons.withLock { $0 } == [reason])
        await log.shutdown()
    }

    @Test("7: a head that could not be anchored is not signed; the next start finds the batch and signs it")
    func failedAnchor() async throws {
        let domain = try TestDomain()
        let store = TestStore()
        let anchor = GatedAnchor(Gate(shut: false))
        try domain.create(store, anchor)
        let log = try domain.open(store, anchor)
        anchor.fail(.failed(path: "anchor", detail: "for the test"))
        let statement = try domain.evidence(1)
        #expect(await log.submit(statement).failure?.code == .stopped)
        #expect(log.published.size == 2)
        await log.shutdown()

        let next = MemoryAnchor(try anchor.read())
        let reopened = try domain.open(store, next)
        #expect(reopened.published.size == 4)
        #expect(try next.read()?.size == 4)
        #expect(try await reopened.submit(statement).get().duplicate)
        await reopened.shutdown()
    }
}
