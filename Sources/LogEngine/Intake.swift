internal import COSE
internal import Foundation
internal import LogStore
internal import Tlog

/// What became of one statement before it reached the writer.
enum IntakeResult: Sendable {
    /// It has been in the log for long enough to be published.
    case known(Placement, leafHash: Hash)
    case verified(VerifiedSubmission)
    case rejected(Rejection)

    var verified: VerifiedSubmission? {
        if case .verified(let submission) = self { submission } else { nil }
    }
}

/// Reads and verifies submissions on the callers' threads, spread over the cores.
struct Intake: Sendable {
    let store: any LogStore
    let publication: Publication
    let rules: CurrentRules
    let options: EngineOptions

    private static let cores = ProcessInfo.processInfo.activeProcessorCount

    /// One result a statement, in order. Small submissions are done in place; a large one is cut into one piece a core.
    func take(_ statements: [[UInt8]]) async -> [IntakeResult] {
        let pieces = max(1, min(Self.cores, statements.count / options.verificationChunk))
        if pieces == 1 { return take(statements[...]) }
        let length = (statements.count + pieces - 1) / pieces
        return await withTaskGroup(of: (Int, [IntakeResult]).self) { group in
            for start in stride(from: 0, to: statements.count, by: length) {
                group.addTask { (start, take(statements[start..<min(start + length, statements.count)])) }
            }
            var results: [(Int, [IntakeResult])] = []
            for await result in group { results.append(result) }
            return results.sorted { $0.0 < $1.0 }.flatMap(\.1)
        }
    }

    /// All of them on this thread.
    func take(_ statements: ArraySlice<[UInt8]>) -> [IntakeResult] {
        // The keys first, then the store: a statement that was committed under a key which was then removed is found
        // in the store, or the store was read before its commit and so the keys are from before the removal.
        var verification = Verification(rules: rules)
        let submissions = Submission.decode(statements)
        let known: [Placement?]
        do {
            known = Mutant.dedupFirst.isOff ? submissions.map { _ in nil } : try publishedPlacements(of: submissions)
        } catch {
            let rejection = Rejection.storeUnreadable(error)
            return submissions.map { _ in .rejected(rejection) }
        }
        return zip(submissions, known).map { submission, known in
            switch submission {
            case .failure(let rejection): return .rejected(rejection)
            case .success(let submission):
                if let known { return .known(known, leafHash: submission.statement.leafHash) }
                do throws(Rejection) {
                    return .verified(try verification.verify(submission))
                } catch {
                    return .rejected(error)
                }
            }
        }
    }

    /// One statement, on this thread: the same without lists of one.
    func take(_ statement: [UInt8]) -> IntakeResult {
        var verification = Verification(rules: rules)
        do throws(Rejection) {
            let submission = try Submission(decoding: statement)
            if let known = try publishedPlacement(of: submission) {
                return .known(known, leafHash: submission.statement.leafHash)
            }
            return .verified(try verification.verify(submission))
        } catch {
            return .rejected(error)
        }
    }

    private func publishedPlacement(of submission: Submission) throws(Rejection) -> Placement? {
        do {
            guard !Mutant.dedupFirst.isOff, try store.mayHave(anyOf: [submission.statement.leafHash]) else {
                return nil
            }
            return try publishedPlacements(of: [.success(submission)])[0]
        } catch {
            throw .storeUnreadable(error)
        }
    }

    /// Where those of the statements stand that are published already. Asked before any key or policy, so that a retry
    /// is answered whatever happened to its issuer since. The writer asks again: this answers early, it decides nothing.
    private func publishedPlacements(of submissions: [Result<Submission, Rejection>]) throws -> [Placement?] {
        let leafHashes = submissions.compactMap { try? $0.get().statement.leafHash }
        guard try store.mayHave(anyOf: leafHashes) else { return submissions.map { _ in nil } }
        let published = publication.latest?.size ?? 0
        return try store.read { snapshot in
            try submissions.map { submission in
                guard case .success(let submission) = submission,
                    let index = try snapshot.index(ofLeaf: submission.statement.leafHash), index < published
                else { return nil }
                return Placement(index: index, duplicate: true)
            }
        }
    }
}

extension Rejection {
    /// The store could not be read: nothing of the submission was kept.
    static func storeUnreadable(_ error: any Error) -> Rejection {
        Rejection(.storageFailed, "the store could not be read; nothing was kept: send it again", retryAfter: 5)
    }
}
