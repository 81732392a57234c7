import ArgumentParser
import COSE
import Foundation
import Governance
import LogClient
import Tlog

struct PolicyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Show, draft, set, approve and check the log's policy.",
        discussion: """
            A policy takes effect when as many authorities as the one in force asks for have approved it:

              holdfast policy draft --max-permit 2m > next.json      (edit it as you like)
              holdfast policy lint next.json
              holdfast policy set next.json --key a.key              (the first authority)
              holdfast policy pending
              holdfast policy approve DIGEST --key b.key             (the others)
            """,
        subcommands: [
            PolicyShowCommand.self, PolicyDraftCommand.self, PolicyLintCommand.self, PolicySetCommand.self,
            PolicyPendingCommand.self, PolicyApproveCommand.self,
        ])
}

/// Reading a policy from a file of people's.
enum PolicyDocument {
    static func read(_ path: String) throws -> Policy {
        let bytes = try FileBytes.read(path, limit: 1 << 20)
        do {
            return try Policy(decoding: try JSON(parsing: bytes).cbor())
        } catch let error as JSONError {
            throw Failure(.usage, "\(path) is not JSON: \(error)")
        } catch {
            throw Failure(
                .usage, "\(path) is not a policy: \(Terminal.visible("\(error)"))",
                hint: "holdfast policy draft prints one that is ready to edit.")
        }
    }

    /// Lines that say what a policy changes.
    static func changes(from old: Policy, to new: Policy) -> [String] {
        JSONDifference.between(old.json, new.json).filter { $0.path != "previous" }.map { difference in
            func text(_ value: JSON?) -> String { value.map { Terminal.visible($0.text()) } ?? "" }
            switch (difference.old, difference.new) {
            case (_?, nil): return "- \(difference.path)  \(text(difference.old))"
            case (nil, _?): return "+ \(difference.path)  \(text(difference.new))"
            default: return "~ \(difference.path)  \(text(difference.old)) → \(text(difference.new))"
            }
        }
    }
}

struct PolicyShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show the policy in force, verified.",
        discussion: "  holdfast policy show --dir mylog")

    @OptionGroup var reading: ReadingOptions
    @OptionGroup var log: LogOptions

    func run() async throws {
        try await log.withClient { client in
            var session = try GovernanceSession(client: client, log: log, replays: reading.replay)
            let record = try await session.policy()
            let policy = record.policy
            if log.json {
                let whole = JSON.object([
                    JSONMember("digest", .string(policy.digest.hex)), JSONMember("index", JSON(record.index)),
                    JSONMember("policy", policy.json), JSONMember("verified", .bool(true)),
                ])
                return Terminal.output.line(whole.text())
            }
            show(policy, index: record.index)
        }
    }

    private func show(_ policy: Policy, index: UInt64) {
        let terminal = Terminal.output
        let rules = policy.rulesOfGovernance
        terminal.line("digest       \(policy.digest)")
        terminal.line("set by       entry \(index)")
        terminal.line("origin       \(Terminal.visible(policy.origin.text))")
        terminal.line("authorities  \(policy.threshold) of \(policy.authorities.count)")
        for key in policy.authorities { terminal.line("             \(COSEKey(key).thumbprint)") }
        terminal.line("issuers      \(policy.issuers.count) in the policy itself")
        for issuer in policy.issuers {
            let roles = issuer.roles.map(\.rawValue).joined(separator: ", ")
            terminal.line("             \(Terminal.visible(issuer.issuer))  \(roles.isEmpty ? "no role" : roles)")
        }
        terminal.line(
            "evidence     \(policy.contentTypes.isEmpty ? "none" : policy.contentTypes.joined(separator: ", "))")
        terminal.line("witnesses    \(policy.allowUnwitnessed ? "not needed (allowUnwitnessed)" : "needed")")
        terminal.line("lifters      \((["authority"] + rules.lifters.map(\.rawValue)).joined(separator: ", "))")
        terminal.line("permits      up to \(SpanArgument.text(rules.maxPermit))")
        terminal.line("leases       \(rules.maxLease == 0 ? "none" : "up to \(SpanArgument.text(rules.maxLease))")")
        terminal.line("max skew     \(SpanArgument.text(policy.limits.maxSkew))")
        let bounds = policy.boundsOfEvaluation
        terminal.line(
            "bounds       "
                + [
                    ("silence", bounds.maxSilence), ("attestation", bounds.maxAttestationAge),
                    ("telemetry", bounds.maxTelemetryAge), ("head", bounds.maxHeadAge), ("state", bounds.maxStateLag),
                    ("recheck", bounds.recheck), ("grace", bounds.grace),
                ].map { "\($0.0) \(SpanArgument.text($0.1))" }.joined(separator: ", "))
        terminal.line("\(terminal.styled("verified", .green))     in force in the state of the log's newest head")
    }
}

