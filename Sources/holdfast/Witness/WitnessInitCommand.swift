import ArgumentParser
import Foundation
import LogClient
import Tlog

struct WitnessInitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make a witness: its key, and an empty list of logs.",
        discussion: """
            Prints the witness's verifier key, and the line by which a policy or trust file names it. A key belongs to \
            one witness and one name for ever: a second witness gets a key of its own.
            """)

    @Argument(help: ArgumentHelp("The witness's directory; it does not exist yet, or is empty.", valueName: "dir"))
    var directory: String

    @Option(help: "The witness's name for ever, such as witness.example.com/w1: unique, without a scheme.")
    var name: String

    @Flag(help: "Print one JSON object.")
    var json = false

    private static let logsTemplate = """
        # The logs that this witness watches, a verifier key on each line, or 'log VKEY [URL]' as in a policy file.
        # A log that is changing its key has a line for each of its keys. Read again when it changes, and on SIGHUP.

        """

    func run() throws {
        let keyName = try Wording.keyName(name)
        let layout = WitnessLayout(directory)
        do {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            guard try FileManager.default.contentsOfDirectory(atPath: directory).isEmpty else {
                throw Failure(
                    .refused, "\(directory) is not empty, and nothing in it is overwritten",
                    hint: "Name a directory that does not exist.")
            }
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(.refused, "The directory \(directory) can't be made: \(error.localizedDescription)")
        }
        let key = Ed25519.SigningKey.generate()
        try KeyFile.create(key, at: layout.key)
        let verifier = VerifierKey.cosigner(name: keyName, publicKey: key.publicKey)
        try AtomicFile.write(Array(Self.logsTemplate.utf8), to: layout.logs)
        // Last: what has this file is a whole witness.
        try AtomicFile.write(Array((verifier.text + "\n").utf8), to: layout.verifierKey)
        let policyLine = "witness \(keyName) \(verifier)"
        if json {
            return JSONLine.print([
                "directory": directory, "name": keyName.text, "vkey": verifier.text, "policy": policyLine,
                "key": layout.key, "logs": layout.logs,
            ])
        }
        let terminal = Terminal.output
        terminal.line("Made the witness \(keyName) in \(directory)")
        terminal.line("  key          \(layout.key): secret")
        terminal.line("  logs         \(layout.logs): put a verifier key of each log there, one a line")
        terminal.line("  vkey         \(verifier)")
        terminal.line("")
        terminal.line("In policy and trust files (with the witness's URL behind it, where the log reads them):")
        terminal.line(policyLine)
        terminal.line("")
        terminal.line("Next:  holdfast witness serve \(directory)")
    }
}
