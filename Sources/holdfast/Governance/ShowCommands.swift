import ArgumentParser
import COSE
import Governance
import LogClient
import Tlog

/// A command that shows records of the state, each verified.
protocol StateShowCommand: AsyncParsableCommand {
    var reading: ReadingOptions { get }
    var log: LogOptions { get }
    /// The keys of what is shown, the first of which has to be there.
    func keys(_ session: inout GovernanceSession) async throws -> [StateKey]
    /// What it is, for the message that there is none.
    var what: String { get }
}

extension StateShowCommand {
    func run() async throws {
        try await log.withClient { client in
            var session = try GovernanceSession(client: client, log: log, replays: reading.replay)
            var records: [JSON] = []
            for (position, key) in try await keys(&session).enumerated() {
                guard let value = try await session.bytes(key) else {
                    if position == 0 { throw Failure(.refused, "The log has no \(Terminal.visible(what))") }
                    continue
                }
                records.append(try RecordView.json(key, value))
            }
            guard !records.isEmpty else { throw Failure(.refused, "The log has no \(Terminal.visible(what))") }
            for record in records { show(record) }
        }
    }

    private func show(_ record: JSON) {
        if log.json {
            let members = (record.objectValue ?? []) + [JSONMember("verified", .bool(true))]
            return Terminal.output.line(JSON.object(members).text())
        }
        let terminal = Terminal.output
        terminal.line(terminal.styled(record["stateKey"]?.cell ?? "", .bold))
        for (name, text) in Self.lines(record, "") where name != "stateKey" {
            terminal.line("  \(Columns.padded(name, 28))  \(text)")
        }
        terminal.line("  \(terminal.styled("verified", .green))")
    }

    /// The members by their paths.
    private static func lines(_ value: JSON, _ path: String) -> [(String, String)] {
        guard case .object(let members) = value else { return [(path, text(value, path))] }
        return members.flatMap { member in
            lines(member.value, path.isEmpty ? member.name : "\(path).\(member.name)")
        }
    }
}

extension StateShowCommand {
    /// Times as people read them.
    private static func text(_ value: JSON, _ path: String) -> String {
        let times = ["expires", "notBefore", "notAfter", "time", "headTime", "from", "until"]
        guard let name = path.split(separator: ".").last, times.contains(String(name)), let time = value.unsignedValue,
            time > 0
        else { return value.cell }
        return Moment.text(time)
    }
}

struct IdentityShowCommand: StateShowCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show an identity: its keys, and what is known of it as a runtime, verified.",
        discussion: "  holdfast identity show spiffe://example.com/agent")

    @Argument(help: ArgumentHelp("The identity.", valueName: "uri"))
    var identity: String

    @OptionGroup var reading: ReadingOptions
    @OptionGroup var log: LogOptions

    var what: String { "identity \(identity)" }

    func keys(_ session: inout GovernanceSession) async throws -> [StateKey] {
        let mine = try await session.items(.identity).filter { $0["issuer"]?.stringValue == identity }
        let keys = mine.compactMap { $0["keyID"]?.stringValue.flatMap { Hash(hex: $0) } }
        guard !keys.isEmpty else { throw Failure(.refused, "The log has no \(Terminal.visible(what))") }
        return keys.map { .identity(issuer: identity, keyID: $0) } + [
            .attestation(identity), .heartbeat(identity), .telemetry(identity), .containment(.runtime(identity)),
        ]
    }
}

struct GrantShowCommand: StateShowCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a grant, its uses, and what it was handed on from, verified.",
        discussion: "  holdfast grant show 5e88…")

    @Argument(help: ArgumentHelp("Its id, its entry's index, or a file with its statement.", valueName: "grant"))
    var grant: String

    @OptionGroup var reading: ReadingOptions
    @OptionGroup var log: LogOptions

    var what: String { "grant \(grant)" }

    func keys(_ session: inout GovernanceSession) async throws -> [StateKey] {
        let id = try await session.statementID(grant)
        var keys: [StateKey] = [.grant(id), .uses(id)]
        var next = try await session.record(.grant(id), GrantRecord.self)?.grant.parent
        while let parent = next {
            keys += [.grant(parent), .uses(parent)]
            next = try await session.record(.grant(parent), GrantRecord.self)?.grant.parent
        }
        return keys
    }
}

