import ArgumentParser
import COSE
import Foundation
import Governance
import LogClient
import Tlog
import Verification

/// `holdfast peer evidence`
struct PeerEvidenceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evidence", abstract: "Gather what shows that a peer's grant is in force there.",
        discussion: """
            For a request by a route: the grant's statement, and proofs of the peer's state, all under the head of the \
            peer that this log has recorded newest (holdfast peer head). The gate verifies all of it; nothing here is \
            believed. The file is for holdfast gate exec --peer-evidence, and base64 of it for context.peer.

            When a newer head is recorded, evidence of the one before shows nothing any more: gather it again. Name what \
            the request will name: its subject, and its model, execution and parents if it has them.

              holdfast peer evidence 5891… --route east --subject spiffe://example.com/agent -o east.peer-evidence
            """)

    @Argument(help: ArgumentHelp("The peer's grant.", valueName: "hex"), transform: HexArgument.digest)
    var grant: Hash

    @Option(help: ArgumentHelp("The route to or from the peer.", valueName: "name"))
    var route: String

    @Option(help: ArgumentHelp("Who will ask.", valueName: "uri"))
    var subject: String

    @Option(
        help: ArgumentHelp("The model that will be named.", valueName: "name@version"), transform: ModelArgument.parse)
    var uses: ModelVersion?

    @Option(help: ArgumentHelp("The execution that will be named, of this log.", valueName: "id"))
    var execution: String?

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("An execution of the peer's that it goes on from. Repeat for more.", valueName: "id"))
    var parent: [String] = []

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The file to write. Default: the route's name, with .peer-evidence.", valueName: "file"))
    var output: String?

    @OptionGroup var peer: PeerAddress
    @OptionGroup var reading: ReadingOptions
    @OptionGroup var log: LogOptions

    func run() async throws {
        try await log.withClient { client in
            var session = try GovernanceSession(client: client, log: log, replays: reading.replay)
            guard let open = try await session.record(.route(route), RouteRecord.self) else {
                throw Failure(
                    .refused, "The log has no route \(Terminal.visible(route))", hint: "holdfast route list shows them."
                )
            }
            let here = session.origin.text
            let origin = open.route.from == here ? open.route.to : open.route.from
            let record = try await PeerAddress.record(of: origin, &session)
            guard record.head.size > 0 else {
                throw Failure(
                    .refused, "No head of \(Terminal.visible(origin)) is recorded",
                    hint: "Record one: holdfast peer head \(Terminal.visible(origin))")
            }
            let checkpoint = try await recorded(record, session)
            let request = request(home: here, peer: origin)
            let evidence = try await peer.withClient(of: record, timeout: log.timeout) { client in
                try await client.peerEvidence(for: request, by: open.route, home: here, under: checkpoint)
            }
            let path = output ?? "\(fileName).\(PeerEvidence.pathExtension)"
            try write(evidence.encoded(), to: path)
            tell(evidence, record, path)
        }
    }

    /// The checkpoint in the entry that recorded the peer's newest head.
    private func recorded(_ record: PeerRecord, _ session: GovernanceSession) async throws -> SignedCheckpoint {
        let statement = try await session.entry(record.index)
        guard let event = try? Event(decoding: statement.payload), let data = try? PeerHead(event.data),
            let signed = try? SignedCheckpoint(parsing: data.checkpoint),
            signed.checkpoint.treeHead == record.head
        else {
            throw Failure(.refused, "Entry \(record.index) is not the peer.head that the state has")
        }
        return signed
    }

    private func request(home: String, peer: String) -> AccessRequest {
        var request = AccessRequest(
            access: Access(subject: subject, action: "", resource: ""), grant: grant,
            model: uses.map { AccessRequest.ModelUse(model: $0, purpose: "", loaded: nil) }, route: route,
            parents: parent.map { ExecutionID(home: peer, id: $0) })
        request.execution = execution.map { ExecutionID(home: home, id: $0) }
        return request
    }

    private func tell(_ evidence: PeerEvidence, _ record: PeerRecord, _ path: String) {
        if log.json {
            let members = [
                JSONMember("evidence", .string(path)), JSONMember("peer", .string(record.peer.origin)),
                JSONMember("size", JSON(record.head.size)), JSONMember("proofs", JSON(UInt64(evidence.proofs.count))),
                JSONMember("statement", .bool(evidence.statement != nil)),
            ]
            return Terminal.output.line(JSON.object(members).text())
        }
        Terminal.output.line(
            "\(evidence.proofs.count) state proofs of \(Terminal.visible(record.peer.origin)) at size "
                + "\(record.head.size)\(evidence.statement == nil ? "; the grant's statement is not there" : "")")
        Terminal.output.line("wrote \(path)")
    }

    /// The route's name with nothing in it that a path could be made of.
    private var fileName: String {
        String(
            route.unicodeScalars.prefix(120).map { scalar in
                let isPlain =
                    scalar.isASCII && (scalar.properties.isAlphabetic || "0123456789-_".unicodeScalars.contains(scalar))
                return isPlain ? Character(scalar) : "-"
            })
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        do {
            try Data(bytes).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw Failure(.refused, "\(path) can't be written: \(SystemReason.text(error))")
        }
    }
}
