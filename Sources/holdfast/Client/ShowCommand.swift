import ArgumentParser
import COSE
import Governance
import LogClient
import Tlog

struct ShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one entry, verified to be in the log.",
        discussion: """
            The entry is fetched from the log's bundles and proved to be under the newest checkpoint. Who signed it is \
            shown as the entry says; for statements of enrolled issuers 'holdfast prove' verifies the signature too.
            """)

    @Argument(help: "The entry's index, or its id (leaf hash).")
    var entry: String

    @OptionGroup var log: LogOptions

    func run() async throws {
        guard let name = EntryName(entry) else {
            throw Failure(
                .usage, "\(Terminal.visible(entry)) names no entry",
                hint: "An entry is named by its index (a number), or by its id (64 lowercase hex digits).")
        }
        try await log.withClient { client in
            var view = try await client.view()
            let index: UInt64
            switch name {
            case .index(let number): index = number
            case .leafHash:
                guard let found = try await client.registration(of: name) else { throw Wording.noSuchEntry(name) }
                index = found.index
                if index >= view.size { view = try await client.view() }
            }
            guard index < view.size else { throw Wording.noSuchEntry(name, size: view.size) }
            guard let bytes = try await view.entries(index..<index + 1).first else { throw Wording.noSuchEntry(name) }
            try show(index, bytes)
        }
    }

    private func show(_ index: UInt64, _ bytes: [UInt8]) throws {
        let view = EntryView(index: index, statement: try SignedStatement(decoding: bytes))
        if log.json { return Terminal.output.line(view.json.text()) }
        for line in view.lines(.output) { Terminal.output.line(line) }
        let verified = Terminal.output.styled("verified", .green)
        Terminal.output.line("\(verified)      in the log, under its newest checkpoint")
    }
}
