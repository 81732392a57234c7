import ArgumentParser
import Foundation
import LogClient
import Monitor

struct MonitorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "monitor",
        abstract: "Follow logs: verify every entry, compare what witnesses show, report, and cosign what was replayed.",
        discussion: """
            Each log is read from its tiles alone and verified whole: heads by the trust file and against the one \
            before, entries, signatures, admissions, streams, seals, state roots. What was verified is kept in DIR, so \
            that a restart goes on where it was.

              holdfast monitor --log a.trust=https://a.example/ --log b.trust=https://b.example/ --dir watched

            Reports go to standard output: a JSON object a line, or text on a terminal (spec/monitor.md has them all). \
            A log that signed two histories is reported with a file of evidence, which 'holdfast-verify fork' confirms \
            offline; DIR remembers it until that file is moved away.

            With --state-witness the monitor is a witness too (c2sp.org/tlog-witness), one that cosigns only heads \
            of which it has replayed every entry: a log asks it by its 'state-quorum' line.

            Exit status: 0 told to end (or, with --once, all is well); 1 a log is not as it should be; 2 wrong usage; \
            3 with --once: a log was not reached; 4 a log signed two histories; 5 a log broke its own rules.
            """)

    @OptionGroup(title: "Logs") var logs: MonitorLogFlags
    @OptionGroup(title: "Limits") var limits: MonitorLimitFlags
    @OptionGroup(title: "Reports") var reports: MonitorReportFlags
    @OptionGroup(title: "Serving") var serving: MonitorServingFlags

    func run() async throws {
        let settings = try MonitorSettings(logs: logs, limits: limits, reports: reports, serving: serving)
        let printer = EventPrinter(json: reports.json || !Terminal.output.isTerminal)
        let status = try await MonitorRun(settings, printer: printer).run()
        guard status == .done else { Foundation.exit(status.rawValue) }
    }
}

/// Which logs, and where what was verified of them is kept.
struct MonitorLogFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A log: its trust file and its URL. May be repeated. Without '=URL', the URL is the trust file's, or that of the log's directory that the file is in.",
            valueName: "trustfile=url"))
    var log: [String] = []

    @Option(help: ArgumentHelp("Settings and logs in YAML; flags go before it.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("Where what was verified is kept.", valueName: "dir"))
    var dir: String?

    @Option(
        help: ArgumentHelp(
            "A policy or trust file with the URLs of witnesses to compare with, beside those of the trust files.",
            valueName: "file"))
    var witnesses: String?

    @Option(help: ArgumentHelp("The authorities (PEM) to trust for HTTPS. Default: the system's.", valueName: "file"))
    var ca: String?
}

struct MonitorLimitFlags: ParsableArguments {
    @Option(help: ArgumentHelp("From one look at a log to the next. Default: 10.", valueName: "seconds"))
    var interval: Int?

    @Option(help: ArgumentHelp("The longest wait after looks that failed. Default: 300.", valueName: "seconds"))
    var longestPause: Int?

    @Option(help: ArgumentHelp("How long one request may take. Default: 10.", valueName: "seconds"))
    var timeout: Int?

    @Option(
        help: ArgumentHelp(
            "How old a head's time may be that a quorum vouches for; 0 for any. Default: 900.", valueName: "seconds"))
    var maxAge: Int?

    @Option(help: ArgumentHelp("How long a log may stay as it is; 0, the default, for ever.", valueName: "seconds"))
    var maxSilence: Int?

    @Option(
        help: ArgumentHelp(
            "How long a witness may show a larger tree than the log. Default: 60.", valueName: "seconds"))
    var withheldAfter: Int?

    @Option(help: ArgumentHelp("The most that is kept of one log. Default: 16.", valueName: "GiB"))
    var mapSize: Int?
}

struct MonitorReportFlags: ParsableArguments {
    @Option(help: ArgumentHelp("Report entries of this issuer. May be repeated.", valueName: "issuer"))
    var issuer: [String] = []

    @Option(help: ArgumentHelp("Report entries about this subject. May be repeated.", valueName: "subject"))
    var subject: [String] = []

    @Option(help: ArgumentHelp("Report entries of this event or content type. May be repeated.", valueName: "type"))
    var type: [String] = []

    @Flag(help: "Print JSON, one object a line, on a terminal too.")
    var json = false

    @Flag(help: "Look at every log once, say how it stands, and end.")
    var once = false

    @Flag(help: "Go on when a log has lied, until told to end; the exit status tells. Always so for a state witness.")
    var keepGoing = false
}

struct MonitorServingFlags: ParsableArguments {
    @Option(help: ArgumentHelp("Serve /metrics and /healthz, and what a state witness serves.", valueName: "host:port"))
    var listen: String?

    @Flag(name: .customLong("allow-plain-http"), help: "Listen where other machines can reach it, behind a proxy.")
    var allowPlainHTTP = false

    @Option(
        help: ArgumentHelp(
            "Cosign heads that were replayed, with this key (as 'holdfast witness init' makes it).",
            valueName: "keyfile"))
    var stateWitness: String?

    @Option(help: "The state witness's name. Default: the one in the .vkey file beside the key file.")
    var name: String?

    @Option(
        help: ArgumentHelp("How long a log that asks for a cosignature waits. Default: 20.", valueName: "seconds"))
    var patience: Int?
}
