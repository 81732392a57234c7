import ArgumentParser
import COSE
import Governance
import LogClient
import Tlog

struct DecisionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decision", abstract: "Record what a gate decided: permit, contain, or revalidate.",
        discussion: """
            Signed by a gate's key (--key). The statement names the newest published head and the state that it rests \
            on; the log refuses it if any of that moved since. These commands record a decision; they don't make it.
            """,
        subcommands: [
            DecisionPermitCommand.self, DecisionContainCommand.self, DecisionRevalidateCommand.self,
            DecisionShowCommand.self,
        ])
}

/// What every decision has.
struct DecisionArguments: ParsableArguments {
    @Option(
        name: .customLong("for"),
        help: ArgumentHelp("How long it stands: the policy's maxPermit at most for a permit.", valueName: "span"),
        transform: SpanArgument.parsePositive)
    var duration: SpanArgument?

    @Option(help: ArgumentHelp("The request that was decided on: its SHA-256 is registered.", valueName: "file"))
    var request: String?

    @Option(
        help: ArgumentHelp(
            "The digest of the request. Default: that of what the options ask for, in deterministic CBOR.",
            valueName: "hex"), transform: HexArgument.digest)
    var requestDigest: Hash?

    @Option(help: ArgumentHelp("The whole evaluation: its SHA-256 is registered.", valueName: "file"))
    var evaluation: String?

    @Option(help: ArgumentHelp("Its SHA-256, in the place of a file.", valueName: "hex"), transform: HexArgument.digest)
    var evaluationDigest: Hash?

    @Option(
        help: ArgumentHelp("16 to 32 bytes that no decision had. Default: random.", valueName: "hex"),
        transform: HexArgument.nonce)
    var nonce: [UInt8]?

    /// Without an expiry of one's own: a minute, or as long as the policy allows if that is less.
    func expiry(_ longest: UInt64, now: UInt64) -> UInt64 {
        let (end, overflow) = now.addingReportingOverflow(duration?.milliseconds ?? min(60_000, longest))
        return overflow ? .max : end
    }

    func decision(
        _ outcome: DecisionOutcome, _ access: Access, asked: CBOR, expires: UInt64, head: TreeHead
    ) throws -> DecisionRecord {
        var random = SystemRandomNumberGenerator()
        let fresh = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        let digest = try DigestOption.digest(request, requestDigest, "request") ?? Hash.sha256(asked.encoded())
        var decision = DecisionRecord(
            request: digest, nonce: nonce ?? fresh, head: head, expires: expires, outcome: outcome, access: access)
        decision.evaluation = try DigestOption.digest(evaluation, evaluationDigest, "evaluation")
        return decision
    }

    static func draft(_ decision: DecisionRecord) -> StatementDraft {
        var draft = StatementDraft(decision, about: decision.access.subject)
        draft.notes = [
            ("nonce", Hex.encode(decision.nonce)), ("until", Moment.text(decision.expires)),
            ("head", "\(decision.head.size)"),
        ]
        return draft
    }
}

/// Who asks to do what with what.
struct AccessArguments: ParsableArguments {
    @Option(help: ArgumentHelp("Who asks.", valueName: "uri"))
    var subject: String

    @Option(help: ArgumentHelp("What it wants to do.", valueName: "text"))
    var action: String

    @Option(help: ArgumentHelp("With what.", valueName: "text"))
    var resource: String

    var access: Access { Access(subject: subject, action: action, resource: resource) }
}

