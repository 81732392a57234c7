public import Foundation
internal import Governance
internal import LogClient
internal import Tlog
internal import Verification

/// A log's governance state under one verified head, computed here from all of the log's entries. It answers what a gate
/// would decide, and asks nobody.
///
/// ```swift
/// let state = try await log.governance()
/// let evaluation = try state.evaluate(
///     GateQuestion(
///         subject: "spiffe://example.org/agent", action: "read", resource: "inbox/7",
///         context: ["grant": "5891…", "policy": .text(state.policy)]))
/// for check in evaluation.failures { print(check.name, check.detail, check.mend) }
/// ```
///
/// What comes out is no permit: only a gate's is on record, and only it was held to the order of the log. It is for asking
/// beforehand what would stand in the way, and afterwards why something was decided.
public struct HoldfastState: Sendable {
    /// How many entries it is of.
    public let size: UInt64
    /// The root of their tree, in hex.
    public let root: String
    /// When its last batch was sealed, ms since 1970.
    public let time: UInt64
    /// The digest of the policy in force, in hex: what a request names.
    public let policy: String

    private let replayed: ReplayedState
    private let trust: TrustFile

    init(_ replayed: ReplayedState, trust: TrustFile) {
        self.replayed = replayed
        self.trust = trust
        size = replayed.head.treeHead.size
        root = replayed.head.treeHead.root.hex
        time = replayed.seal.time
        policy = replayed.rules.policy.digest.hex
    }

    /// The 24 checks and the ten steps up to the eighth, on this state. Pure: the same question at the same time has the
    /// same answer.
    ///
    /// - Parameters:
    ///   - question: as a gate is asked. Of the context `grant`, `policy`, `model`, `route`, `execution`, `parents`,
    ///     `telemetry` and `peer` are read (`spec/gate.md`).
    ///   - now: by which clock ages are judged.
    ///   - differingFiles: names of the model's files that are not as registered; nil if none were compared.
    /// - Throws: for a context that can't be read.
    public func evaluate(
        _ question: GateQuestion, at now: Date = Date(), differingFiles: [String]? = nil
    ) throws(HoldfastError) -> OfflineEvaluation {
        let request = try QuestionContext(question, home: replayed.rules.policy.origin.text).request()
        let milliseconds = UInt64(max(0, now.timeIntervalSince1970 * 1000))
        let evidence = Evidence(
            head: head(at: milliseconds), differingFiles: differingFiles, peer: request.peerEvidence)
        return OfflineEvaluation(
            Evaluator.evaluate(
                request, state: replayed.state, rules: replayed.rules, evidence: evidence, now: milliseconds))
    }

    /// What this reader has established about the head: quorum, seal, and that its own fold gives the seal's root. It was
    /// folded from the pinned genesis on, so it extends whatever was folded before.
    private func head(at now: UInt64) -> HeadEvidence {
        let sealed = HeadEvidence.Vouched.byNobody(sealed: replayed.seal.time)
        let latest = (now &+ replayed.rules.policy.limits.maxSkew) / 1000
        func vouched(_ head: VerifiedCheckpoint) -> HeadEvidence.Vouched? {
            head.quorum == .none ? sealed : head.headTime(notAfter: latest).map { .byQuorum(at: $0 * 1000) }
        }
        var stateWitnesses: HeadEvidence.Vouched?
        switch trust.stateQuorum {
        case nil, .some(.none): stateWitnesses = sealed
        case .some(let quorum):
            stateWitnesses = (try? trust.policy.verify(replayed.head.signed, quorum: quorum)).flatMap(vouched)
        }
        return HeadEvidence(
            head: replayed.head.treeHead, witnesses: vouched(replayed.head), extendsAccepted: true,
            sealRoot: replayed.seal.stateRoot, computedRoot: replayed.seal.stateRoot, stateWitnesses: stateWitnesses)
    }
}

extension HoldfastLog {
    /// Reads the whole log, verified under its newest head, and folds it: every admission and every seal is computed again.
    ///
    /// - Parameter progress: called with the number of entries that were folded, and that of all.
    public func governance(
        progress: @Sendable (_ done: UInt64, _ total: UInt64) -> Void = { _, _ in }
    ) async throws(HoldfastError) -> HoldfastState {
        do throws(ClientError) {
            return HoldfastState(try await client.replayedState(progress: progress), trust: trust)
        } catch {
            throw HoldfastError(error)
        }
    }
}

