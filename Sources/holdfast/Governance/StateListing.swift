import ArgumentParser
import COSE
import Governance
import LogClient
import Tlog

/// Where what is shown comes from.
struct ReadingOptions: ParsableArguments {
    @Flag(help: "Derive the state from all of the log's entries, in the place of asking the server for it.")
    var replay = false
}

/// The lists of the state.
enum StateListing: String {
    case identity, grant, model, execution, containment, peer, route

    /// The resource of the server.
    var path: String {
        switch self {
        case .identity: "identities"
        default: rawValue + "s"
        }
    }

    struct Column {
        let title: String
        let text: (JSON) -> String

        init(_ title: String, _ text: @escaping (JSON) -> String) {
            self.title = title
            self.text = text
        }

        init(_ title: String, _ path: String) {
            self.init(title) { $0.at(path)?.cell ?? "" }
        }

        static func time(_ title: String, _ path: String) -> Column {
            Column(title) { item in
                item.at(path)?.unsignedValue.map { $0 == 0 ? "" : Moment.text($0) } ?? ""
            }
        }
    }

    var columns: [Column] {
        switch self {
        case .identity:
            [
                Column("ISSUER", "issuer"), Column("ROLES", "roles"),
                Column("STATE") { $0["ending"]?.cell ?? "in force" }, Column("KEY", "keyID"),
                Column("ENTRY", "index"),
            ]
        case .grant:
            [
                Column("GRANT", "hash"), Column("SUBJECT", "grant.subject"), Column("ACTIONS", "grant.actions"),
                Column("RESOURCES", "grant.resources"), .time("UNTIL", "grant.conditions.notAfter"),
                Column("USES", Self.uses), Column("STATE", Self.grantState), Column("ENTRY", "index"),
            ]
        case .model:
            [
                Column("MODEL") { "\($0["name"]?.cell ?? "")@\($0["version"]?.cell ?? "")" },
                Column("STATUS", "status"), Column("ACTIONS", "scope.actions"), Column("PURPOSES", "scope.purposes"),
                Column("DIGEST", "digest"), Column("ENTRY", "index"),
            ]
        case .execution:
            [
                Column("EXECUTION", "start.execution.id"), Column("PHASE", "phase"), Column("STEPS", "steps"),
                Column("OUTCOME", "outcome"), Column("SUBJECT", "subject"), Column("ENTRY", "index"),
            ]
        case .containment:
            [
                Column("SCOPE") { $0["scope"]?.arrayValue?.map(\.cell).joined(separator: " ") ?? "" },
                Column("PHASE") {
                    $0["phase"]?.stringValue == Phase.baseline.rawValue ? "lifted" : $0["phase"]?.cell ?? ""
                },
                Column("REASON", "reason"), Column("ENTRY", "index"),
            ]
        case .peer:
            [
                Column("PEER", "peer.origin"), Column("HEAD", "head.size"), .time("RECORDED", "headTime"),
                Column("STATE") { $0["expelled"]?.boolValue == true ? "expelled" : "admitted" },
                Column("ENTRY", "index"),
            ]
        case .route:
            [
                Column("ROUTE", "route.route"), Column("FROM", "route.from"), Column("TO", "route.to"),
                Column("ACTIONS", "route.actions"),
                Column("STATE") { $0["phase"]?.stringValue == Phase.activated.rawValue ? "open" : "closed" },
                Column("ENTRY", "index"),
            ]
        }
    }

    private static func uses(_ item: JSON) -> String {
        guard let all = item.at("grant.conditions.uses")?.cell else { return "" }
        return item["remainingUses"].map { $0.isNull ? all : "\($0.cell) of \(all) left" } ?? all
    }

    private static func grantState(_ item: JSON) -> String {
        if item["revoked"]?.boolValue == true { return "revoked" }
        guard item["inForce"]?.boolValue == false else { return "" }
        return item["notInForce"]?.arrayValue?.compactMap { $0["rule"]?.stringValue }.joined(separator: ", ") ?? ""
    }
}

extension GovernanceSession {
    /// The records of a list: from the server, or derived.
    mutating func items(_ listing: StateListing) async throws -> [JSON] {
        if !replays, let items = try await client.unverifiedList(listing.path) { return items }
        return try await derived(listing)
    }

    private mutating func derived(_ listing: StateListing) async throws -> [JSON] {
        let values = try await replay().state.values.filter { $0.key.kind == listing.rawValue }
        return try values.sorted { $0.key < $1.key }.map { try RecordView.json($0.key, $0.value) }
    }
}

/// A command that shows a list of the state.
protocol StateListCommand: AsyncParsableCommand {
    static var listing: StateListing { get }
    var reading: ReadingOptions { get }
    var log: LogOptions { get }
}

extension StateListCommand {
    func run() async throws {
        try await log.withClient { client in
            var session = try GovernanceSession(client: client, log: log, replays: reading.replay)
            let items = try await session.items(Self.listing)
            if log.json {
                for item in items { Terminal.output.line(item.text()) }
                return
            }
            guard !items.isEmpty else { return Terminal.output.line("There are none.") }
            let columns = Self.listing.columns
            var table = Table(columns.map(\.title))
            for item in items { table.add(columns.map { $0.text(item) }) }
            table.show(on: .output)
        }
    }

    static func listConfiguration(_ what: String) -> CommandConfiguration {
        CommandConfiguration(
            commandName: "list", abstract: "List \(what).",
            discussion: """
                As the log's server says, at its newest published size; with --replay derived from the log's entries. \
                With --json one object a line.
                """)
    }
}

struct IdentityListCommand: StateListCommand {
    static let listing = StateListing.identity
    static let configuration = Self.listConfiguration("identities, with every key that they have or had")
    @OptionGroup var reading: ReadingOptions
    @OptionGroup var log: LogOptions
}

struct GrantListCommand: StateListCommand {
    static let listing = StateListing.grant
    static let configuration = Self.listConfiguration("grants")
    @OptionGroup var reading: ReadingOptions
    @OptionGroup var log: LogOptions
}

struct ModelListCommand: StateListCommand {
    static let listing = StateListing.model
    static let configuration = Self.listConfiguration("versions of models")
    @OptionGroup var reading: ReadingOptions
    @OptionGroup var log: LogOptions
}

struct ExecutionListCommand: StateListCommand {
    static let listing = StateListing.execution
    static let configuration = Self.listConfiguration("executions")
    @OptionGroup var reading: ReadingOptions
    @OptionGroup var log: LogOptions
}

struct ContainmentListCommand: StateListCommand {
    static let listing = StateListing.containment
    static let configuration = Self.listConfiguration("what is contained, or was")
    @OptionGroup var reading: ReadingOptions
    @OptionGroup var log: LogOptions
}

struct PeerListCommand: StateListCommand {
    static let listing = StateListing.peer
    static let configuration = Self.listConfiguration("peers and their newest recorded heads")
    @OptionGroup var reading: ReadingOptions
    @OptionGroup var log: LogOptions
}

struct RouteListCommand: StateListCommand {
    static let listing = StateListing.route
    static let configuration = Self.listConfiguration("routes")
    @OptionGroup var reading: ReadingOptions
    @OptionGroup var log: LogOptions
}