struct PolicyDraftCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "draft", abstract: "Print the policy in force as JSON, with 'previous' filled in, ready to edit.",
        discussion: """
            The options make the usual changes; what else is to be otherwise is edited in the file.

              holdfast policy draft --authority b.key.pub --authority c.key.pub --threshold 2 > next.json
            """)

    @Option(parsing: .singleValue, help: ArgumentHelp("Add an authority. Repeat for more.", valueName: "pubfile"))
    var authority: [String] = []

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("Take an authority away: its key file, or its thumbprint.", valueName: "key"))
    var withoutAuthority: [String] = []

    @Option(help: ArgumentHelp("How many authorities it takes.", valueName: "k"))
    var threshold: Int?

    @Option(help: ArgumentHelp("Whether heads without witnesses may be relied on.", valueName: "true|false"))
    var allowUnwitnessed: Bool?

    @Option(parsing: .singleValue, help: ArgumentHelp("Who may lift containments. Repeat for more.", valueName: "role"))
    var lifter: [Role] = []

    @Option(help: ArgumentHelp("How long a permit may stand.", valueName: "span"), transform: SpanArgument.parse)
    var maxPermit: SpanArgument?

    @Option(
        help: ArgumentHelp("How long a lease may stand; 0s for none.", valueName: "span"), transform: SpanArgument.parse
    )
    var maxLease: SpanArgument?

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "A bound of evaluation: maxSilence, maxAttestationAge, maxTelemetryAge, maxHeadAge, maxStateLag, recheck, "
                + "grace. Repeat for more.", valueName: "name=span"))
    var bound: [String] = []

    @Option(
        help: ArgumentHelp("How far a statement's time may be from its batch's.", valueName: "span"),
        transform: SpanArgument.parse)
    var maxSkew: SpanArgument?

    @OptionGroup var reading: ReadingOptions
    @OptionGroup var log: LogOptions

    func run() async throws {
        try await log.withClient { client in
            var session = try GovernanceSession(client: client, log: log, replays: reading.replay)
            let draft = try draft(from: try await session.policy().policy)
            Terminal.output.line(draft.json.text(log.json ? .compact : .pretty))
        }
    }

    private static var bounds: [String: WritableKeyPath<PolicyBounds, UInt64>] {
        [
            "maxSilence": \.maxSilence, "maxAttestationAge": \.maxAttestationAge, "maxTelemetryAge": \.maxTelemetryAge,
            "maxHeadAge": \.maxHeadAge, "maxStateLag": \.maxStateLag, "recheck": \.recheck, "grace": \.grace,
        ]
    }

    /// What is in force, with the bounds that were named. Defaults are written out, so that they can be edited.
    private func boundsChanged(_ policy: Policy) throws -> PolicyBounds {
        var bounds = policy.boundsOfEvaluation
        for text in bound {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, let path = Self.bounds[parts[0]] else {
                throw Failure(
                    .usage, "--bound takes NAME=SPAN, not \(Terminal.visible(text))",
                    hint: "Names: " + Self.bounds.keys.sorted().joined(separator: ", "))
            }
            do { bounds[keyPath: path] = try SpanArgument.parse(parts[1]).milliseconds } catch {
                throw Failure(.usage, "--bound \(Terminal.visible(text)): \(error)")
            }
        }
        return bounds
    }

    private func draft(from policy: Policy) throws -> Policy {
        let leaving = try withoutAuthority.map(KeyArgument.thumbprint)
        for keyID in leaving where !policy.authorities.contains(where: { COSEKey($0).thumbprint == keyID }) {
            throw Failure(.usage, "\(keyID) is no authority of the policy in force")
        }
        let staying = policy.authorities.filter { !leaving.contains(COSEKey($0).thumbprint) }
        var limits = policy.limits
        if let maxSkew { limits.maxSkew = maxSkew.milliseconds }
        var governance = policy.rulesOfGovernance
        if !lifter.isEmpty { governance.lifters = lifter }
        if let maxPermit { governance.maxPermit = maxPermit.milliseconds }
        if let maxLease { governance.maxLease = maxLease.milliseconds }
        do {
            return try Policy(
                origin: policy.origin, logKeys: policy.logKeys,
                authorities: staying + (try authority.map { try KeyFile.readPublic($0) }),
                threshold: threshold ?? policy.threshold, issuers: policy.issuers, contentTypes: policy.contentTypes,
                limits: limits, rates: policy.rates,
                allowUnwitnessed: allowUnwitnessed ?? policy.allowUnwitnessed, governance: governance,
                bounds: try boundsChanged(policy), previous: policy.digest)
        } catch let error as PolicyError {
            throw Failure(.usage, "This policy can't be: \(Terminal.visible("\(error)"))")
        }
    }
}

