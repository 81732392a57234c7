public import COSE
public import Tlog

/// The verdict on a request: one pass through the ten steps.
///
/// Steps 9 and 10 are not the evaluation's: a permit is one only when its record is in the log and the record's
/// inclusion under a published head is verified. Until then ``permits`` means that it may be recorded.
public struct Decision: Sendable, Hashable {
    public let request: AccessRequest
    /// The head that it was judged on; nil if there was none to judge on.
    public let head: TreeHead?
    /// ms since 1970.
    public let time: UInt64
    /// In the order of the steps; a step without a check of its own has none.
    public let results: [CheckResult]
    /// Whether the head was relied on although no witness vouches for it: the policy allows it, and this says so.
    public let isUnwitnessed: Bool
    /// What the permit carries, if it is on a grant of a peer's.
    let peerProof: PeerProof?

    init(
        request: AccessRequest, head: TreeHead?, time: UInt64, results: [CheckResult], isUnwitnessed: Bool,
        peerProof: PeerProof? = nil
    ) {
        self.request = request
        self.head = head
        self.time = time
        self.results = results
        self.isUnwitnessed = isUnwitnessed
        self.peerProof = peerProof
    }

    /// The verdict of an evaluator that has no state to read: nothing can be evaluated.
    ///
    /// - Parameters:
    ///   - time: ms since 1970.
    ///   - why: what is missing.
    public init(withoutState request: AccessRequest, time: UInt64, _ why: String) {
        let result = CheckResult(
            check: nil, step: .initialization, outcome: .notEvaluable, detail: why, mend: "let the gate follow the log",
            entries: [], keys: [])
        self.init(request: request, head: nil, time: time, results: [result], isUnwitnessed: false)
    }

    /// "any check not passed, or not evaluable, contains"
    public var permits: Bool {
        Mutant.isOff("decision/contains") || results.allSatisfy { $0.outcome == .passed }
    }

    /// What was not passed.
    public var failures: [CheckResult] { results.filter { $0.outcome != .passed } }

    /// Why it contains: the first failure that was found for a fact; `unverifiable-transition` if all there is could not
    /// be evaluated; nil for a permit.
    public var reason: ContainmentReason? {
        let reasons = failures.compactMap(\.outcome.reason)
        if Mutant.isOff("decision/fact-first") { return reasons.first }
        return reasons.first { $0 != .unverifiableTransition } ?? reasons.first
    }

    /// How each of the first eight steps came out, in order. Steps 7 and 8 follow from those before.
    public var steps: [(step: DecisionStep, outcome: CheckOutcome)] {
        var steps: [(step: DecisionStep, outcome: CheckOutcome)] = []
        for step in DecisionStep.allCases where step.rawValue < DecisionStep.failClosedEvaluation.rawValue {
            let outcomes = results.filter { $0.step == step }.map(\.outcome)
            steps.append((step, outcomes.first { $0 != .passed } ?? .passed))
        }
        let verdict: CheckOutcome = reason.map { .failed($0) } ?? .passed
        return steps + [(.failClosedEvaluation, verdict), (.approval, verdict)]
    }

    /// The keys of the state that the verdict rests on and whose change undoes it, in order. Those that change with
    /// every sign of life are left out: heartbeats and telemetry; so is the number of uses, which the start takes.
    public var reliesOn: [StateKey] {
        if Mutant.isOff("decision/relies-on") { return request.grant.map { [.grant($0)] } ?? [] }
        return Set(results.flatMap(\.keys)).filter(\.undoesDecisions).sorted()
    }

    /// The evaluation as `spec/evaluation.md` has it.
    public var cbor: CBOR {
        let head: CBOR = head.map { ["size": .unsigned($0.size), "root": .hash($0.root)] } ?? .null
        return [
            "request": request.cbor, "head": head, "time": .unsigned(time), "permits": .bool(permits),
            "unwitnessed": .bool(isUnwitnessed), "results": .array(results.map(\.cbor)),
        ]
    }

    /// SHA-256 of the deterministic encoding: what the record of the decision calls the evaluation.
    public var digest: Hash { Hash.sha256(cbor.encoded()) }

    /// The statement that puts it on record; nil if there was no head to judge on, as a decision names one.
    ///
    /// - Parameters:
    ///   - nonce: 16 to 32 bytes that no decision had before.
    ///   - expires: the last ms at which an execution may start under it.
    public func record(nonce: [UInt8], expires: UInt64) -> DecisionRecord? {
        guard let head else { return nil }
        var record = DecisionRecord(
            request: request.digest, nonce: nonce, head: head, expires: expires, outcome: permits ? .permit : .contain,
            access: request.access, reliesOn: permits ? reliesOn : [], grant: request.grant)
        record.model = request.model?.model
        record.purpose = request.model?.purpose
        record.route = request.route
        record.execution = request.execution
        record.reason = reason
        record.evaluation = digest
        if permits { record.peerProof = peerProof?.encoded() }
        return record
    }

    /// The statement that puts it on record that what was contained passes again: with it the containment may be lifted.
    ///
    /// - Parameters:
    ///   - scope: what the evaluation was told to be recovering.
    /// - Returns: nil if something was not passed, or if there was no head to judge on.
    public func revalidation(of scope: Scope, nonce: [UInt8], expires: UInt64) -> DecisionRecord? {
        guard permits, let head else { return nil }
        var record = DecisionRecord(
            request: request.digest, nonce: nonce, head: head, expires: expires, outcome: .revalidate,
            access: request.access, reliesOn: reliesOn, grant: request.grant)
        record.scope = scope
        record.evaluation = digest
        return record
    }
}

extension StateKey {
    /// Whether a change of the value undoes a decision that read it.
    fileprivate var undoesDecisions: Bool {
        switch (try? CBOR(decoding: bytes))?.arrayValue?.first?.textValue {
        case "heartbeat", "telemetry", "uses", "stream", "streams", "peer", "execution", nil: false
        default: true
        }
    }
}
