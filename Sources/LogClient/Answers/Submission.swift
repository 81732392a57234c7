public import COSE
import Tlog
import Verification

extension LogClient {
    /// Registers one statement. Sending the same one again is safe: the log keeps it once.
    ///
    /// - Throws: ``ClientError/refused(_:)`` with the log's problem, or why the answer is not believed.
    public func submit(_ statement: SignedStatement) async throws(ClientError) -> VerifiedAnswer {
        let path = "entries"
        let answer = try await send(
            .post(path, statement.entryBytes, contentType: MediaType.cose, maximumAnswerBytes: Limits.receipt))
        let index = answer.headers["holdfast-index"].flatMap { UInt64($0) }
        return try VerifiedAnswer(
            to: statement, receipt: answer.body, claimedIndex: index, isDuplicate: answer.status == 200, path: path,
            verifier: verifier)
    }

    /// Registers many statements, in order, in as few requests as the limits allow.
    ///
    /// A statement that the log refuses for now (rate, load) is sent again, and so is one that waits for it: a later
    /// statement of the same batch that was refused because its predecessor is missing. Nothing else is.
    ///
    /// - Parameter progress: called with the number of statements that are settled.
    /// - Returns: for each statement its registration, or why it has none. A failure of the connection is the answer
    ///   of every statement that was still open.
    public func submit(
        _ statements: [SignedStatement], progress: (Int) -> Void = { _ in }
    ) async -> [Result<VerifiedAnswer, ClientError>] {
        var results = [Result<VerifiedAnswer, ClientError>?](repeating: nil, count: statements.count)
        var open = Array(statements.indices)
        var round = 0
        while !open.isEmpty {
            let before = open.count
            var still: [Int] = []
            var asked: Int?
            for range in batches.ranges(of: open.map { statements[$0].entryBytes.count }) {
                let places = Array(open[range])
                let settled = await submitBatch(places.map { statements[$0] })
                if case .failure(let failure)? = settled.first, failure.isOfConnection {
                    for place in open[range.lowerBound...] { results[place] = .failure(failure) }
                    return results.compactMap { $0 }
                }
                let waiting = Self.waiting(settled)
                for (place, outcome) in zip(places, settled) { results[place] = outcome }
                still += waiting.map { places[$0] }
                asked = Self.longest(asked, settled)
                // What follows in the same streams would only be refused: wait first.
                if !waiting.isEmpty {
                    still += open[range.upperBound...]
                    break
                }
                progress(statements.count - (open.count - range.upperBound))
            }
            open = still
            round = open.count < before ? 1 : round + 1
            guard !open.isEmpty, await pause(round: round, asked: asked) else { break }
        }
        return results.map { $0 ?? .failure(.timedOut(url: url)) }
    }

    /// Waits before the next round; false to give up.
    func pause(round: Int, asked: Int?) async -> Bool {
        let outcome = RetryPolicy.Outcome.answered(status: 503, retryAfter: asked)
        guard let wait = retry.wait(after: outcome, attempt: round, jitter: Double.random(in: 0...1)) else {
            return false
        }
        do { try await Task.sleep(for: wait) } catch { return false }
        return true
    }

    private func submitBatch(_ statements: [SignedStatement]) async -> [Result<VerifiedAnswer, ClientError>] {
        if statements.count == 1 {
            do {
                return [.success(try await submit(statements[0]))]
            } catch {
                return [.failure(error)]
            }
        }
        let results = await submitSequence(statements)
        // The log takes shorter sequences than we thought: half of it, and half of that, until it fits.
        guard case .failure(.refused(let problem))? = results.first, problem.status == 413,
            results.allSatisfy({ $0.isRefused(with: problem) })
        else { return results }
        let middle = statements.count / 2
        return await submitBatch(Array(statements[..<middle])) + submitBatch(Array(statements[middle...]))
    }

    private func submitSequence(_ statements: [SignedStatement]) async -> [Result<VerifiedAnswer, ClientError>] {
        let path = "entries"
        let answers: [BatchAnswer]
        do throws(ClientError) {
            let response = try await send(
                .post(
                    path, Array(statements.map(\.entryBytes).joined()), contentType: MediaType.sequence,
                    maximumAnswerBytes: statements.count * (Limits.receipt / 8)))
            do {
                answers = try BatchAnswer.sequence(response.body, count: statements.count)
            } catch {
                throw ClientError.answerMalformed(path: path, reason: error.reason)
            }
        } catch {
            return [Result](repeating: .failure(error), count: statements.count)
        }
        return zip(statements, answers).map { statement, answer in
            do throws(ClientError) {
                guard (200...299).contains(answer.status) else {
                    throw .refused(LogProblem(status: answer.status, body: answer.body, retryAfter: nil))
                }
                return .success(
                    try VerifiedAnswer(
                        to: statement, receipt: answer.body, claimedIndex: answer.index,
                        isDuplicate: answer.status == 200, path: path, verifier: verifier))
            } catch {
                return .failure(error)
            }
        }
    }

    /// The places that are worth sending again: those refused for now, and those after one of them that were refused
    /// for a gap, which their missing predecessor explains.
    static func waiting(_ results: [Result<VerifiedAnswer, ClientError>]) -> [Int] {
        var waiting: [Int] = []
        for (place, result) in results.enumerated() {
            guard case .failure(.refused(let problem)) = result else { continue }
            if problem.isTemporary || (problem.code == "stream-gap" && !waiting.isEmpty) { waiting.append(place) }
        }
        return waiting
    }

    private static func longest(_ asked: Int?, _ results: [Result<VerifiedAnswer, ClientError>]) -> Int? {
        let all = results.compactMap { result -> Int? in
            guard case .failure(.refused(let problem)) = result else { return nil }
            return problem.retryAfter
        }
        return (all + [asked].compactMap { $0 }).max()
    }

    /// Verifies a statement that was registered before with the proof that was kept of it; nothing is asked.
    public func verify(statement: [UInt8], proof: [UInt8]) throws(ClientError) {
        let report = verifier.statement(statement, proof: proof)
        guard report.verdict == .verified else { throw .notVerified(report) }
    }
}

extension Result where Failure == ClientError {
    fileprivate func isRefused(with problem: LogProblem) -> Bool {
        guard case .failure(.refused(problem)) = self else { return false }
        return true
    }
}
