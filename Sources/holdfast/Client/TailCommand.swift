import ArgumentParser
import COSE
import Governance
import LogClient
import Tlog

struct TailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail", abstract: "Show the newest entries, a line each, verified; with -f go on as they come.")

    @Option(name: [.customShort("n"), .customLong("lines")], help: "How many entries to begin with, seals among them.")
    var count: UInt64 = 10

    @Flag(name: .shortAndLong, help: "Follow the log until interrupted.")
    var follow = false

    @Flag(help: "Leave out the log's own seals.")
    var withoutSeals = false

    @OptionGroup var log: LogOptions

    func run() async throws {
        try await log.withClient { client in
            var view = try await client.view()
            try await show(&view, from: view.size - min(count, view.size))
            while follow {
                try await Task.sleep(for: .seconds(1))
                let head = try await client.checkpoint()
                guard head.treeHead != view.head.treeHead else { continue }
                try await client.verifyGrowth(from: view.head.treeHead, to: head)
                let start = view.size
                view = client.view(under: head)
                try await show(&view, from: start)
            }
        }
    }

    private func show(_ view: inout LogView, from start: UInt64) async throws {
        var next = start
        while next < view.size {
            let end = min(next / 256 * 256 + 256, view.size)
            for (offset, bytes) in try await view.entries(next..<end).enumerated() {
                let entry = EntryView(index: next + UInt64(offset), statement: try SignedStatement(decoding: bytes))
                if withoutSeals, entry.event?.type == EventType.seal { continue }
                Terminal.output.line(log.json ? entry.json.text() : entry.summary(.output))
            }
            next = end
        }
    }
}
