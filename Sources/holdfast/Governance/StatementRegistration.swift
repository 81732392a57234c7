import ArgumentParser
import COSE
import Governance
import LogClient
import Tlog

/// A command that registers one statement of an enforced type.
protocol StatementCommand: AsyncParsableCommand {
    var log: LogOptions { get }
    var statement: StatementOptions { get }
    /// What is to be registered, from the options and what the log has.
    func make(_ session: inout GovernanceSession) async throws -> StatementDraft
}

/// What is to be registered.
struct StatementDraft {
    let type: StatementType
    let data: CBOR
    /// What it is about.
    let subject: String
    /// What is shown beside the entry: how the thing is named from now on.
    var notes: [(name: String, value: String)] = []
    /// What the statement is called in the state: its own leaf hash.
    var idName: String?
    /// What may not be meant, said before it is sent.
    var warnings: [String] = []

    init(_ data: some StatementData, about subject: String) {
        type = Swift.type(of: data).type
        self.data = data.cbor
        self.subject = subject
    }

    init(policy: Policy) {
        type = .policySet
        data = policy.cbor
        subject = policy.origin.text
    }
}

extension StatementCommand {
    func run() async throws { try await registerStatement() }

    func registerStatement() async throws {
        try await log.withClient { client in
            var session = try GovernanceSession(
                client: client, log: log, replays: statement.replay, key: statement.key, issuer: statement.issuer)
            let draft = try await make(&session)
            try draft.check()
            let issuer = try await session.signer(draft.type)
            for warning in draft.warnings {
                Terminal.errors.line(Terminal.errors.styled("warning: ", .yellow) + warning + ".")
            }
            guard !statement.dryRun else { return show(draft, issuer) }
            try await register(draft, issuer, session)
        }
    }

    private func eventDraft(_ draft: StatementDraft) -> EventDraft {
        EventDraft(
            type: draft.type.rawValue, stream: statement.stream, data: draft.data,
            trace: statement.trace.flatMap { TraceContext(traceparent: $0) })
    }

    // MARK: Sending

    private func register(_ draft: StatementDraft, _ issuer: Issuer, _ session: GovernanceSession) async throws {
        let item = StreamWriter.Item(draft: eventDraft(draft), subject: statement.about ?? draft.subject)
        let name = statement.name ?? "\(draft.type.rawValue)-\(Moment.fileName(Moment.now()))"
        var run = SubmitRun(
            client: session.client, issuer: issuer,
            output: SubmitRun.Output(directory: statement.directory(log.layout), again: false),
            ledgerDirectory: LedgerDirectory.path(statement.state, log.layout), origin: session.origin, count: 1)
        do {
            try await run.register([SubmitInput(name: name, material: .event(item))])
        } catch let failure as Failure where failure.status == .refused {
            throw Wording.notAdmitted(failure, draft.type, named: statement.name)
        }
        for outcome in run.outcomes { show(outcome, draft) }
    }

    private func show(_ outcome: SubmitRun.Outcome, _ draft: StatementDraft) {
        if log.json {
            return JSONLine.print(
                StatementOutcomeLine(
                    type: draft.type.rawValue, subject: statement.about ?? draft.subject, index: outcome.index,
                    id: outcome.id.hex, duplicate: outcome.isDuplicate, statement: outcome.files.statement,
                    transparent: outcome.files.transparent, proof: outcome.files.proof,
                    state: outcome.files.hasState ? outcome.files.state : nil,
                    notes: Dictionary(draft.notes.map { ($0.name, $0.value) }) { $1 }))
        }
        let terminal = Terminal.output
        let what = outcome.isDuplicate ? "is registered already: entry" : "is entry"
        terminal.line("\(draft.type.rawValue) \(what) \(outcome.index), verified  \(outcome.files.transparent)")
        for note in draft.notes { terminal.line("  \(Columns.padded(note.name, 10))  \(Terminal.visible(note.value))") }
        if let name = draft.idName { terminal.line("  \(Columns.padded(name, 10))  \(outcome.id)") }
    }

    // MARK: Dry run

    /// The event in the form that `holdfast submit` takes, and, for people, what the signature would be over.
    private func show(_ draft: StatementDraft, _ issuer: Issuer) {
        let event = eventDraft(draft)
        let subject = statement.about ?? draft.subject
        var members = [
            JSONMember("type", .string(event.type)), JSONMember("stream", .string(event.stream)),
            JSONMember("subject", .string(subject)), JSONMember("data", JSON(event.data)),
        ]
        if let trace = event.trace {
            members.append(JSONMember("trace", .object([JSONMember("traceparent", .string(trace.traceparent))])))
        }
        if log.json {
            let whole = JSON.object([
                JSONMember("event", .object(members)), JSONMember("issuer", .string(issuer.name)),
                JSONMember("key", .string(issuer.thumbprint.hex)), JSONMember("subject", .string(subject)),
                JSONMember("contentType", .string(Event.contentType)),
                JSONMember("data", .string(Hex.encode(event.data.encoded()))), JSONMember("sent", .bool(false)),
            ])
            return Terminal.output.line(whole.text())
        }
        Terminal.output.line(JSON.object(members).text(.pretty))
        let errors = Terminal.errors
        errors.line("Nothing was sent. What would be signed:")
        errors.line("  issuer        \(Terminal.visible(issuer.name))")
        errors.line("  key           \(issuer.thumbprint)")
        errors.line("  subject       \(Terminal.visible(subject))")
        errors.line("  content type  \(Event.contentType)")
        errors.line("  data          \(Hex.encode(event.data.encoded())) (CBOR)")
        errors.line("Number in the stream, predecessor and time are filled in when it is signed.")
    }
}

/// What `--json` prints of a registered statement.
private struct StatementOutcomeLine: Encodable {
    let type: String
    let subject: String
    let index: UInt64
    let id: String
    let duplicate: Bool
    let statement: String
    let transparent: String
    let proof: String
    /// That the signer was enrolled, where the genesis does not say.
    let state: String?
    let notes: [String: String]
}

extension StatementDraft {
    /// Holds the data to what its type allows, before anything is signed.
    func check() throws {
        do {
            _ = try GovernanceStatement(type, data)
        } catch {
            throw Failure(.usage, "This can't be registered: \(Terminal.visible("\(error)"))")
        }
    }
}

extension Moment {
    /// A time in a file's name: without colons.
    static func fileName(_ milliseconds: UInt64) -> String {
        text(milliseconds).filter { $0 != ":" && $0 != "-" }
    }
}

/// Text in columns.
enum Columns {
    static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
