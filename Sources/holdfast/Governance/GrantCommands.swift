import ArgumentParser
import Governance
import LogClient
import Tlog

struct GrantCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "grant", abstract: "Say who may do what with what, and take it back.",
        discussion: "A grant is named by its id: the leaf hash of the statement that issued it.",
        subcommands: [
            GrantIssueCommand.self, GrantDelegateCommand.self, GrantRevokeCommand.self, GrantListCommand.self,
            GrantShowCommand.self,
        ])
}

/// What a grant allows, and when.
struct GrantArguments: ParsableArguments {
    @Argument(help: ArgumentHelp("The identity that may.", valueName: "subject"))
    var subject: String

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "What it may do; with * at the end, all that begins so. Repeat for more.", valueName: "text"),
        transform: PatternArgument.parse)
    var action: [GrantPattern] = []

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("With what; with * at the end, all that begins so. Repeat for more.", valueName: "text"),
        transform: PatternArgument.parse)
    var resource: [GrantPattern] = []

    @Option(
        help: ArgumentHelp("From when on (RFC 3339, or ms since 1970). Default: at once.", valueName: "time"),
        transform: TimeArgument.parse)
    var notBefore: TimeArgument?

    @Option(help: ArgumentHelp("Until when, inclusive.", valueName: "time"), transform: TimeArgument.parse)
    var notAfter: TimeArgument?

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp("How long from --not-before, or from now: 30m, 1h, 7d.", valueName: "span"),
        transform: SpanArgument.parsePositive)
    var duration: SpanArgument?

    @Option(help: ArgumentHelp("How many executions may be started under it. Default: any number.", valueName: "n"))
    var uses: UInt64?

    @Option(
        help: ArgumentHelp("Only with this version of a model.", valueName: "name@version"),
        transform: ModelArgument.parse)
    var model: ModelVersion?

    @Option(help: ArgumentHelp("Only by this route.", valueName: "name"))
    var route: String?

    @Option(help: ArgumentHelp("Allotted to this domain. Default: this one.", valueName: "origin"))
    var domain: String?

    @Option(help: ArgumentHelp("How many times over it may be handed on.", valueName: "n"))
    var delegations: UInt64 = 0

    func validate() throws {
        guard !action.isEmpty else { throw ValidationError("Name at least one --action, such as --action 'model.*'.") }
        guard !resource.isEmpty else { throw ValidationError("Name at least one --resource, such as --resource '*'.") }
        guard notAfter == nil || duration == nil else {
            throw ValidationError("--for and --not-after exclude each other.")
        }
        guard delegations <= GrantIssue.maxDelegations else {
            throw ValidationError("--delegations takes 0 to \(GrantIssue.maxDelegations).")
        }
        if let uses, uses == 0 { throw ValidationError("--uses takes 1 or more.") }
        if let notBefore, let notAfter, notAfter.milliseconds < notBefore.milliseconds {
            throw ValidationError("--not-after is before --not-before: the grant would never be in force.")
        }
    }

    func grant(parent: Hash?, now: UInt64) throws -> GrantIssue {
        var end = notAfter?.milliseconds
        if let duration {
            let (sum, overflow) = (notBefore?.milliseconds ?? now).addingReportingOverflow(duration.milliseconds)
            guard !overflow else { throw Failure(.usage, "--for is longer than can be counted in ms") }
            end = sum
        }
        return GrantIssue(
            subject: subject, actions: action, resources: resource,
            conditions: GrantConditions(
                notBefore: notBefore?.milliseconds, notAfter: end, uses: uses, model: model, route: route,
                domain: domain),
            delegations: delegations, parent: parent)
    }

    func draft(parent: Hash?, _ session: inout GovernanceSession) async throws -> StatementDraft {
        let now = Moment.now()
        let grant = try grant(parent: parent, now: now)
        if let end = grant.conditions.notAfter, end < now {
            throw Failure(
                .usage, "The grant's time ended at \(Moment.text(end)): nobody could use it",
                hint: "See --for, --not-before and --not-after.")
        }
        var draft = StatementDraft(grant, about: subject)
        if let end = grant.conditions.notAfter { draft.notes.append(("until", Moment.text(end))) }
        draft.idName = "grant"
        draft.warnings = try await warnings(&session)
        return draft
    }

    /// What keeps the grant from being used, as things are now.
    private func warnings(_ session: inout GovernanceSession) async throws -> [String] {
        var warnings: [String] = []
        let isHere = domain == nil || domain == session.origin.text
        if isHere, route == nil, try await !session.isEnrolled(subject) {
            warnings.append("nobody is enrolled as \(Terminal.visible(subject)), so nobody can use this grant yet")
        }
        if let model, try await session.record(.model(model), ModelRecord.self)?.status != .approved {
            warnings.append(
                "\(Terminal.visible(ModelArgument.text(model))) is not approved, so this grant can't be used yet")
        }
        if let route, try await session.record(.route(route), RouteRecord.self)?.phase != .activated {
            warnings.append("route \(Terminal.visible(route)) is not open, so this grant can't be used yet")
        }
        return warnings
    }
}

struct GrantIssueCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "issue", abstract: "Let an identity do something.",
        discussion: """
            Signed by an authority or an operator.

              holdfast grant issue spiffe://example.com/agent --action answer --resource 'tickets/*' --for 1h --uses 10
            """)

    @OptionGroup var grant: GrantArguments
    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        try await grant.draft(parent: nil, &session)
    }
}

struct GrantDelegateCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "delegate", abstract: "Hand on what was granted to oneself, narrower in something or the same.",
        discussion: """
            Signed by the subject of the grant that is handed on. What that grant sets as a condition has to stand in \
            the new one too: its window within, its uses at most, the same model, route and domain.

              holdfast grant delegate 5e88… spiffe://example.com/helper --action answer --resource tickets/7 \
            --for 10m --key agent.key
            """)

    @Argument(
        help: ArgumentHelp("The grant that is handed on: its id, its entry's index, or a file.", valueName: "grant"))
    var parent: String

    @OptionGroup var grant: GrantArguments
    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        let parent = try await session.statementID(parent)
        return try await grant.draft(parent: parent, &session)
    }
}

struct GrantRevokeCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "End a grant, and all that was handed on from it.",
        discussion: """
            Signed by who issued it, an operator or an authority.

              holdfast grant revoke 5e88… --reason 'the task is done'
            """)

    @Argument(help: ArgumentHelp("Its id, its entry's index, or a file with its statement.", valueName: "grant"))
    var grant: String

    @Option(help: "Why, for people.")
    var reason: String

    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        let id = try await session.statementID(grant)
        return StatementDraft(GrantRevoke(grant: id, reason: reason), about: id.hex)
    }
}
