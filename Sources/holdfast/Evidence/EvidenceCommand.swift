import ArgumentParser
import Foundation
import Governance
import LogClient
import Tlog
import Verification

/// `holdfast evidence`
struct EvidenceCommand: AsyncParsableCommand {
    /// What a bundle can be about.
    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case execution
        case grant
        case model
    }

    static let configuration = CommandConfiguration(
        commandName: "evidence",
        abstract: "Gather all evidence about an execution, a grant or a model into one file, verified.",
        discussion: """
            The file has the statements, their proofs, the values of the governance state that name them, and one \
            checkpoint with its cosignatures: of an execution also what it was permitted by, its grant with those \
            that it was handed on from, its model, the policy, who signed, containments, and all that it comes from. \
            Anyone with the trust file verifies and reads it without the log: holdfast-verify bundle FILE --trust \
            FILE. It is written only when it verifies.

            ID is that of an execution at home in this log, a grant's (64 hex digits), or a model's NAME@VERSION.

            Examples:
              holdfast evidence execution run-7 --dir mylog -o run-7.evidence
              holdfast evidence grant 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03 --dir mylog
              holdfast evidence model embedder@2 --url https://log.example --trust log.trust
            """)

    @Argument(help: "execution, grant or model.")
    var kind: Kind

    @Argument(help: "Which one.")
    var id: String

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The file to write. Default: its ID, with .evidence at the end.", valueName: "file"))
    var output: String?

    @Option(
        help: ArgumentHelp(
            "How long to wait until the state witnesses have cosigned the newest head.", valueName: "seconds"))
    var wait = 30

    @Flag(help: "Where the trust file names no state quorum: take what the log alone vouches for.")
    var withoutStateQuorum = false

    @OptionGroup var log: LogOptions

    func validate() throws {
        guard (0...3600).contains(wait) else {
            throw ValidationError("--wait takes 0 to 3600 seconds, not \(wait).")
        }
        if case .grant = kind, Hash(hex: id) == nil {
            throw ValidationError("A grant is named by 64 lowercase hex digits, not '\(Terminal.visible(id))'.")
        }
        if case .model = kind, model == nil {
            throw ValidationError("A model is named NAME@VERSION, not '\(Terminal.visible(id))'.")
        }
    }

    private var model: ModelVersion? {
        guard let at = id.lastIndex(of: "@"), at > id.startIndex, id.index(after: at) < id.endIndex else { return nil }
        return ModelVersion(name: String(id[..<at]), version: String(id[id.index(after: at)...]))
    }

    func run() async throws {
        try await log.withClient { client in
            guard let origin = client.trust.genesis?.policy?.origin else { throw Wording.noGenesis() }
            let subject = try subject(home: origin.text)
            let evidence = try await client.evidence(
                of: subject, patience: .seconds(wait), isWithoutStateQuorum: withoutStateQuorum)
            let path = output ?? fileName
            try write(evidence.bytes, to: path)
            let facts = evidence.findings.facts.count
            if log.json {
                let members = [
                    JSONMember("bytes", JSON(UInt64(evidence.bytes.count))),
                    JSONMember("entries", JSON(UInt64(evidence.bundle.entries.count))),
                    JSONMember("evidence", .string(path)), JSONMember("facts", JSON(UInt64(facts))),
                    JSONMember("size", JSON(evidence.findings.size)), JSONMember("subject", .string(subject.text)),
                ]
                Terminal.output.line(JSON.object(members).text())
            } else {
                Terminal.output.line(
                    "\(subject.text), verified under the tree of \(evidence.findings.size) entries: \(facts) facts, "
                        + "\(evidence.bundle.entries.count) entries")
                Terminal.output.line("wrote \(path)")
            }
        }
    }

    private func subject(home: String) throws -> StateKey {
        switch kind {
        case .execution: return .execution(ExecutionID(home: home, id: id))
        case .grant:
            guard let grant = Hash(hex: id) else { throw Failure(.usage, "\(Terminal.visible(id)) is no grant") }
            return .grant(grant)
        case .model:
            guard let model else { throw Failure(.usage, "\(Terminal.visible(id)) is no model") }
            return .model(model)
        }
    }

    /// The name with nothing in it that a path could be made of.
    private var fileName: String {
        let plain = id.unicodeScalars.map { scalar in
            let isPlain =
                scalar.isASCII && (scalar.properties.isAlphabetic || "0123456789-._@".unicodeScalars.contains(scalar))
            return isPlain ? Character(scalar) : "-"
        }
        let name = String(plain.prefix(120))
        return "\(kind.rawValue)-\(name).\(EvidenceBundle.pathExtension)"
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        do {
            try Data(bytes).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw Failure(.refused, "\(path) can't be written: \(SystemReason.text(error))")
        }
    }
}
