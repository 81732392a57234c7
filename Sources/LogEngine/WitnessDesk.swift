internal import Tlog

/// What came of asking one witness.
enum WitnessOutcome: Sendable {
    /// Its cosignature, verified.
    case cosigned(NoteSignature)
    case failed(String)
    /// It claims what this log has not signed, and can't show it under this log's signature.
    case quarantined(String)
    /// It shows a checkpoint under this log's signature that this log does not contain.
    case signedElsewhere(String)
    /// A newer head took this one's place while the witness was busy.
    case overtaken
}

/// One witness: what is known of it, and one exchange with it at a time.
///
/// A witness that takes long gets no second request beside the first. Only the newest head waits for it.
actor WitnessDesk {
    struct Request: Sendable {
        let checkpoint: SignedCheckpoint
        let report: @Sendable (WitnessOutcome) -> Void
    }

    nonisolated let witness: TlogPolicy.Witness
    private let witnessing: Witnessing
    private let tree: SignedTree
    /// The latest time that is believed, in seconds since 1970, at this moment.
    private let latestTime: @Sendable () -> UInt64

    /// The size that the witness cosigned last, as far as is known. "If a client doesn't have information on the latest
    /// cosigned checkpoint, it MAY initially make a request with a old size of zero to obtain it."
    private var knownSize: UInt64 = 0
    private var quarantined: (why: String, until: ContinuousClock.Instant)?
    private var next: Request?
    private var isBusy = false

    init(
        _ witness: TlogPolicy.Witness, _ witnessing: Witnessing, tree: SignedTree,
        latestTime: @escaping @Sendable () -> UInt64
    ) {
        self.witness = witness
        self.witnessing = witnessing
        self.tree = tree
        self.latestTime = latestTime
    }

    /// Asks the witness as soon as it is free. The report comes once, later.
    func ask(_ request: Request) {
        next?.report(.overtaken)
        next = request
        guard !isBusy else { return }
        isBusy = true
        Task { await work() }
    }

    private func work() async {
        while let request = next {
            next = nil
            request.report(await outcome(request.checkpoint))
        }
        isBusy = false
    }

    private func outcome(_ checkpoint: SignedCheckpoint) async -> WitnessOutcome {
        if let quarantined, .now < quarantined.until { return .quarantined(quarantined.why) }
        quarantined = nil
        do {
            return try await within(witnessing.timeout) { try await self.exchange(checkpoint) }
        } catch {
            return .failed("\(error)")
        }
    }

    /// "The witness MUST check that the old size matches the size of the latest checkpoint it cosigned […] If it
    /// doesn't match, the witness MUST respond with a "409 Conflict"": then once more, from the size it says.
    private func exchange(_ signed: SignedCheckpoint) async throws -> WitnessOutcome {
        let size = signed.checkpoint.size
        for _ in 0..<2 {
            let proof = try tree.consistency(from: min(knownSize, size), to: size)
            let request = AddCheckpointRequest(oldSize: proof.oldSize, path: proof.path, checkpoint: signed)
            switch try await witnessing.cosigners.addCheckpoint(request, to: witness) {
            case .cosigned(let response):
                let line = try accepted(response, on: signed.checkpoint)
                knownSize = size
                return .cosigned(line)
            case .conflict(let recorded) where recorded <= size:
                knownSize = recorded
            case .conflict(let recorded):
                return await examine("it says that it cosigned \(recorded) entries", size: recorded)
            case .inconsistent:
                return await examine("it says that \(size) entries do not continue what it cosigned", size: nil)
            }
        }
        return .failed("it named another size twice, \(knownSize) at last")
    }

    /// Its line, if the answer has one that counts. "The client MUST ignore any cosignatures from unknown keys."
    private func accepted(_ response: AddCheckpointResponse, on checkpoint: Checkpoint) throws -> NoteSignature {
        let limit = latestTime()
        let lines = try response.cosignatures(of: checkpoint, from: [witness.key])
        guard let line = lines.first else { throw DeskError("there is no cosignature of its key in its answer") }
        let seconds = try Cosignature.verify(line, on: checkpoint, key: witness.key)
        guard seconds <= limit else {
            throw DeskError("its cosignature is from the future: \(seconds), \(limit) is the latest that is believed")
        }
        return line
    }

    /// A claim that this log has not signed is only that. Under this log's own signature it is the end: two histories.
    private func examine(_ claim: String, size: UInt64?) async -> WitnessOutcome {
        var shown: SignedCheckpoint?
        var detail = claim
        do {
            shown = try await witnessing.cosigners.checkpoint(of: tree.origin, at: witness)
            if let shown, let contradiction = try tree.contradiction(in: shown) {
                return .signedElsewhere("the witness \(witness.name) (\(witness.key.name)) shows it: \(contradiction)")
            }
            detail += ", and shows nothing under this log's signature that this log has not"
        } catch {
            detail += "; its checkpoint can't be had: \(error)"
        }
        // Another submitter of this log's published heads may have been there first.
        if let size, size <= tree.head.size { return .failed("it has a newer head of this log already") }
        quarantined = (detail, .now + witnessing.quarantine)
        return .quarantined(detail)
    }
}

private struct DeskError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// What `body` returns, if it does within the limit.
private func within<R: Sendable>(
    _ limit: Duration, _ body: @escaping @Sendable () async throws -> R
) async throws -> R {
    try await withThrowingTaskGroup(of: R?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: limit)
            return nil
        }
        defer { group.cancelAll() }
        guard let result = try await group.next() ?? nil else { throw DeskError("no answer within \(limit)") }
        return result
    }
}
