import ArgumentParser
import Foundation
import Governance
import LogClient
import LogEngine
import LogStore
import Logging
import Monitor
import Tlog

struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write the whole log to a directory, in the form of c2sp.org/tlog-tiles.",
        discussion: """
            The directory can be checked offline (holdfast-verify log DIR --trust FILE), or put on any web server as a \
            mirror. From the log's own directory (--dir) when no server has it open, else from the server. A run that \
            was cut off, or an older export, is continued.
            """)

    @Argument(help: ArgumentHelp("Where to write.", valueName: "dir"))
    var target: String

    @OptionGroup var log: LogOptions

    func run() async throws {
        if log.url == nil, let layout = log.layout, let served = try await Self.open(layout) {
            do {
                let published = served.log.published
                let files = SnapshotFiles(checkpoint: published.checkpoint.bytes) { [log = served.log] body in
                    try log.read { snapshot, _ in try body(snapshot) }
                }
                try await export(published.checkpoint, from: files)
            } catch {
                await served.shutdown()
                throw error
            }
            return await served.shutdown()
        }
        try await log.withClient { client in
            try await export(try await client.checkpoint().signed, from: client)
        }
    }

    /// Opens the log's data; nil when a server has it open, or when this user may not read the log's keys.
    private static func open(_ layout: LogLayout) async throws -> ServedLog? {
        let settings = try await ServeConfiguration(
            flags: [:], environment: [:], file: layout.configuration, directory: layout.directory)
        let logger = Logger(label: "holdfast") { LineLogHandler(label: $0, format: .text, logLevel: .error) }
        do {
            return try await ServedLog(settings, reAnchor: false, isPublishing: false, logger: logger) { _ in }
        } catch let error as StoreError where error.code == .locked {
            return nil
        } catch AnchorError.locked {
            return nil
        } catch KeyFileError.system {
            // Who can't read the log's keys is not its operator: the server answers everybody.
            return nil
        }
    }

    private func export(_ checkpoint: SignedCheckpoint, from source: any LogFiles) async throws {
        let head = checkpoint.checkpoint.treeHead
        let progress = SharedProgressLine("exporting", total: head.size)
        defer { progress.finish() }
        try await MirrorDirectory(target).export(checkpoint, from: source) { progress.update($0.entries) }
        progress.finish()
        if log.json {
            let members = [
                JSONMember("directory", .string(target)), JSONMember("root", .string(head.root.hex)),
                JSONMember("size", JSON(head.size)),
            ]
            Terminal.output.line(JSON.object(members).text())
        } else {
            Terminal.output.line("exported \(head.size) entries to \(target); their root is that of the checkpoint")
        }
    }
}
