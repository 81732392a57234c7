import ArgumentParser
import COSE
import Foundation
import Governance
import LogClient
import Tlog

struct KeyLogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Make a log's own keys, for a rotation: those that are to take the place of the present ones.",
        discussion: """
            Writes checkpoint.key, receipt.key and statement.key, and the public key of each beside it. The server gets the \
            directory before the rotation (holdfast serve --next-keys DIR); authorities need the .pub files alone.

              holdfast key log next-keys
              holdfast key log next-keys --use checkpoint
            """)

    @Argument(help: ArgumentHelp("The directory; it is made where it is not there.", valueName: "dir"))
    var directory: String

    @Option(
        help: ArgumentHelp(
            "Make only the key of this use (checkpoint, receipt or statement), and let the others stay; may be repeated.",
            valueName: "use"), transform: Self.use)
    var use: [LogPublicKeys.Use] = []

    private static func use(_ text: String) throws -> LogPublicKeys.Use {
        guard let use = LogPublicKeys.Use(rawValue: text) else {
            throw ValidationError("It takes checkpoint, receipt or statement.")
        }
        return use
    }

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() throws {
        let uses = LogPublicKeys.Use.allCases.filter { use.isEmpty || use.contains($0) }
        let paths = uses.map { NextKeyFiles.path($0, in: directory) }
        let files = FileManager.default
        for path in paths + paths.map({ $0 + ".pub" }) where files.fileExists(atPath: path) {
            throw Failure(
                .refused, "\(path) is there already, and no key is overwritten", hint: "Name another directory.")
        }
        do {
            try files.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw Failure(.refused, "\(directory) can't be made: \(error.localizedDescription)")
        }
        var thumbprints: [String: String] = [:]
        for (use, path) in zip(uses, paths) {
            let key = Ed25519.SigningKey.generate()
            try KeyFile.create(key, at: path)
            thumbprints[use.rawValue] = COSEKey(key.publicKey).thumbprint.hex
            if !json {
                Terminal.output.line("\(Columns.padded(use.rawValue, 10))  \(COSEKey(key.publicKey).thumbprint)")
            }
        }
        if json { return JSONLine.print(thumbprints) }
        Terminal.errors.line(
            "Wrote \(uses.count) keys to \(directory): keep the .key files as secret as the present ones.")
    }
}
