internal import COSE
internal import Governance
internal import LogClient
internal import Synchronization
internal import Tlog
internal import Verification

/// Registers the statements of one signer's stream, one batch at a time; what comes meanwhile is in the next.
///
/// A statement that the log refused for good is its caller's affair; those that were signed after it are signed again.
/// After a failure that leaves open whether it is registered, the signed bytes stay in the ledger and are sent first
/// when the stream is used again, so no place is ever signed twice.
final class Registrar: Sendable {
    typealias Outcome = Result<VerifiedAnswer, GateError>

    private struct Job {
        let item: StreamWriter.Item
        let done: CheckedContinuation<Outcome, Never>
    }

    private struct State {
        var jobs: [Job] = []
        /// Who waits for what is pending from before, and wants the greatest index of it.
        var waiting: [CheckedContinuation<Result<UInt64?, GateError>, Never>] = []
        var hasEnded = false
    }

    private let state = Mutex(State())
    private let bell: AsyncStream<Void>
    private let ringer: AsyncStream<Void>.Continuation
    private let open: @Sendable () async throws(GateError) -> StreamWriter
    private let worker = Mutex<Task<Void, Never>?>(nil)

    private static let maxBatch = 64

    /// - Parameters:
    ///   - signer: whose stream it is.
    ///   - directory: where ledgers are kept.
    init(
        signer: GateSigner, stream: String, origin: Origin, client: LogClient, directory: String,
        now: @escaping @Sendable () -> UInt64
    ) {
        (bell, ringer) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        let name = StreamName(origin: origin, issuer: signer.issuer, stream: stream, key: signer.keyID)
        open = { () async throws(GateError) in
            let ledger: StreamLedger
            do throws(StreamLedgerError) {
                ledger = try StreamLedger(name, directory: directory)
            } catch {
                throw GateError(StreamError.ledger(error))
            }
            do throws(StreamError) {
                var client = client
                client.knownIssuers = [EnrolledIssuer(issuer: signer.issuer, key: signer.key.publicKey, roles: [])]
                let writer = try await StreamWriter(client: client, key: signer.key, ledger: ledger, now: now)
                try writer.forgetRecovered()
                return writer
            } catch {
                throw GateError(error)
            }
        }
        let task = Task { [weak self, bell] in
            // Kept open from batch to batch: to open it is to ask the log where the stream stands.
            var writer: StreamWriter?
            for await _ in bell { await self?.work(&writer) }
        }
        worker.withLock { $0 = task }
    }

    deinit { ringer.finish() }

    func register(_ item: StreamWriter.Item) async -> Outcome {
        await withCheckedContinuation { done in
            let isOpen = state.withLock { state in
                if !state.hasEnded { state.jobs.append(Job(item: item, done: done)) }
                return !state.hasEnded
            }
            if isOpen { ringer.yield() } else { done.resume(returning: .failure(.ended("it is shutting down"))) }
        }
    }

    /// Sends what was signed before and may not be in the log. The greatest index of what is there now; nil if nothing was
    /// pending, or the log refused it for good.
    func sendPending() async -> Result<UInt64?, GateError> {
        await withCheckedContinuation { done in
            let isOpen = state.withLock { state in
                if !state.hasEnded { state.waiting.append(done) }
                return !state.hasEnded
            }
            if isOpen { ringer.yield() } else { done.resume(returning: .failure(.ended("it is shutting down"))) }
        }
    }

    /// Answers what waits, and takes nothing more.
    func end() async {
        state.withLock { $0.hasEnded = true }
        ringer.finish()
        await worker.withLock { $0 }?.value
        fail(take(.max), .ended("it is shutting down"))
        for done in takeWaiting() { done.resume(returning: .failure(.ended("it is shutting down"))) }
    }

    private func take(_ count: Int) -> [Job] {
        state.withLock { state in
            let jobs = Array(state.jobs.prefix(count))
            state.jobs.removeFirst(jobs.count)
            return jobs
        }
    }

