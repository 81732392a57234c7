import ArgumentParser
import COSE
import Foundation
import Governance
import LogClient
import Tlog
import Verification

/// What to register, and how to sign it.
struct SubmitOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("Event files (JSON), or any files with --evidence or --hash; - is standard input."))
    var files: [String] = []

    @Option(help: ArgumentHelp("Also the events of this file, one JSON object a line.", valueName: "file"))
    var fromJsonl: String?

    @Option(help: ArgumentHelp("The secret key to sign with. Default: the one in --dir.", valueName: "file"))
    var key: String?

    @Option(
        help: ArgumentHelp(
            "Who makes the statements. Default: whom the log knows by the key.",
            valueName: "uri"))
    var issuer: String?

    @Option(help: "The stream of events that name none.")
    var stream = "main"

    @Option(help: "The type of events that name none.")
    var type: String?

    @Option(
        help: "What the statements are about, where the file does not say. Default: the stream, or the file's name.")
    var subject: String?

    @Flag(help: "Register the files themselves, whatever is in them.")
    var evidence = false

    @Flag(help: "Register the files' SHA-256 only (hash envelope): for files that are large or must not be shown.")
    var hash = false

    @Option(help: ArgumentHelp("The media type of the files, with --evidence or --hash.", valueName: "type"))
    var contentType: String?

    @Option(help: ArgumentHelp("Where the files are kept, with --hash.", valueName: "uri"))
    var location: String?

    @Option(help: ArgumentHelp("Where to write NAME.cose, NAME.transparent and NAME.tlog-proof.", valueName: "dir"))
    var out = "."

    @Option(
        help: ArgumentHelp(
            "Where to remember streams. Default: in --dir, or ~/.local/state/holdfast.", valueName: "dir"))
    var state: String?

    @Flag(help: "Register again what was registered before: a new statement, in new files.")
    var again = false

    func validate() throws {
        guard !files.isEmpty || fromJsonl != nil else {
            throw ValidationError("Name at least one file, or --from-jsonl FILE.")
        }
        guard !(evidence && hash) else { throw ValidationError("--evidence and --hash exclude each other.") }
        guard evidence || hash || (contentType == nil && location == nil) else {
            throw ValidationError("--content-type and --location belong to --evidence or --hash.")
        }
        guard location == nil || hash else { throw ValidationError("--location belongs to --hash.") }
        guard fromJsonl == nil || !(evidence || hash) else {
            throw ValidationError("--from-jsonl takes events, not --evidence or --hash.")
        }
    }

    // MARK: Inputs

    func inputs() throws -> [SubmitInput] {
        var inputs: [SubmitInput] = []
        for file in files { inputs.append(try input(file)) }
        if let fromJsonl { inputs += try lines(fromJsonl) }
        var seen: [String: Int] = [:]
        return inputs.map { input in
            // Files of one name from several directories.
            let number = seen[input.name, default: 0] + 1
            seen[input.name] = number
            return number == 1 ? input : SubmitInput(name: "\(input.name)-\(number)", material: input.material)
        }
    }

    private var defaults: EventFile.Defaults {
        EventFile.Defaults(type: type, stream: stream, subject: subject)
    }

    private func input(_ file: String) throws -> SubmitInput {
        let url = URL(filePath: file)
        let wholeName = file == "-" ? "stdin" : url.lastPathComponent
        if hash {
            let envelope = HashEnvelope(preimageContentType: contentType, payloadLocation: location)
            return SubmitInput(
                name: wholeName,
                material: .digest(try FileDigest.sha256(file), envelope, subject: subject ?? wholeName))
        }
        if evidence {
            let bytes: [UInt8]
            do {
                bytes = try FileBytes.read(file, limit: SignedStatement.entryByteLimit)
            } catch let failure as Failure where failure.message.contains("longer than") {
                throw Failure(
                    failure.status, failure.message,
                    hint: "Register its digest instead: --hash, in place of --evidence.")
            }
            let type = contentType ?? "application/octet-stream"
            return SubmitInput(
                name: wholeName, material: .evidence(bytes, contentType: type, subject: subject ?? wholeName))
        }
        let bytes = try FileBytes.read(file, limit: 1 << 20)
        do throws(EventFile.Fault) {
            let name = file == "-" ? "stdin" : url.deletingPathExtension().lastPathComponent
            return SubmitInput(name: name, material: .event(try EventFile.item(bytes, defaults: defaults)))
        } catch {
            throw Wording.eventFile(error, file: file, line: nil)
        }
    }

    private func lines(_ file: String) throws -> [SubmitInput] {
        let items = EventFile.lines(try FileBytes.read(file, limit: 256 << 20), defaults: defaults)
        guard !items.isEmpty else { throw Failure(.usage, "\(file) has no event in it") }
        let width = max(4, String(items.last?.line ?? 1).count)
        let stem = file == "-" ? "stdin" : URL(filePath: file).deletingPathExtension().lastPathComponent
        return try items.map { line, item in
            switch item {
            case .failure(let fault):
                throw Wording.eventFile(fault, file: file, line: line)
            case .success(let item):
                let digits = String(line)
                let number = String(repeating: "0", count: max(0, width - digits.count)) + digits
                return SubmitInput(name: "\(stem)-\(number)", material: .event(item))
            }
        }
    }

    // MARK: Signing

    func keyPath(_ layout: LogLayout?) throws -> String {
        guard let path = key ?? layout?.issuerKey else {
            throw Failure(
                .usage, "There is no key to sign with",
                hints: [
                    "Give one with --key FILE. To make one: holdfast key new --out FILE",
                    "Its public key must be enrolled in the log: holdfast identity enroll URI FILE.pub --role ROLE",
                ])
        }
        if key == nil, !FileManager.default.fileExists(atPath: path) {
            throw Failure(
                .usage, "\(path) is not there, or not for this user to read, so there is no key to sign with",
                hint: "Give the key of an enrolled issuer with --key FILE.")
        }
        return path
    }
}

/// Where streams are remembered.
enum LedgerDirectory {
    /// - Parameter state: the directory that was asked for, if one was.
    static func path(_ state: String?, _ layout: LogLayout?) -> String {
        if let state { return state }
        if let layout { return layout.directory + "/state" }
        let environment = ProcessInfo.processInfo.environment
        let base = environment["XDG_STATE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        return (base ?? (environment["HOME"] ?? ".") + "/.local/state") + "/holdfast"
    }
}
