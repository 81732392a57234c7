import ArgumentParser
import Foundation
import Governance
import LMDBLogStore
import LogClient
import LogEngine
import Monitor
import Tlog
import Verification

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Rebuild a log's store from a mirror.",
        discussion: """
            For a log whose data is lost or damaged. Everything is replayed and verified: entries under the mirror's \
            checkpoint, every signature, admission and state root. The store is there in the end or not at all; a \
            store that is there already is never touched: move it away first.

            It can't make a fork. The anchor, which names the last head that the log signed, must be in the log that \
            the mirror has: a mirror that is behind the anchor is refused, for the log has signed more than it has. A \
            lost anchor has to be said in so many words: --re-anchor. Then only witnesses can know whether the mirror \
            has all that was signed; 'holdfast serve' asks them before it signs anything.

              holdfast restore mylog --from https://mirror.example.com
              holdfast restore newlog --from copy --trust log.trust --keys saved-keys --re-anchor
            """)

    @Argument(help: ArgumentHelp("The log's directory: without data, or not there yet.", valueName: "dir"))
    var directory: String

    @Option(help: ArgumentHelp("The mirror: a URL or a directory.", valueName: "mirror"))
    var from: String

    @Option(help: ArgumentHelp("The trust file. Default: DIR/log.trust.", valueName: "file"))
    var trust: String?

    @Option(
        help: ArgumentHelp(
            "The directory with checkpoint.key, receipt.key and statement.key. Default: as configured, else DIR/keys.",
            valueName: "dir"))
    var keys: String?

    @Option(help: ArgumentHelp("The anchor. Default: as configured, else DIR/anchor/signed-head.", valueName: "file"))
    var anchor: String?

    @Flag(help: "The anchor is lost: make a new one of what the mirror has.")
    var reAnchor = false

    @Option(help: ArgumentHelp("How long one request may take.", valueName: "seconds"))
    var timeout = 30

    @Option(help: ArgumentHelp("The authorities (PEM) to trust for HTTPS.", valueName: "file"))
    var ca: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() async throws {
        let layout = LogLayout(directory)
        let trustFile = try TrustText.read(trust ?? (layout.exists ? layout.trust : nil), of: directory)
        let paths = try await LogPaths(layout, anchor: anchor)
        guard !FileManager.default.fileExists(atPath: paths.data) else {
            throw Failure(
                .refused, "\(paths.data) is there, and a store that is there is not touched",
                hint: "If its data is lost, move it away: mv \(paths.data) \(paths.data).damaged")
        }
        let (logKeys, next) = try (keys.map { LogKeyFiles(in: $0) } ?? paths.keys).read()
        let restoration = Restoration(
            layout: layout, paths: paths, trust: trustFile, keys: logKeys, next: next, reAnchor: reAnchor)
        let places = LogPlaces(trust: trustFile, timeout: timeout, certificates: ca)
        do {
            try report(try await restoration.run(from: try places.files(from)), trustFile)
        } catch {
            await places.shutdown()
            if let error = error as? MirrorError { throw Wording.restore(error) }
            throw error
        }
        await places.shutdown()
    }

    private func report(_ head: TreeHead, _ trust: TrustFile) throws {
        if json {
            return Terminal.output.line(
                JSON.object([
                    JSONMember("directory", .string(directory)), JSONMember("root", .string(head.root.hex)),
                    JSONMember("size", JSON(head.size)), JSONMember("reAnchored", .bool(reAnchor)),
                ]).text())
        }
        Terminal.output.line("Restored \(head.size) entries in \(directory), root \(head.root)")
        if reAnchor, trust.policy.quorum == .none {
            Terminal.output.line(
                """
                Nobody can say whether the log signed more than the mirror has: its trust file names no witnesses. If it \
                did, do not serve it: that would be a second history.
                """)
        }
        Terminal.output.line("Next:  holdfast serve \(directory)")
    }
}
