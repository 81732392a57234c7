import ArgumentParser
import COSE
import Governance
import LogClient
import Tlog
import Verification

struct PeerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peer", abstract: "Admit other domains' logs, and record their heads.",
        subcommands: [
            PeerAdmitCommand.self, PeerHeadCommand.self, PeerEvidenceCommand.self, PeerExpelCommand.self,
            PeerListCommand.self, PeerShowCommand.self,
        ])
}

struct PeerAdmitCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "admit", abstract: "Admit another domain's log, by its trust file.",
        discussion: """
            Signed by an authority or an operator. The key of the peer's log, its witnesses, their quorum and its \
            genesis are those of the trust file: get it from the peer's operator, not from the peer's server. It can't \
            be changed later.

              holdfast peer admit other.trust
            """)

    @Argument(help: ArgumentHelp("The peer's trust file.", valueName: "file"))
    var peerTrust: String

    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        let trust: TrustFile
        do {
            trust = try TrustFile(parsing: try FileBytes.read(peerTrust, limit: 1 << 20))
        } catch let error as TrustFileError {
            throw Failure(.usage, "\(peerTrust) is not a trust file that can be used: \(error)")
        }
        guard let genesis = trust.genesis, trust.policy.logs.count == 1, let peer = trust.policy.logs.first else {
            throw Failure(
                .usage, "\(peerTrust) does not pin the genesis of one log",
                hint: "It needs one 'log' line and a 'genesis' line: log.trust in the directory of the peer's log.")
        }
        let origin = peer.key.name.text
        let admit = PeerAdmit(
            origin: origin, policy: Self.policyLines(of: trust), genesis: genesis.leafHash,
            stateQuorum: trust.stateQuorum.flatMap(Self.name(of:)))
        var draft = StatementDraft(admit, about: origin)
        draft.notes = [
            ("origin", origin), ("genesis", genesis.leafHash.hex),
            ("state", admit.stateQuorum ?? "nobody vouches for it"),
        ]
        return draft
    }

    private static func name(of quorum: TlogPolicy.Quorum) -> String? {
        guard case .name(let name) = quorum else { return nil }
        return name.description
    }

    /// The lines of the file that a tlog-policy has.
    private static func policyLines(of trust: TrustFile) -> String {
        let keywords = ["log", "witness", "group", "quorum"]
        return String(decoding: trust.bytes, as: UTF8.self).split(separator: "\n").filter { line in
            keywords.contains { line.hasPrefix($0 + " ") }
        }.joined(separator: "\n") + "\n"
    }
}

