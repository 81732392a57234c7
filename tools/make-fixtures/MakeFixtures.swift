import Foundation

/// Writes the project's test vectors, byte for byte the same each time:
///
///     make-fixtures [DIRECTORY]
///
/// The directory is `fixtures` unless given. Keys come from fixed seeds and times are constants, so that a change in
/// the output is a change in what the code does.
@main
struct MakeFixtures {
    /// Each part of the project adds its suites here by one line.
    static let suites: [FixtureSuite] = [
        TlogFixtures.suites, COSEFixtures.suites, GovernanceFixtures.suites, VerificationFixtures.suites,
        WitnessFixtures.suites, MonitorFixtures.suites,
    ].flatMap { $0 }

    static func main() throws {
        let directory = URL(filePath: CommandLine.arguments.dropFirst().first ?? "fixtures")
        for suite in suites {
            for (name, bytes) in try suite.files() {
                let file = directory.appending(path: suite.folder).appending(path: name)
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(bytes).write(to: file, options: .atomic)
            }
        }
    }
}