/// What an evaluation came to.
public struct OfflineEvaluation: Sendable, Hashable {
    /// Whether every check passed: a gate at this state and time would record a permit.
    public let isPermitted: Bool
    /// The containment reason of a refusal, such as `governance-mismatch`; nil if it is permitted.
    public let reason: String?
    /// What was checked, in the order of the ten steps.
    public let checks: [EvaluatedCheck]

    /// What did not pass.
    public var failures: [EvaluatedCheck] { checks.filter { !$0.isPassed } }

    init(_ decision: Decision) {
        isPermitted = decision.permits
        reason = decision.reason?.rawValue
        checks = decision.results.map(EvaluatedCheck.init)
    }
}

/// One check of an evaluation (`spec/evaluation.md`).
public struct EvaluatedCheck: Sendable, Hashable {
    /// Its number, such as `P4`; the name of the step for what the first two steps ask.
    public let name: String
    public let isPassed: Bool
    /// `passed`, `failed` or `not-evaluable`, which contains too.
    public let outcome: String
    /// What was found, with values.
    public let detail: String
    /// What would let it pass; empty if it did.
    public let mend: String
    /// The entries of the log that it rests on.
    public let entries: [UInt64]

    init(_ result: CheckResult) {
        name = result.check?.rawValue ?? result.step.name
        isPassed = result.outcome == .passed
        outcome = result.outcome.text
        detail = result.detail
        mend = result.mend
        entries = result.entries
    }
}

/// Reads a question's context, as a gate does.
private struct QuestionContext {
    let question: GateQuestion
    let home: String
    private let context: JSON

    init(_ question: GateQuestion, home: String) {
        self.question = question
        self.home = home
        context = question.context.json
    }

    func request() throws(HoldfastError) -> AccessRequest {
        var request = AccessRequest(
            access: Access(subject: question.subject, action: question.action, resource: question.resource),
            grant: try hash("grant", context["grant"]), policy: try hash("policy", context["policy"]),
            model: try model(), route: try text("route", context["route"]),
            execution: try context["execution"].map { value throws(HoldfastError) in try execution(value) },
            telemetry: try hash("telemetry", context["telemetry"]))
        for parent in context["parents"]?.arrayValue ?? [] { request.parents.append(try execution(parent)) }
        if let carried = try text("peer", context["peer"]) {
            request.peerEvidence =
                Base64.decode(carried).map { PeerEvidence(reading: $0) }
                ?? PeerEvidence(unreadable: "it is no base64 with padding")
        }
        return request
    }

    private func text(_ name: String, _ value: JSON?) throws(HoldfastError) -> String? {
        guard let value, !value.isNull else { return nil }
        guard let text = value.stringValue else {
            throw HoldfastError(code: "context", message: "\(name) in the context is no text")
        }
        return text
    }

    private func hash(_ name: String, _ value: JSON?) throws(HoldfastError) -> Hash? {
        guard let text = try text(name, value) else { return nil }
        guard let hash = Hash(hex: text) else {
            throw HoldfastError(code: "context", message: "\(name) in the context is not 64 hexadecimal digits")
        }
        return hash
    }

    private func model() throws(HoldfastError) -> AccessRequest.ModelUse? {
        guard let value = context["model"], !value.isNull else { return nil }
        guard let name = value["name"]?.stringValue, let version = value["version"]?.stringValue,
            let purpose = value["purpose"]?.stringValue
        else { throw HoldfastError(code: "context", message: "the model has no name, version and purpose") }
        return AccessRequest.ModelUse(
            model: ModelVersion(name: name, version: version), purpose: purpose,
            loaded: try hash("model.loaded", value["loaded"]))
    }

    private func execution(_ value: JSON) throws(HoldfastError) -> ExecutionID {
        if let id = value.stringValue { return ExecutionID(home: home, id: id) }
        guard let home = value["home"]?.stringValue, let id = value["id"]?.stringValue else {
            throw HoldfastError(
                code: "context", message: "an execution is neither an id nor an object with home and id")
        }
        return ExecutionID(home: home, id: id)
    }
}
