internal import Logging
internal import Synchronization
internal import Tlog

/// Publishes what the writer has signed, when the witnesses have cosigned it: one round at a time, always for the newest
/// head. The writer goes on meanwhile; whoever waits is answered when a head that covers all of the answer is published.
final class Publisher: Sendable {
    private struct Waiting {
        let group: PendingGroup
        let outcomes: [Result<Placement, Rejection>]
        /// The size of the head that the answer needs.
        let needed: UInt64
    }

    private struct State {
        /// The newest head that was signed.
        var newest: SignedHead
        var waiting: [Waiting] = []
        /// Why the last round had no quorum; nil where it had.
        var failure: String?
        /// Shutting down: nobody is kept waiting for a quorum that is not there.
        var isDraining = false
        /// Nothing is published any more.
        var ended: StopReason?
        var tasks: [Task<Void, Never>] = []
    }

    private let parts: EngineParts
    private let panel: WitnessPanel
    private let statePanel: StatePanel
    private let keeper: CheckpointKeeper
    private let state: Mutex<State>
    private let bell: AsyncStream<Void>
    private let ringer: AsyncStream<Void>.Continuation

    /// - Parameter first: the head that is published first.
    init(_ parts: EngineParts, panel: WitnessPanel, first: SignedHead) {
        self.parts = parts
        self.panel = panel
        statePanel = StatePanel(panel.witnessing, parts)
        keeper = CheckpointKeeper(parts)
        state = Mutex(State(newest: first))
        (bell, ringer) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        parts.lifecycle.whenStopped { [weak self] in self?.end($0) }
    }

    /// Begins after the first head was published.
    func start() {
        let rounds = Task.detached { await self.run() }
        let late = Task.detached {
            for await late in self.panel.late {
                switch late {
                case .signedElsewhere(let why): self.stop(.signedElsewhere(why))
                case .surplus(let head):
                    if self.parts.publication.replace(with: head) {
                        self.parts.logger.debug("more cosignatures", metadata: ["size": "\(head.treeHead.size)"])
                    }
                }
            }
        }
        let replayed = Task.detached {
            await self.statePanel.run(pauses: self.panel.witnessing.retry) { outcome in
                switch outcome {
                case .signedElsewhere(let why): self.stop(.signedElsewhere(why))
                case .cosigned(let cosignature): _ = self.parts.publication.add(cosignature)
                }
            }
        }
        state.withLock { $0.tasks = [rounds, late, replayed] }
        let first = parts.publication.current
        keeper.keep(first)
        statePanel.ask(first.checkpoint)
    }

    // MARK: The writer

    /// Takes the answers to a batch, and the head that covers them where it is a new one.
    func take(_ head: SignedHead?, _ groups: [PendingGroup], _ outcomes: [[Result<Placement, Rejection>]]) {
        let (ready, stopped) = state.withLock { state -> ([Waiting], StopReason?) in
            if let head { state.newest = head }
            let published = parts.publication.current.size
            let all = zip(groups, outcomes).map { Waiting(group: $0, outcomes: $1, needed: Self.size(for: $1)) }
            if let ended = state.ended { return (all, ended) }
            state.waiting += all.filter { $0.needed > published }
            return (all.filter { $0.needed <= published }, nil)
        }
        ringer.yield()
        if let stopped {
            for waiting in ready { waiting.group.reject(SubmissionQueue.stopped(stopped)) }
        } else {
            answer(ready, under: parts.publication.current)
        }
    }

    private static func size(for outcomes: [Result<Placement, Rejection>]) -> UInt64 {
        outcomes.reduce(0) { size, outcome in
            if case .success(let placement) = outcome { max(size, placement.index + 1) } else { size }
        }
    }

    // MARK: Waiting

    /// Answers the callers whose deadline has passed.
    func expire(at now: ContinuousClock.Instant) {
        let (expired, failure) = state.withLock { state in
            let expired = state.waiting.filter { $0.group.deadline <= now }
            if !expired.isEmpty { state.waiting.removeAll { $0.group.deadline <= now } }
            return (expired, state.failure)
        }
        for waiting in expired { waiting.group.reject(failure == nil ? tooLate : noQuorum) }
    }

    /// Keeps nobody waiting for a quorum that is not there.
    func drain() {
        let hopeless = state.withLock { state -> [Waiting] in
            state.isDraining = true
            defer { if state.failure != nil { state.waiting = [] } }
            return state.failure == nil ? [] : state.waiting
        }
        for waiting in hopeless { waiting.group.reject(noQuorum) }
    }

    /// Publishes nothing any more.
    func end(_ reason: StopReason) {
        let (waiting, tasks) = state.withLock { state in
            if state.ended == nil { state.ended = reason }
            defer { (state.waiting, state.tasks) = ([], []) }
            return (state.waiting, state.tasks)
        }
        for task in tasks { task.cancel() }
        panel.end()
        statePanel.end()
        ringer.finish()
        for waiting in waiting { waiting.group.reject(SubmissionQueue.stopped(reason)) }
    }