struct PolicySetCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Register a policy: the first approval of it, or one's own.",
        discussion: """
            Signed by an authority of the policy in force. With a threshold of 1 it is in force at once.

              holdfast policy set next.json --key authority.key
            """)

    @Argument(help: ArgumentHelp("The policy, in JSON: see 'holdfast policy draft'.", valueName: "file"))
    var file: String

    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        let policy = try PolicyDocument.read(file)
        let current = try await session.policy().policy
        guard policy.previous == current.digest else {
            throw Failure(
                .usage,
                "\(file) is to follow policy \(policy.previous?.hex ?? "none"), and the policy in force is "
                    + "\(current.digest)",
                hints: [
                    "Another policy was set since, or \"previous\" is missing.",
                    "Start from the policy in force: holdfast policy draft > next.json",
                ])
        }
        return try PolicyApproval.draft(policy, over: current, lint: !log.json)
    }
}

/// The approval of a policy, as a statement.
enum PolicyApproval {
    static func draft(_ policy: Policy, over current: Policy, lint: Bool) throws -> StatementDraft {
        guard policy.origin == current.origin, policy.logKeys == current.logKeys else {
            throw Failure(
                .usage, "The origin and the log's keys stay as they are, and this policy changes them",
                hint: "Start from the policy in force: holdfast policy draft > next.json")
        }
        if lint {
            let errors = Terminal.errors
            for line in PolicyDocument.changes(from: current, to: policy) { errors.line("  " + line) }
            for finding in PolicyLint(policy: policy).findings() where finding.severity == .error {
                errors.line(errors.styled("lint: ", .yellow) + finding.description)
            }
        }
        var draft = StatementDraft(policy: policy)
        draft.notes = [
            ("digest", policy.digest.hex), ("takes", "\(current.threshold) of \(current.authorities.count)"),
        ]
        return draft
    }
}

struct PolicyApproveCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve", abstract: "Approve a policy that another authority has registered.",
        discussion: """
            The digest says which: compare it with the one that you were told, and read what 'holdfast policy pending' \
            shows of it.

              holdfast policy approve 5e88… --key second-authority.key
            """)

    @Argument(help: ArgumentHelp("The digest of the policy.", valueName: "digest"), transform: HexArgument.digest)
    var digest: Hash

    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        let current = try await session.policy().policy
        if digest == current.digest {
            throw Failure(.refused, "Policy \(digest) is in force already")
        }
        let approvals = try await session.record(.approvals, ApprovalsRecord.self)?.approvals ?? [:]
        guard let approval = approvals.values.first(where: { $0.policy == digest }) else {
            throw Failure(
                .refused, "Nobody has registered a policy \(digest) that is still to be approved",
                hint: "holdfast policy pending shows those there are; holdfast policy set FILE registers one.")
        }
        return try PolicyApproval.draft(
            try await session.pendingPolicy(approval), over: current, lint: !log.json)
    }
}