struct PeerHeadCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "head", abstract: "Fetch a peer's newest head, prove that it extends the recorded one, record it.",
        discussion: """
            Signed by an operator, a gate or an observer. The checkpoint has to satisfy the quorum that the peer was \
            admitted with; the proof is computed from the peer's tiles. State witnesses cosign a head some time after it \
            is published: where the peer was admitted with a state quorum, they are waited for, because without them \
            nothing of the peer's state is honoured under this head.

              holdfast peer head log.example.org/other --peer-url https://log.example.org
            """)

    @Argument(help: ArgumentHelp("The peer.", valueName: "origin"))
    var origin: String

    @Option(
        help: ArgumentHelp("How long to wait for the peer's state witnesses.", valueName: "seconds"))
    var wait = 30

    @OptionGroup var peer: PeerAddress
    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func validate() throws {
        guard (0...3600).contains(wait) else { throw ValidationError("--wait takes 0 to 3600 seconds, not \(wait).") }
    }

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        let record = try await PeerAddress.record(of: origin, &session)
        return try await peer.withClient(of: record, timeout: log.timeout) { client in
            try await head(of: client, record)
        }
    }

    /// The newest checkpoint; where the peer's state witnesses matter, one that they have cosigned, if one comes in time.
    private func view(_ client: LogClient, _ record: PeerRecord) async throws -> (view: LogView, isVouched: Bool) {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(wait)
        while true {
            let view = try await client.view()
            guard let name = record.peer.stateQuorum,
                let quorum = client.trust.policy.quorum(named: TlogPolicy.Name(name.utf8))
            else { return (view, false) }
            if (try? client.trust.policy.verify(view.head.signed, quorum: quorum)) != nil { return (view, true) }
            guard clock.now < end else { return (view, false) }
            try await Task.sleep(for: .milliseconds(250))
        }
    }

    private func head(of client: LogClient, _ record: PeerRecord) async throws -> StatementDraft {
        let old = record.head
        var (view, isVouched) = try await view(client, record)
        let head = view.head.treeHead
        guard head.size >= old.size else {
            throw Failure(
                .refused, "The peer shows \(head.size) entries, and a head of \(old.size) is recorded",
                hint: "It shows an old head, or another history. Keep what it answered, and ask its operator.")
        }
        let path = old.size == 0 || old.size == head.size ? [] : try await view.consistencyProof(from: old.size).path
        do {
            try ConsistencyProof(oldSize: old.size, newSize: head.size, path: path)
                .verify(oldRoot: old.root, newRoot: head.root)
        } catch {
            throw Failure(
                .refused,
                "The peer's head of \(head.size) entries does not extend the recorded one of \(old.size): \(error)",
                hints: [
                    "The peer shows two histories. Keep both heads: they prove it.",
                    "holdfast containment enter domain \(Terminal.visible(origin)) --reason audit-discontinuity",
                ])
        }
        var draft = StatementDraft(
            PeerHead(origin: origin, checkpoint: view.head.signed.bytes, consistency: path), about: origin)
        draft.notes = [
            ("size", "\(head.size)"), ("root", head.root.hex), ("before", "\(old.size)"),
            ("state", isVouched ? "state witnesses vouch for it" : "nobody vouches for it"),
        ]
        return draft
    }
}

struct PeerExpelCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "expel", abstract: "The peer's heads don't count any more, for good.",
        discussion: "  holdfast peer expel log.example.org/other --reason 'it showed two histories'")

    @Argument(help: ArgumentHelp("The peer.", valueName: "origin"))
    var origin: String

    @Option(help: "Why, for people.")
    var reason: String

    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        StatementDraft(PeerExpel(origin: origin, reason: reason), about: origin)
    }
}

struct RouteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "route", abstract: "Say which actions may go between this domain and a peer.",
        subcommands: [RouteOpenCommand.self, RouteCloseCommand.self, RouteListCommand.self, RouteShowCommand.self])
}

struct RouteOpenCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "open", abstract: "Open a route to a peer, or from one.",
        discussion: """
            Signed by an authority or an operator. This domain is the other end.

              holdfast route open east --to log.example.org/other --action answer --max-peer-age 10m
            """)

    @Argument(help: ArgumentHelp("The route's name.", valueName: "name"))
    var route: String

    @Option(help: ArgumentHelp("The peer that it goes to.", valueName: "origin"))
    var to: String?

    @Option(help: ArgumentHelp("The peer that it comes from.", valueName: "origin"))
    var from: String?

    @Option(parsing: .singleValue, help: ArgumentHelp("What may go by it. Repeat for more.", valueName: "text"))
    var action: [String] = []

    @Option(
        help: ArgumentHelp("How old the peer's newest recorded head may be.", valueName: "span"),
        transform: SpanArgument.parsePositive)
    var maxPeerAge: SpanArgument

    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func validate() throws {
        guard (to == nil) != (from == nil) else { throw ValidationError("Name one end: --to PEER, or --from PEER.") }
        guard !action.isEmpty else { throw ValidationError("Name at least one --action.") }
    }

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        let here = session.origin.text
        return StatementDraft(
            RouteOpen(
                route: route, from: from ?? here, to: to ?? here, actions: action,
                maxPeerAge: maxPeerAge.milliseconds), about: route)
    }
}

struct RouteCloseCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "close", abstract: "Nothing goes by the route any more.", discussion: "  holdfast route close east"
    )

    @Argument(help: ArgumentHelp("The route's name.", valueName: "name"))
    var route: String

    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        StatementDraft(RouteClose(route: route), about: route)
    }
}
