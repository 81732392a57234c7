import ArgumentParser
import Governance
import LogClient
import Tlog
import Verification

struct PolicyLintCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lint",
        abstract: "Find mistakes in a policy, in the quorums of a trust file, and in what is in force.",
        discussion: """
            With a file: that policy. With a running log (--dir, --url): the policy in force, or the file's in its \
            place, and grants, routes and containments under it, derived from the log's entries. With --trust too: \
            the quorums of witnesses. Exit status 1 if there is an error among the findings.

              holdfast policy lint next.json
              holdfast policy lint --dir mylog
              holdfast policy lint next.json --trust log.trust --offline
            """)

    @Argument(help: ArgumentHelp("A policy, in JSON.", valueName: "file"))
    var file: String?

    @Flag(help: "Ask no log: look at the file and the trust file only.")
    var offline = false

    @Flag(help: "Exit status 1 if there are warnings, too.")
    var strict = false

    @OptionGroup var log: LogOptions

    func run() async throws {
        let findings = try await lint().findings()
        show(findings)
        let worst: LintFinding.Severity = strict ? .warning : .error
        if findings.contains(where: { $0.severity <= worst }) { throw ExitCode(ExitStatus.refused.rawValue) }
    }

    private var isOffline: Bool { offline || (file != nil && log.url == nil && log.dir == nil) }

    private func lint() async throws -> PolicyLint {
        let policy = try file.map(PolicyDocument.read)
        guard isOffline else {
            return try await log.withClient { client in
                var session = try GovernanceSession(client: client, log: log, replays: true)
                let replayed = try await session.replay()
                let state = try LintState(replayed.state, time: replayed.seal.time)
                return PolicyLint(
                    policy: policy ?? replayed.rules.policy, trust: client.trust.policy,
                    stateQuorum: client.trust.stateQuorum, state: state)
            }
        }
        let trust = log.trust == nil && log.layout == nil ? nil : try log.trustFile()
        guard let linted = policy ?? trust?.genesis?.policy else {
            throw Failure(
                .usage, "There is no policy to look at",
                hint: "Name a file (holdfast policy lint next.json), or a log (--dir DIR).")
        }
        return PolicyLint(policy: linted, trust: trust?.policy, stateQuorum: trust?.stateQuorum)
    }

    private struct FindingLine: Encodable {
        let code: String
        let severity: String
        let subject: String
        let explanation: String
        let remedy: String
    }

    private func show(_ findings: [LintFinding]) {
        if log.json {
            for finding in findings {
                JSONLine.print(
                    FindingLine(
                        code: finding.code.rawValue, severity: finding.severity.rawValue, subject: finding.subject,
                        explanation: finding.explanation, remedy: finding.remedy))
            }
            return
        }
        let terminal = Terminal.output
        for finding in findings {
            let style: Terminal.Style =
                switch finding.severity {
                case .error: .red
                case .warning: .yellow
                case .note: .dim
                }
            let word = terminal.styled(finding.severity.rawValue, style)
            terminal.line("\(word) \(finding.code.rawValue)  \(Terminal.visible(finding.subject))")
            terminal.line("  \(Terminal.visible(finding.explanation)).")
            terminal.line("  \(finding.remedy)")
        }
        let counts = LintFinding.Severity.allCases.map { severity in
            let count = findings.count { $0.severity == severity }
            return "\(count) \(severity.rawValue)\(count == 1 ? "" : "s")"
        }
        terminal.line(findings.isEmpty ? "Nothing was found." : counts.joined(separator: ", "))
    }
}