struct PolicyPendingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pending",
        abstract: "Show policies, and ends of the log, that not enough authorities have approved yet.",
        discussion: "  holdfast policy pending --dir mylog")

    @OptionGroup var reading: ReadingOptions
    @OptionGroup var log: LogOptions

    func run() async throws {
        try await log.withClient { client in
            var session = try GovernanceSession(client: client, log: log, replays: reading.replay)
            let current = try await session.policy().policy
            let record = try await session.record(.approvals, ApprovalsRecord.self)
            let byPolicy = Dictionary(grouping: record?.approvals ?? [:]) { $0.value.policy }
            for (digest, approvals) in byPolicy.sorted(by: { $0.key.hex < $1.key.hex }) {
                guard let first = approvals.map(\.value).min(by: { $0.entry < $1.entry }) else { continue }
                let pending = try await session.pending(first)
                show(digest, pending, approvals.map { ($0.key, $0.value.entry) }.sorted { $0.1 < $1.1 }, current)
            }
            if byPolicy.isEmpty, !log.json { Terminal.output.line("Nothing waits for approvals.") }
        }
    }

    private func show(_ digest: Hash, _ pending: PendingApproval, _ approvals: [(Hash, UInt64)], _ current: Policy) {
        let (name, content): (String, JSON) =
            switch pending {
            case .policy(let policy): ("policy", policy.json)
            case .freeze(let freeze): ("freeze", JSON(freeze.cbor))
            }
        if log.json {
            let list = approvals.map { authority, entry -> JSON in
                ["authority": .string(authority.hex), "index": JSON(entry)]
            }
            let whole: JSON = [
                "digest": .string(digest.hex), "approvals": .array(list), "threshold": JSON(UInt64(current.threshold)),
                name: content,
            ]
            return Terminal.output.line(whole.text())
        }
        let terminal = Terminal.output
        terminal.line(
            "\(name) \(terminal.styled(digest.hex, .bold))  \(approvals.count) of \(current.threshold) approvals")
        for (authority, entry) in approvals { terminal.line("  approved by \(authority), entry \(entry)") }
        switch pending {
        case .policy(let policy):
            for line in PolicyDocument.changes(from: current, to: policy) { terminal.line("  " + line) }
        case .freeze(let freeze):
            terminal.line("  the end of the log; \(Terminal.visible(freeze.successor)) goes on")
            terminal.line("  its genesis is \(freeze.genesis)")
        }
    }
}

extension GovernanceSession {
    /// What an approval is of: the entry's, held to the digest that the state has.
    func pending(_ approval: ApprovalsRecord.Approval) async throws -> PendingApproval {
        let statement = try await entry(approval.entry)
        if let event = try? Event(decoding: statement.payload) {
            switch StatementType(rawValue: event.type) {
            case .policySet?:
                if let policy = try? Policy(decoding: event.data), policy.digest == approval.policy {
                    return .policy(policy)
                }
            case .logFreeze?:
                if let freeze = try? LogFreeze(event.data), freeze.digest == approval.policy { return .freeze(freeze) }
            default: break
            }
        }
        throw Failure(
            .refused, "Entry \(approval.entry) does not have \(approval.policy), which the state says it has")
    }

    /// The policy that an approval is of.
    func pendingPolicy(_ approval: ApprovalsRecord.Approval) async throws -> Policy {
        switch try await pending(approval) {
        case .policy(let policy): return policy
        case .freeze(let freeze):
            let (successor, genesis) = (Terminal.visible(freeze.successor), freeze.genesis)
            throw Failure(
                .refused, "\(approval.policy) is not a policy: it is the end of the log",
                hint: "To approve that: holdfast freeze --successor \(successor) --genesis \(genesis) --yes")
        }
    }
}

/// What authorities approve.
enum PendingApproval {
    case policy(Policy)
    case freeze(LogFreeze)
}
