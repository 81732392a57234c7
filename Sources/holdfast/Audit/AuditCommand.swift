import ArgumentParser
import Foundation
import Governance
import LMDBLogStore
import LogClient
import Monitor
import Tlog
import Verification

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Check a log whole, name every damage, and repair it from a mirror.",
        discussion: """
            The log is a URL, a directory of tlog-tiles files (an export, a mirror), or a log's own directory (its \
            store; no server may have it open). Every entry is held against the tiles, every tile against the signed \
            root, every signature, admission, stream and seal against the log's own rules. Damage does not end the \
            audit: all of it is listed, each to the entry or tile, with the hash that the root demands and the one \
            that is there.

            With --repair-from, what is damaged in a directory is written again, from what the rest of the log proves \
            or from the mirror, if it has the hash that the signed root demands. Nothing else is touched.

            Exit status: 0 clean; 1 damaged, or the log broke its rules; 2 wrong usage; 3 can't tell; 6 was damaged \
            and is repaired.

              holdfast audit https://log.example.com --trust log.trust
              holdfast audit mylog --governance
              holdfast audit copy --trust log.trust --repair-from https://mirror.example.com
            """)

    @Argument(help: ArgumentHelp("The log: a URL or a directory.", valueName: "log"))
    var target: String

    @Option(help: ArgumentHelp("The trust file. Default: log.trust in the log's directory.", valueName: "file"))
    var trust: String?

    @Flag(
        help: """
            Say what the entries fold into. Of a store: hold all that it keeps beside the log to it as well, the state \
            key by key, its map page by page, streams and lists entry by entry.
            """)
    var governance = false

    @Flag(help: "Check entries, tiles and root only; do not follow the log's rules.")
    var contentOnly = false

    @Option(help: ArgumentHelp("Remember here how far the audit is, and go on from there.", valueName: "file"))
    var resume: String?

    @Option(help: ArgumentHelp("A mirror, as a URL or a directory, to repair from.", valueName: "mirror"))
    var repairFrom: String?

    @Option(help: ArgumentHelp("Damage to list at the most.", valueName: "count"))
    var list = 1000

    @Option(help: ArgumentHelp("How long one request may take.", valueName: "seconds"))
    var timeout = 30

    @Option(help: ArgumentHelp("The authorities (PEM) to trust for HTTPS.", valueName: "file"))
    var ca: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard (0...1_000_000).contains(list) else { throw ValidationError("--list takes 0 to 1000000.") }
        guard (1...3600).contains(timeout) else { throw ValidationError("--timeout takes 1 to 3600 seconds.") }
        if governance, contentOnly {
            throw ValidationError("--governance is what the log's rules come to, and --content-only leaves them out.")
        }
        if repairFrom != nil, LogURL(target) != nil {
            throw ValidationError("What a server has can't be repaired from here: audit its directory.")
        }
    }

    func run() async throws {
        let layout = LogLayout(target)
        let trustFile = try TrustText.read(trust ?? (layout.exists ? layout.trust : nil), of: target)
        let places = LogPlaces(trust: trustFile, timeout: timeout, certificates: ca)
        var options = Audit.Options()
        options.maxListed = list
        options.followsRules = !contentOnly
        options.isGovernance = governance
        options.verified = try resume.flatMap { try AuditRecord.read($0) }
        options.mirror = try repairFrom.map { try places.files($0) }
        let report: AuditReport
        do {
            report = try await audit(layout, places, options, trustFile)
        } catch {
            await places.shutdown()
            throw Wording.unknown(error)
        }
        await places.shutdown()
        try finish(report)
    }

    private func audit(
        _ layout: LogLayout, _ places: LogPlaces, _ options: Audit.Options, _ trust: TrustFile
    ) async throws -> AuditReport {
        let data = layout.exists ? try await LogPaths(layout).data : layout.data
        guard FileManager.default.fileExists(atPath: data) else {
            let files = try places.files(target)
            let directory = repairFrom == nil ? nil : try MirrorDirectory(target)
            let log = try await AuditTarget(files: files, repairing: directory)
            return try await run(Audit(log, trust: trust, options: options))
        }
        if let repairFrom {
            let visible = Terminal.visible(repairFrom)
            throw Failure(
                .usage, "\(data) is a store, and a store is not repaired in place",
                hint: "Move it away and rebuild it: holdfast restore \(target) --from \(visible)")
        }
        var opening = LMDBLogStore.Options()
        opening.createsMissing = false
        let store = try LMDBLogStore(directory: data, options: opening)
        defer { store.close() }
        return try await run(
            Audit(try AuditTarget(store: store, isGovernance: governance), trust: trust, options: options))
    }

    private func run(_ audit: Audit) async throws -> AuditReport {
        var line: ProgressLine?
        defer { line?.finish() }
        var record = resume.map { AuditRecord(path: $0) }
        defer { record?.finish() }
        return try await audit.run { progress in
            let open = line ?? ProgressLine("auditing", total: progress.total)
            line = open
            open.update(progress.entries)
            if let clean = progress.clean { record?.note(clean) }
        }
    }

    private func finish(_ report: AuditReport) throws {
        if json {
            Terminal.output.line(report.json.text())
        } else {
            for line in report.lines { Terminal.output.line(Terminal.visible(line)) }
            let styles: [AuditReport.Verdict: Terminal.Style] = [.clean: .green, .repaired: .yellow]
            Terminal.output.line(
                Terminal.output.styled(report.verdict.rawValue.uppercased(), styles[report.verdict] ?? .red))
        }
        switch report.verdict {
        case .clean: return
        case .damaged, .notVerified: Foundation.exit(ExitStatus.refused.rawValue)
        case .repaired: Foundation.exit(ExitStatus.repaired.rawValue)
        }
    }
}