struct DecisionPermitCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "permit", abstract: "Permit one execution; its start names the nonce.",
        discussion: """
              holdfast decision permit --subject spiffe://example.com/agent --action answer --resource tickets/7 \
            --grant 5e88… --model sorter@1.2 --purpose support --for 2m --key gate.key
            """)

    @OptionGroup var access: AccessArguments

    @Option(help: ArgumentHelp("The grant that covers it: id, index or file.", valueName: "grant"))
    var grant: String

    @Option(help: ArgumentHelp("The model that is used.", valueName: "name@version"), transform: ModelArgument.parse)
    var model: ModelVersion?

    @Option(help: ArgumentHelp("What the model is used for.", valueName: "text"))
    var purpose: String?

    @Option(help: ArgumentHelp("The route that it goes by.", valueName: "name"))
    var route: String?

    @Option(help: ArgumentHelp("The id of the execution, if it may be no other.", valueName: "id"))
    var execution: String?

    @OptionGroup var decision: DecisionArguments
    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func validate() throws {
        guard (model == nil) == (purpose == nil) else { throw ValidationError("--model and --purpose go together.") }
    }

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        // The head first: what changes while the state is read is then found by the log, and refused.
        let head = try await session.head()
        let grant = try await session.statementID(grant)
        let policy = try await session.policy().policy
        let access = access.access
        let execution = execution.map { ExecutionID(home: session.origin.text, id: $0) }
        var asked: CBORMap = [
            "subject": .text(access.subject), "action": .text(access.action), "resource": .text(access.resource),
        ]
        asked["model"] = model?.cbor
        asked["purpose"] = purpose.map { .text($0) }
        asked["route"] = route.map { .text($0) }
        asked["execution"] = execution?.cbor
        var record = try decision.decision(
            .permit, access, asked: .map(asked),
            expires: decision.expiry(policy.rulesOfGovernance.maxPermit, now: Moment.now()), head: head)
        record.grant = grant
        record.model = model
        record.purpose = purpose
        record.route = route
        record.execution = execution
        record.reliesOn = try await reliesOn(grant, execution, &session)
        return DecisionArguments.draft(record)
    }

    /// The policy, the grant with all that it comes from, and what else could forbid it.
    private func reliesOn(
        _ grant: Hash, _ execution: ExecutionID?, _ session: inout GovernanceSession
    ) async throws -> [StateKey] {
        var keys: [StateKey] = [.policy]
        var next: Hash? = grant
        while let id = next {
            guard let record = try await session.record(.grant(id), GrantRecord.self) else {
                throw Failure(
                    .refused, "The log has no grant \(id)", hint: "holdfast grant list shows those there are.")
            }
            keys.append(.grant(id))
            next = record.grant.parent
        }
        keys += [.containment(.domain(session.origin.text)), .containment(.runtime(access.subject))]
        if let model { keys += [.model(model), .containment(.model(model))] }
        if let route { keys += [.route(route), .containment(.route(route))] }
        if let execution { keys.append(.containment(.execution(execution))) }
        return keys
    }
}

struct DecisionContainCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "contain", abstract: "Refuse a request, or say that a running execution drifted.",
        discussion: """
              holdfast decision contain --subject spiffe://example.com/agent --action answer --resource tickets/7 \
            --reason governance-mismatch --key gate.key
            """)

    @OptionGroup var access: AccessArguments

    @Option(help: "Why: one of the reasons of spec/governance.md.")
    var reason: ContainmentReason

    @Option(help: ArgumentHelp("The execution that it is about; one that runs has drifted then.", valueName: "id"))
    var execution: String?

    @OptionGroup var decision: DecisionArguments
    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        let access = access.access
        var record = try decision.decision(
            .contain, access, asked: [.text(access.subject), .text(access.action), .text(access.resource)],
            expires: decision.expiry(60_000, now: Moment.now()), head: try await session.head())
        record.reason = reason
        record.execution = execution.map { ExecutionID(home: session.origin.text, id: $0) }
        return DecisionArguments.draft(record)
    }
}

struct DecisionRevalidateCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "revalidate", abstract: "Say that the checks of what is contained and recovering pass again.",
        discussion: "  holdfast decision revalidate runtime spiffe://example.com/agent --key gate.key")

    @OptionGroup var scope: ScopeArguments
    @OptionGroup var decision: DecisionArguments
    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        let scope = try scope.scope(in: session.origin.text)
        let gate = try await session.signer(.decisionRecord).name
        var subject = gate
        if case .runtime(let runtime) = scope { subject = runtime }
        let access = Access(subject: subject, action: "revalidate", resource: scope.parts.joined(separator: " "))
        var record = try decision.decision(
            .revalidate, access, asked: scope.cbor, expires: decision.expiry(60_000, now: Moment.now()),
            head: try await session.head())
        record.scope = scope
        record.reliesOn = [.containment(scope)]
        return DecisionArguments.draft(record)
    }
}

struct LeaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lease", abstract: "Permit any number of executions for a time, where the policy has leases.",
        subcommands: [LeaseIssueCommand.self, LeaseShowCommand.self])
}

struct LeaseIssueCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "issue", abstract: "Issue a lease; starts of executions name its id.",
        discussion: """
              holdfast lease issue --subject spiffe://example.com/agent --action answer --resource tickets/7 \
            --grant 5e88… --for 5m --key gate.key
            """)

    @OptionGroup var access: AccessArguments

    @Option(
        help: ArgumentHelp("The grant that covers it, without counted uses: id, index or file.", valueName: "grant"))
    var grant: String

    @Option(
        name: .customLong("for"), help: ArgumentHelp("How long: the policy's maxLease at most.", valueName: "span"),
        transform: SpanArgument.parsePositive)
    var duration: SpanArgument

    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        let (end, overflow) = Moment.now().addingReportingOverflow(duration.milliseconds)
        let lease = LeaseRecord(
            access: access.access, grant: try await session.statementID(grant), expires: overflow ? .max : end)
        var draft = StatementDraft(lease, about: access.subject)
        draft.notes = [("until", Moment.text(lease.expires))]
        draft.idName = "lease"
        return draft
    }
}
