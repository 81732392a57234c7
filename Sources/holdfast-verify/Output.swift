import ArgumentParser
import FoundationEssentials
import Glibc
import Governance
import Verification

/// How a report is shown.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print the report as JSON (described in spec/verification.md).")
    var json = false

    @Flag(name: .shortAndLong, help: "Print only what is not verified, and the count of several files.")
    var quiet = false

    /// Whether outcomes are coloured: on a terminal, unless NO_COLOR is set (https://no-color.org).
    private var colour: Bool {
        isatty(1) == 1 && (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty
    }

    /// Prints one report, and leaves with 1 if it is not a good one.
    func finish(_ report: VerificationReport) throws {
        if json {
            print(report.json.text(.pretty))
        } else if !quiet || report.verdict == .notVerified {
            print(report.text(colour: colour), terminator: "")
        }
        if report.verdict == .notVerified { throw ExitCode.notVerified }
    }

    /// Prints the reports of several files, each as it comes; full reports only of those that are not verified.
    func finish(files: [String], _ verify: (String) throws -> VerificationReport) throws {
        if files.count == 1 { return try finish(verify(files[0])) }
        var summary = FileSummary()
        var reports: [JSON] = []
        for file in files {
            let report = try verify(file)
            let name = file.withoutControls
            summary.add(report)
            if json {
                reports.append(.object([JSONMember("file", .string(file))] + (report.json.objectValue ?? [])))
            } else if report.verdict == .notVerified {
                print("\(name):\n\(report.text(colour: colour))", terminator: "")
            } else if !quiet {
                print("\(name): \(report.verdictText(colour: colour))")
            }
        }
        print(json ? summary.json(reports).text(.pretty) : summary.text)
        guard summary.isGood else { throw ExitCode.notVerified }
    }
}

/// The trust file, where a command can't do without.
struct TrustOption: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("The trust file to hold everything to.", valueName: "file"))
    var trust: String

    func verifier() throws -> Verifier {
        Verifier(trust: try readTrustFile(trust))
    }
}
