import ArgumentParser
import COSE
import Foundation
import Governance
import LogClient
import Tlog
import Verification

struct ProveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove",
        abstract: "Fetch a fresh proof of an entry or of the state, verify it, and write it down.",
        discussion: """
            Of an entry: NAME.transparent (the statement with its receipt) and NAME.tlog-proof; NAME is that of the file, \
            or the entry's index. Both can be verified offline: holdfast-verify transparent NAME.transparent --trust \
            FILE. Where the signer was enrolled after the genesis, NAME.state-proof shows that (--state).

            Of the governance state (--state KEY): NAME.state-proof, the value of the key or that it has none; NAME is \
            the kind and part of a digest. Offline: holdfast-verify state NAME.state-proof --trust FILE.

            Examples:
              holdfast prove 12 --dir mylog
              holdfast prove --state policy --dir mylog
              holdfast prove --state stream/spiffe%3A%2F%2Fexample.org%2Fagent/work --size 4096 --dir mylog
            """)

    @Argument(help: "An index, an id (leaf hash), or a file with the statement (.cose or .transparent).")
    var entry: String?

    @Option(
        help: ArgumentHelp(
            "A key of the governance state, as in the log's URLs: grant/<hex>, execution/<home>/<id>.",
            valueName: "key"))
    var state: String?

    @Option(help: ArgumentHelp("With --state: as of this size of the log. Default: the newest.", valueName: "n"))
    var size: UInt64?

    @Flag(
        help: """
            Where the trust file names no state quorum: take what the log alone vouches for, for a key of the state or \
            for who signed an entry.
            """)
    var withoutStateQuorum = false

    @Option(help: ArgumentHelp("Where to write.", valueName: "dir"))
    var out = "."

    @OptionGroup var log: LogOptions

    func validate() throws {
        guard (entry == nil) != (state == nil) else {
            throw ValidationError("Say what to prove: an entry, or a key of the state (--state KEY).")
        }
        guard state != nil || size == nil else { throw ValidationError("--size is for --state.") }
    }

    func run() async throws {
        if let state { return try await proveState(state) }
        guard let entry else { return }
        let (name, stem) = try Self.entryName(entry)
        try await log.withClient { client in
            var client = client
            client.isWithoutStateQuorum = withoutStateQuorum
            guard let answer = try await registration(name, client) else { throw Wording.noSuchEntry(name) }
            let files = AnswerFiles(directory: out, name: stem ?? String(answer.index))
            try files.write(answer)
            if log.json {
                let members = [
                    JSONMember("id", .string(answer.statement.leafHash.hex)),
                    JSONMember("index", JSON(answer.index)), JSONMember("proof", .string(files.proof)),
                    JSONMember("size", JSON(answer.checkpoint.checkpoint.size)),
                    JSONMember("state", answer.signerState.map { _ in .string(files.state) } ?? .null),
                    JSONMember("transparent", .string(files.transparent)),
                ]
                Terminal.output.line(JSON.object(members).text())
            } else {
                Terminal.output.line(
                    "entry \(answer.index), verified under the tree of \(answer.checkpoint.checkpoint.size) entries")
                let state = answer.signerState.map { _ in ", \(files.state)" } ?? ""
                Terminal.output.line("wrote \(files.transparent) and \(files.proof)\(state)")
            }
        }
    }

    private func registration(_ name: EntryName, _ client: LogClient) async throws -> VerifiedAnswer? {
        do throws(ClientError) {
            return try await client.registration(of: name)
        } catch {
            guard case .notVerified(let report) = error, report.checks.contains(where: { $0.code == "not-enrolled" })
            else { throw error }
            throw Failure(
                .refused,
                "The genesis does not enrol the signer of entry \(name.text), and nothing else shows that it was",
                hints: client.trust.stateQuorum == nil && !withoutStateQuorum
                    ? [
                        "The trust file names no state quorum, so nobody vouches for the log's state.",
                        "To take the log's own word for it: --without-state-quorum",
                    ] : [])
        }
    }

    private func proveState(_ text: String) async throws {
        let key: StateKey
        do {
            key = try StateKey(text: text)
        } catch {
            throw Failure(.usage, "\(Terminal.visible(text)) is no key of the state: \(error)")
        }
        try await log.withClient { client in
            let state = try await client.state(of: key, at: size, isWithoutStateQuorum: withoutStateQuorum)
            let files = AnswerFiles(directory: out, name: "\(key.kind)-\(key.mapKey.hex.prefix(16))")
            try files.write(state.proof)
            if log.json {
                let members = [
                    JSONMember("key", .string(key.text)), JSONMember("proof", .string(files.state)),
                    JSONMember("size", JSON(state.proven.size)), JSONMember("value", state.proven.json),
                ]
                Terminal.output.line(JSON.object(members).text())
            } else {
                let value = state.proven.value == nil ? "absent" : Terminal.visible(state.proven.json.text())
                Terminal.output.line("\(key.text) at size \(state.proven.size): \(value)")
                Terminal.output.line("wrote \(files.state)")
            }
        }
    }

    private static func entryName(_ entry: String) throws -> (EntryName, stem: String?) {
        if FileManager.default.fileExists(atPath: entry) {
            let bytes = try FileBytes.read(entry, limit: TransparentStatement.byteLimit)
            do {
                let statement = try SignedStatement(decoding: bytes)
                let stem = URL(filePath: entry).deletingPathExtension().lastPathComponent
                return (.leafHash(statement.leafHash), stem)
            } catch {
                throw Failure(.usage, "\(entry) is not a signed statement: \(error)")
            }
        }
        guard let name = EntryName(entry) else {
            throw Failure(
                .usage, "\(Terminal.visible(entry)) is neither a file nor the name of an entry",
                hint: "An entry is named by its index (a number), or by its id (64 lowercase hex digits).")
        }
        return (name, nil)
    }
}
