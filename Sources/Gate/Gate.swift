internal import COSE
import Foundation
public import Governance
public import LogClient
public import LogStore
public import Logging
internal import Monitor
public import Tlog

/// The point where it is decided, before anything runs: permit or contain.
///
/// It follows its domain's log as a state witness does: every head by the trust file, every entry, admission and seal
/// replayed into a store of its own. It believes nothing that the log's server says, and judges on nothing but what it
/// has verified. A permit leaves it only when its record is in the log, under a published head that it has verified, and
/// the fold shows it. What it cannot decide it refuses.
///
/// ``run()`` follows until the task is cancelled. `spec/gate.md` describes it from outside.
public actor Gate: DecisionPoint {
    public nonisolated let origin: Origin
    public nonisolated let signer: GateSigner
    public nonisolated let options: GateOptions
    public nonisolated let numbers = GateNumbers()

    nonisolated let board = StandingBoard()
    let follower: LogFollower
    let store: any LogStore
    let client: LogClient
    let directory: String
    let time: any GateTime
    let logger: Logger

    /// Both clocks, and the greatest time that a quorum vouched for.
    var clock: ClockWatch
    var mark: HighWaterMark
    /// Why the last look at the log failed; nil if it did not.
    var fault: FollowFault?
    /// What was found that no later look makes good.
    var finding: Doubt?
    /// When a quorum of state witnesses saw the newest head that they cosigned, in ms since 1970.
    var stateTime: UInt64?
    /// The look at the log that is under way.
    var round: Task<Void, Never>?
    var lastPulse: UInt64?
    /// When the log did not take a statement, or said "later".
    private var lastFailure: UInt64?
    var hasEnded = false

    private var registrars: [RegistrarName: Registrar] = [:]
    var leases: LeaseBook
    var watched: WatchBook
    /// Whether it was looked for what had been started under leases before this run.
    var hasSearchedLeased = false
    /// Scopes whose containment is being registered.
    var entering: Set<Scope> = []
    /// Containments that could not be registered yet.
    var owed: [ContainmentDemand] = []

    private struct RegistrarName: Hashable {
        let issuer: String
        let key: Hash
        let stream: String
    }

    /// Opens what an earlier run left.
    ///
    /// - Parameters:
    ///   - directory: of this gate alone; it exists. The store is the caller's to open, inside it.
    ///   - client: with the trust file. Its retries should end soon: the gate asks again by itself.
    ///   - signer: an identity with the role `gate`.
    public init(
        directory: String, client: LogClient, store: any LogStore, signer: GateSigner,
        options: GateOptions = GateOptions(), time: any GateTime = MachineTime(), logger: Logger
    ) throws(GateOpeningError) {
        self.directory = directory
        self.client = client
        self.store = store
        self.signer = signer
        self.options = options
        self.time = time
        self.logger = logger
        let now: @Sendable () -> UInt64 = { time.wall() }
        do throws(FollowFault) {
            follower = try LogFollower(
                client: client, store: store, headPath: directory + "/head", keepsState: true, now: now)
        } catch {
            throw .follower("\(error)")
        }
        origin = follower.origin
        mark = try HighWaterMark(path: directory + "/mark")
        leases = try LeaseBook(directory: directory + "/leases")
        watched = try WatchBook(directory: directory + "/watched")
        clock = ClockWatch(wall: time.wall(), elapsed: time.elapsed())
        let evidence = directory + "/fork.json"
        if FileManager.default.fileExists(atPath: evidence), !Mutant.forkRemembered.isOff {
            finding = .fork("the log signed two histories: the evidence is in \(evidence)")
        }
        let resumed = resumedSize
        if resumed > 0 { logger.info("Goes on from the state that was kept", metadata: ["entries": "\(resumed)"]) }
    }

    // MARK: Standing

    public nonisolated var standing: AsyncStream<GateStanding> { board.listen() }

    /// How it stands now.
    public nonisolated var currentStanding: GateStanding { board.current }

    // MARK: Running

    /// Looks at the log again and again, and does what follows from it, until the task is cancelled.
    public func run() async {
        while !Task.isCancelled {
            await look()
            await time.sleep(options.interval)
        }
    }

    /// One look at the log, and what follows from it.
    public func look() async {
        await nextRound()
        await payOwed()
        await recheckWatched()
        await closeLeases(all: false)
        await keepFresh()
    }

    /// Puts on record what is open, where the log can be reached, and decides nothing any more.
    public func end() async {
        if fault == nil, finding == nil { await closeLeases(all: true) }
        hasEnded = true
        for registrar in registrars.values { await registrar.end() }
        board.end()
    }

    // MARK: Registering

    public func register(
        _ event: EventDraft, about subject: String, as signer: GateSigner
    ) async throws(GateError) -> RegisteredStatement {
        let answer = try await send(event, about: subject, as: signer)
        let head = try await cover(answer.index)
        guard leafHash(at: answer.index) == answer.statement.leafHash else {
            throw .notVerified("entry \(answer.index) is not the statement that the log answered with it")
        }
        numbers.registered()
        return RegisteredStatement(entry: answer.statement.leafHash, index: answer.index, head: head)
    }

    /// Registers an event; the answer's receipt is verified, and nothing is known of the fold yet.
    func send(
        _ event: EventDraft, about subject: String, as signer: GateSigner
    ) async throws(GateError) -> VerifiedAnswer {
        let registrar = try registrar(signer, event.stream)
        let outcome = await registrar.register(StreamWriter.Item(draft: event, subject: subject))
        if case .failure(.unreachable) = outcome {
            lastFailure = time.elapsed()
        } else {
            lastFailure = nil
        }
        return try outcome.get()
    }

    private func registrar(_ signer: GateSigner, _ stream: String) throws(GateError) -> Registrar {
        guard !hasEnded else { throw .ended("it is shutting down") }
        let name = RegistrarName(issuer: signer.issuer, key: signer.keyID, stream: stream)
        if let known = registrars[name] { return known }
        let time = time
        let registrar = Registrar(
            signer: signer, stream: stream, origin: origin, client: client, directory: directory + "/streams",
            now: { time.wall() })
        registrars[name] = registrar
        return registrar
    }

    public func sendPending(in stream: String, as signer: GateSigner) async throws(GateError) {
        let index = try await registrar(signer, stream).sendPending().get()
        if let index { _ = try await cover(index) }
    }

    /// Whether the log took nothing a moment ago: nobody waits for it with what can do without. Permits are tried.
    var isWaiting: Bool { lastFailure.map { time.elapsed() - $0 < 5000 } ?? false }

    /// How many entries did not have to be folded again when it was opened.
    public nonisolated var resumedSize: UInt64 { follower.resumedSize }

    private func leafHash(at index: UInt64) -> Hash? {
        (try? store.read { try $0.leafHash(at: index) }) ?? nil
    }

    /// What was registered of a model; nil if it is not.
    public func registered(_ model: ModelVersion) async -> ModelRegister? {
        let entry = await follower.withFolded { log in
            log.state.value(.model(model)).flatMap { try? ModelRecord(decoding: $0) }?.entry
        }
        guard let entry, let entry else { return nil }
        let bytes = try? store.read { snapshot in
            try snapshot.index(ofLeaf: entry).flatMap { try snapshot.entry($0) }
        }
        guard let bytes, let statement = try? SignedStatement(decoding: bytes), statement.leafHash == entry,
            let event = try? Event(decoding: statement.payload)
        else { return nil }
        return try? ModelRegister(event.data)
    }
}