    private func takeWaiting() -> [CheckedContinuation<Result<UInt64?, GateError>, Never>] {
        state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
    }

    /// To open a writer is to send what is pending.
    private func answerWaiting(_ kept: inout StreamWriter?) async {
        let waiting = takeWaiting()
        guard !waiting.isEmpty else { return }
        var result = Result<UInt64?, GateError>.success(nil)
        do throws(GateError) {
            if kept == nil {
                let writer = try await open()
                kept = writer
                result = .success(writer.recovered.map(\.index).max())
            }
        } catch {
            result = .failure(error)
        }
        for done in waiting { done.resume(returning: result) }
    }

    private func fail(_ jobs: [Job], _ error: GateError) {
        for job in jobs { job.done.resume(returning: .failure(error)) }
    }

    /// Registers all that waits.
    private func work(_ kept: inout StreamWriter?) async {
        await answerWaiting(&kept)
        var jobs = take(Self.maxBatch)
        while !jobs.isEmpty {
            var writer: StreamWriter
            do throws(GateError) {
                if let kept { writer = kept } else { writer = try await open() }
            } catch {
                return fail(jobs + take(.max), error)
            }
            kept = nil
            let answered = Answered()
            var observer = StreamWriter.Observer()
            observer.registered = { _, answer in answered.answers.append(answer) }
            do {
                try await writer.register(jobs.map(\.item), observer: observer)
                kept = writer
                _ = settle(jobs, answered.answers)
                jobs = take(Self.maxBatch)
            } catch {
                jobs = settle(jobs, answered.answers)
                let failure = (error as? StreamError).map { GateError($0) } ?? .stream("\(error)")
                guard case .logRefused = failure, let first = jobs.first else { return fail(jobs, failure) }
                // Its place is free again, and those behind it are signed anew.
                kept = writer
                fail([first], failure)
                jobs = jobs.dropFirst() + take(Self.maxBatch)
            }
        }
    }

    /// Answers the first jobs; returns the others.
    private func settle(_ jobs: [Job], _ answers: [VerifiedAnswer]) -> [Job] {
        for (job, answer) in zip(jobs, answers) { job.done.resume(returning: .success(answer)) }
        return Array(jobs.dropFirst(answers.count))
    }

    /// What one call of the writer has registered. Only that call uses it.
    private final class Answered {
        var answers: [VerifiedAnswer] = []
    }
}

extension GateError {
    init(_ error: StreamError) {
        switch error {
        case .ledger(.busy(let path)): self = .stream("another process uses \(path)")
        case .ledger(let ledger): self = .stream("\(ledger)")
        case .event(_, let event): self = .logRefused(code: event.reason, detail: "\(event)")
        case .statement(_, let statement): self = .logRefused(code: statement.reason, detail: "\(statement)")
        case .refused(_, let client), .log(let client): self = GateError(client)
        case .logIsBehind(_, _, _, let path): self = .stream("the log does not have what \(path) remembers")
        case .logDiffers(_, _, _, let path): self = .stream("the log has another statement than \(path) remembers")
        }
    }

    init(_ error: ClientError) {
        switch error {
        case .unreachable(_, let reason): self = .unreachable(reason)
        case .timedOut: self = .unreachable("it did not answer in time")
        case .refused(let problem) where problem.isTemporary:
            self = .unreachable("it says \(problem.code ?? "\(problem.status)"): \(problem.detail ?? "later")")
        case .refused(let problem):
            self = .logRefused(
                code: problem.code ?? "\(problem.status)", detail: problem.detail ?? problem.title ?? "no detail")
        case .answerTooLarge(let path, _): self = .notVerified("the answer to \(path) is too long")
        case .answerMalformed(let path, let reason): self = .notVerified("\(path): \(reason)")
        case .contradiction(let path, let reason): self = .notVerified("\(path): \(reason)")
        case .notVerified(let report):
            self = .notVerified(report.decidingCheck?.code ?? "the answer does not verify")
        }
    }
}