struct ModelShowCommand: StateShowCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a version of a model, verified.",
        discussion: "  holdfast model show sorter@1.2")

    @Argument(help: ArgumentHelp("The version.", valueName: "name@version"), transform: ModelArgument.parse)
    var model: ModelVersion

    @OptionGroup var reading: ReadingOptions
    @OptionGroup var log: LogOptions

    var what: String { "model \(ModelArgument.text(model))" }

    func keys(_ session: inout GovernanceSession) async throws -> [StateKey] {
        [.model(model), .containment(.model(model))]
    }
}

struct ExecutionShowCommand: StateShowCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show an execution and what it was started under, verified.",
        discussion: "  holdfast execution show run-7")

    @OptionGroup var execution: ExecutionArguments
    @OptionGroup var reading: ReadingOptions
    @OptionGroup var log: LogOptions

    var what: String { "execution \(execution.id)" }

    func keys(_ session: inout GovernanceSession) async throws -> [StateKey] {
        let id = execution.execution(in: session.origin.text)
        let record = try await session.execution(id)
        let permission: StateKey =
            switch record.start.permission {
            case .permit(let nonce): .decision(nonce)
            case .lease(let lease): .lease(lease)
            }
        return [.execution(id), permission, .containment(.execution(id))]
    }
}

struct DecisionShowCommand: StateShowCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a decision, and whether a permit was used, verified.",
        discussion: "  holdfast decision show 0123…")

    @Argument(help: ArgumentHelp("Its nonce.", valueName: "hex"), transform: HexArgument.nonce)
    var nonce: [UInt8]

    @OptionGroup var reading: ReadingOptions
    @OptionGroup var log: LogOptions

    var what: String { "decision \(Hex.encode(nonce))" }

    func keys(_ session: inout GovernanceSession) async throws -> [StateKey] { [.decision(nonce)] }
}

struct LeaseShowCommand: StateShowCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a lease, verified.", discussion: "  holdfast lease show 5e88…")

    @Argument(help: ArgumentHelp("Its id, its entry's index, or a file with its statement.", valueName: "lease"))
    var lease: String

    @OptionGroup var reading: ReadingOptions
    @OptionGroup var log: LogOptions

    var what: String { "lease \(lease)" }

    func keys(_ session: inout GovernanceSession) async throws -> [StateKey] {
        [.lease(try await session.statementID(lease))]
    }
}

struct ContainmentShowCommand: StateShowCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show whether something is contained, or was, verified.",
        discussion: """
            What was never contained has no record: exit status 1. A proof of that to keep is written by \
            holdfast prove --state containment/KIND/NAME.

              holdfast containment show runtime spiffe://example.com/agent
            """)

    @OptionGroup var scope: ScopeArguments
    @OptionGroup var reading: ReadingOptions
    @OptionGroup var log: LogOptions

    var what: String { "containment of \(scope.kind.rawValue) \(scope.name)" }

    func keys(_ session: inout GovernanceSession) async throws -> [StateKey] {
        [.containment(try scope.scope(in: session.origin.text))]
    }
}

struct PeerShowCommand: StateShowCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a peer, its newest recorded head, and whether it is contained, verified.",
        discussion: "  holdfast peer show log.example.org/other")

    @Argument(help: ArgumentHelp("The peer.", valueName: "origin"))
    var origin: String

    @OptionGroup var reading: ReadingOptions
    @OptionGroup var log: LogOptions

    var what: String { "peer \(origin)" }

    func keys(_ session: inout GovernanceSession) async throws -> [StateKey] {
        [.peer(origin), .containment(.domain(origin))]
    }
}

struct RouteShowCommand: StateShowCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a route, and whether it is contained, verified.",
        discussion: "  holdfast route show east")

    @Argument(help: ArgumentHelp("The route's name.", valueName: "name"))
    var route: String

    @OptionGroup var reading: ReadingOptions
    @OptionGroup var log: LogOptions

    var what: String { "route \(route)" }

    func keys(_ session: inout GovernanceSession) async throws -> [StateKey] {
        [.route(route), .containment(.route(route))]
    }
}
