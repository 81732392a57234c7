import ArgumentParser
import COSE
import Foundation
import Governance
import LogClient
import Tlog

struct ProveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove", abstract: "Fetch a fresh proof of an entry, verify it, and write it down.",
        discussion: """
            Writes NAME.transparent (the statement with its receipt) and NAME.tlog-proof; NAME is that of the file, or \
            the entry's index. Both can be verified offline: holdfast-verify transparent NAME.transparent --trust FILE.
            """)

    @Argument(help: "An index, an id (leaf hash), or a file with the statement (.cose or .transparent).")
    var entry: String

    @Option(help: ArgumentHelp("Where to write.", valueName: "dir"))
    var out = "."

    @OptionGroup var log: LogOptions

    func run() async throws {
        let (name, stem) = try entryName()
        try await log.withClient { client in
            guard let answer = try await client.registration(of: name) else { throw Wording.noSuchEntry(name) }
            let files = AnswerFiles(directory: out, name: stem ?? String(answer.index))
            try files.write(answer)
            if log.json {
                let members = [
                    JSONMember("id", .string(answer.statement.leafHash.hex)),
                    JSONMember("index", JSON(answer.index)), JSONMember("proof", .string(files.proof)),
                    JSONMember("size", JSON(answer.checkpoint.checkpoint.size)),
                    JSONMember("transparent", .string(files.transparent)),
                ]
                Terminal.output.line(JSON.object(members).text())
            } else {
                Terminal.output.line(
                    "entry \(answer.index), verified under the tree of \(answer.checkpoint.checkpoint.size) entries")
                Terminal.output.line("wrote \(files.transparent) and \(files.proof)")
            }
        }
    }

    private func entryName() throws -> (EntryName, stem: String?) {
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