    /// Returns when what was published is kept, as far as it can be.
    func settle() {
        keeper.finish()
    }

    private var noQuorum: Rejection {
        Rejection(
            .noQuorum,
            "it is stored, but too few witnesses answer, so nothing is published now. Send the same bytes again later: "
                + "when the witnesses are back, the answer is its index",
            retryAfter: max(5, parts.options.retryAfter))
    }

    private var tooLate: Rejection {
        Rejection(
            .timedOut,
            "the log was still waiting for its witnesses at the deadline. Send the same bytes again: the answer is "
                + "the same index",
            retryAfter: parts.options.retryAfter)
    }

    // MARK: Rounds

    private func run() async {
        let witnessing = panel.witnessing
        var due = ContinuousClock.now + witnessing.recosignInterval
        var pause = witnessing.retry.lowerBound
        while !Task.isCancelled {
            let (head, ended) = state.withLock { ($0.newest, $0.ended != nil) }
            if ended { return }
            let isNew = head.checkpoint.checkpoint.size > parts.publication.current.size
            guard isNew || .now >= due else {
                await wait(until: due)
                continue
            }
            do throws(CosigningFault) {
                publish(try await panel.cosign(head))
                pause = witnessing.retry.lowerBound
                due = .now + witnessing.recosignInterval
            } catch {
                guard await goOn(after: error, head, isNew: isNew, pause: pause) else { return }
                if witnessing.failOpen { due = .now + pause }
                pause = min(pause * 2, witnessing.retry.upperBound)
            }
        }
    }

    /// What to do after a round that failed. Returns when it is time for the next.
    private func goOn(after fault: CosigningFault, _ head: SignedHead, isNew: Bool, pause: Duration) async -> Bool {
        switch fault {
        case .signedElsewhere(let why):
            stop(.signedElsewhere(why))
            return false
        case .noQuorum(let why):
            let size = head.checkpoint.checkpoint.size
            guard panel.witnessing.failOpen else {
                noteFailure(why, size: size)
                try? await Task.sleep(for: pause)
                return true
            }
            if isNew {
                parts.logger.warning(
                    "no quorum of witnesses; publishing all the same, as was asked for",
                    metadata: ["size": "\(size)", "why": "\(why)"])
                parts.metrics.update { $0.cosigning?.publishedWithoutQuorum += 1 }
                publish(.failingOpen(head, panel.cosignatures(on: head)))
            }
            return true
        }
    }

    private func noteFailure(_ why: String, size: UInt64) {
        let (isFirst, hopeless) = state.withLock { state -> (Bool, [Waiting]) in
            let isFirst = state.failure == nil
            state.failure = why
            defer { if state.isDraining { state.waiting = [] } }
            return (isFirst, state.isDraining ? state.waiting : [])
        }
        parts.metrics.update { $0.cosigning?.withoutQuorum = why }
        if isFirst {
            parts.logger.error(
                "no quorum of witnesses: nothing new is published until there is one",
                metadata: ["size": "\(size)", "why": "\(why)"])
        }
        for waiting in hopeless { waiting.group.reject(noQuorum) }
    }

    private func publish(_ head: CosignedHead) {
        let published: PublishedHead
        do {
            published = try parts.publication.publish(head, at: parts.clock.now())
        } catch {
            return stop(error)
        }
        let (ready, wasFailing) = state.withLock { state in
            let ready = state.waiting.filter { $0.needed <= published.size }
            state.waiting.removeAll { $0.needed <= published.size }
            defer { state.failure = nil }
            return (ready, state.failure != nil)
        }
        parts.metrics.update { numbers in
            numbers.treeSize = published.size
            numbers.publishedAt = published.publishedAt
            numbers.cosigning?.withoutQuorum = nil
        }
        if wasFailing { parts.logger.notice("there is a quorum again", metadata: ["size": "\(published.size)"]) }
        parts.logger.debug("published", metadata: ["size": "\(published.size)", "answered": "\(ready.count)"])
        answer(ready, under: published)
        keeper.keep(published)
        statePanel.ask(published.checkpoint)
    }

    private func stop(_ reason: StopReason) {
        parts.stop(reason, metadata: ["size": "\(parts.tree.head.size)"])
    }

    private func answer(_ ready: [Waiting], under head: PublishedHead) {
        for waiting in ready { waiting.group.answer(.decided(waiting.outcomes, under: head)) }
    }

    /// Returns when there may be something to do, at the latest at an instant.
    private func wait(until instant: ContinuousClock.Instant) async {
        let timer = Task { [ringer] in
            try? await Task.sleep(until: instant)
            if !Task.isCancelled { ringer.yield() }
        }
        for await _ in bell { break }
        timer.cancel()
    }
}
