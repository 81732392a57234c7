import ArgumentParser
import COSE
import Governance
import LogClient
import Tlog

struct ModelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "Register versions of models, approve them, and check files against them.",
        discussion: """
            A version is what its files are: their paths and SHA-256. It may be used when it is approved under the \
            policy in force.
            """,
        subcommands: [
            ModelRegisterCommand.self, ModelApproveCommand.self, ModelRetireCommand.self, ModelRevokeCommand.self,
            ModelCheckCommand.self, ModelListCommand.self, ModelShowCommand.self,
        ])
}

/// A directory, and how it is read.
struct ModelDirectoryArguments: ParsableArguments {
    @Argument(help: ArgumentHelp("The directory with the model's files.", valueName: "dir"))
    var directory: String?

    @Flag(help: "Take what symbolic links point at. Without it, a link is refused.")
    var followSymlinks = false

    /// Hashes the directory, with progress on a terminal.
    func manifest(_ directory: String) throws -> ModelManifest {
        do throws(ModelDirectory.Faults) {
            let found = try ModelDirectory(directory, links: followSymlinks ? .follow : .refuse)
            let line = ProgressLine("hashing", total: found.bytes, unit: .bytes)
            defer { line.finish() }
            return try found.manifest { line.update($0) }
        } catch {
            throw Wording.model(error, directory)
        }
    }
}

struct ModelRegisterCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "register", abstract: "Register a version of a model: the files of a directory, and its scope.",
        discussion: """
            Signed by a registrar. Every file below the directory is hashed; the same files give the same digest, \
            whatever their order, times and modes. Where the files are on another machine, hash them there with \
            --manifest-only, and register the manifest here.

              holdfast model register ./sorter --model sorter@1.2 --action answer --purpose support --key registrar.key
              holdfast model register ./sorter --manifest-only sorter.manifest.json
              holdfast model register --manifest sorter.manifest.json --model sorter@1.2 --action answer \
            --purpose support --key registrar.key
            """)

    @OptionGroup var files: ModelDirectoryArguments

    @Option(help: ArgumentHelp("A manifest that was made before, in the place of a directory.", valueName: "file"))
    var manifest: String?

    @Option(help: ArgumentHelp("Write the manifest to this file, and register nothing.", valueName: "file"))
    var manifestOnly: String?

    @Option(
        help: ArgumentHelp("What the version is called.", valueName: "name@version"), transform: ModelArgument.parse)
    var model: ModelVersion?

    @Option(parsing: .singleValue, help: ArgumentHelp("What it may be used to do. Repeat for more.", valueName: "text"))
    var action: [String] = []

    @Option(parsing: .singleValue, help: ArgumentHelp("What for. Repeat for more.", valueName: "text"))
    var purpose: [String] = []

    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func validate() throws {
        guard (files.directory == nil) != (manifest == nil) else {
            throw ValidationError("Name a directory, or a --manifest.")
        }
        guard manifestOnly == nil else { return }
        guard model != nil else { throw ValidationError("Name the version: --model NAME@VERSION.") }
        guard !action.isEmpty, !purpose.isEmpty else {
            throw ValidationError("A model has a scope: at least one --action and one --purpose.")
        }
    }

    func run() async throws {
        guard let manifestOnly else { return try await registerStatement() }
        let manifest = try read()
        do {
            try AtomicFile.write(Array((manifest.json.text(.pretty) + "\n").utf8), to: manifestOnly)
        } catch {
            throw Failure(.refused, "\(manifestOnly) can't be written: \(SystemReason.text(error))")
        }
        if log.json {
            Terminal.output.line(
                JSON.object([
                    JSONMember("manifest", .string(manifestOnly)), JSONMember("digest", .string(manifest.digest.hex)),
                    JSONMember("files", JSON(UInt64(manifest.files.count))),
                    JSONMember("bytes", manifest.bytes.map { JSON($0) } ?? .null),
                ]).text())
        } else {
            Terminal.output.line(
                "wrote \(manifestOnly): \(Self.extent(manifest)), "
                    + "digest \(manifest.digest)")
        }
    }

    /// How many files, and how large they are together.
    static func extent(_ manifest: ModelManifest) -> String {
        let count = "\(manifest.files.count) \(manifest.files.count == 1 ? "file" : "files")"
        return manifest.bytes.map { "\(count), \(ByteText.text($0))" } ?? count
    }

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        guard let model else { throw Failure(.usage, "Name the version: --model NAME@VERSION") }
        let manifest = try read()
        let register = ModelRegister(model: model, manifest: manifest.entries, actions: action, purposes: purpose)
        var draft = StatementDraft(register, about: ModelArgument.text(model))
        draft.notes = [("files", "\(manifest.files.count)"), ("digest", register.digest.hex)]
        if let bytes = manifest.bytes { draft.notes.insert(("bytes", "\(bytes)"), at: 1) }
        return draft
    }

    private func read() throws -> ModelManifest {
        if let directory = files.directory { return try files.manifest(directory) }
        return try ManifestFile.read(manifest ?? "")
    }
}

enum ManifestFile {
    static func read(_ path: String) throws -> ModelManifest {
        do {
            return try ModelManifest(parsing: try FileBytes.read(path, limit: 64 << 20))
        } catch let error as ModelManifest.Malformed {
            throw Wording.manifest(error, path)
        }
    }
}

struct ModelApproveCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve", abstract: "Let a registered version be used under the policy in force.",
        discussion: """
            Signed by an authority or an operator. A change of the policy needs a new approval.

              holdfast model approve sorter@1.2
            """)

    @Argument(
        help: ArgumentHelp("The version.", valueName: "name@version"), transform: ModelArgument.parse)
    var model: ModelVersion

    @Option(
        help: ArgumentHelp(
            "The digest of the policy that it is approved under. Default: that of the policy in force.",
            valueName: "hex"), transform: HexArgument.digest)
    var policy: Hash?

    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        var digest = policy
        if digest == nil { digest = try await session.policy().policy.digest }
        let approve = ModelApprove(model: model, policy: digest ?? .zero)
        var draft = StatementDraft(approve, about: ModelArgument.text(model))
        draft.notes = [("policy", approve.policy.hex)]
        return draft
    }
}

struct ModelRetireCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "retire", abstract: "No new use of a version; what runs may end.",
        discussion: "  holdfast model retire sorter@1.2")

    @Argument(help: ArgumentHelp("The version.", valueName: "name@version"), transform: ModelArgument.parse)
    var model: ModelVersion

    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        StatementDraft(ModelRetire(model: model), about: ModelArgument.text(model))
    }
}

struct ModelRevokeCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "No use of a version, for good.",
        discussion: "  holdfast model revoke sorter@1.2 --reason 'trained on what it may not know'")

    @Argument(help: ArgumentHelp("The version.", valueName: "name@version"), transform: ModelArgument.parse)
    var model: ModelVersion

    @Option(help: "Why, for people.")
    var reason: String

    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        StatementDraft(ModelRevoke(model: model, reason: reason), about: ModelArgument.text(model))
    }
}

struct ModelCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Compare a directory with a manifest, or with what a log has registered.",
        discussion: """
            Names each file that is missing, was added, or is another one. Exit status 1 if there is a difference.

              holdfast model check ./sorter --manifest sorter.manifest.json
              holdfast model check ./sorter --model sorter@1.2
            """)

    @OptionGroup var files: ModelDirectoryArguments

    @Option(help: ArgumentHelp("The manifest.", valueName: "file"))
    var manifest: String?

    @Option(
        help: ArgumentHelp("A version that the log has.", valueName: "name@version"), transform: ModelArgument.parse)
    var model: ModelVersion?

    @OptionGroup var reading: ReadingOptions
    @OptionGroup var log: LogOptions

    func validate() throws {
        guard files.directory != nil else { throw ValidationError("Name the directory.") }
        guard (manifest == nil) != (model == nil) else {
            throw ValidationError("Name what to compare with: --manifest FILE, or --model NAME@VERSION.")
        }
    }

    func run() async throws {
        let expected: ModelManifest
        if let manifest {
            expected = try ManifestFile.read(manifest)
        } else {
            expected = try await registered()
        }
        let found = try files.manifest(files.directory ?? "")
        let differences = expected.differences(in: found)
        show(differences, expected, found)
        if !differences.isEmpty { throw ExitCode(ExitStatus.refused.rawValue) }
    }

    /// The manifest of a version in the log: the state says which statement registered it.
    private func registered() async throws -> ModelManifest {
        guard let model else { throw Failure(.usage, "Name the version: --model NAME@VERSION") }
        return try await log.withClient { client in
            var session = try GovernanceSession(client: client, log: log, replays: reading.replay)
            guard let record = try await session.record(.model(model), ModelRecord.self) else {
                throw Failure(
                    .refused, "The log has no model \(Terminal.visible(ModelArgument.text(model)))",
                    hint: "holdfast model list shows those there are.")
            }
            guard let statement = try await client.statement(record.entry),
                let event = try? Event(decoding: statement.payload), let data = try? ModelRegister(event.data)
            else { throw Wording.noSuchEntry(.leafHash(record.entry)) }
            return ModelManifest(data)
        }
    }

    private func show(_ differences: [ModelManifest.Difference], _ expected: ModelManifest, _ found: ModelManifest) {
        if log.json {
            let list = differences.map { difference -> JSON in
                switch difference {
                case .missing(let path): ["path": .string(path), "difference": "missing"]
                case .added(let path): ["path": .string(path), "difference": "added"]
                case .changed(let path, let expected, let found):
                    [
                        "path": .string(path), "difference": "changed", "expected": .string(expected.hex),
                        "found": .string(found.hex),
                    ]
                }
            }
            let whole: JSON = [
                "same": .bool(differences.isEmpty), "digest": .string(found.digest.hex),
                "expected": .string(expected.digest.hex), "differences": .array(list),
            ]
            return Terminal.output.line(whole.text())
        }
        let terminal = Terminal.output
        for difference in differences {
            switch difference {
            case .missing(let path): terminal.line("missing  \(Terminal.visible(path))")
            case .added(let path): terminal.line("added    \(Terminal.visible(path))")
            case .changed(let path, let expected, let found):
                terminal.line("changed  \(Terminal.visible(path)): \(found), not \(expected)")
            }
        }
        let same = terminal.styled("same", .green)
        terminal.line(
            differences.isEmpty
                ? "\(same)  \(ModelRegisterCommand.extent(found)), digest \(found.digest)"
                : "\(differences.count) differences; digest \(found.digest), not \(expected.digest)")
    }
}

extension Wording {
    static func model(_ error: ModelDirectory.Faults, _ directory: String) -> Failure {
        let shown = error.faults.prefix(20).map(sentence(about:))
        var hints = Array(shown.dropFirst())
        if error.faults.count > shown.count { hints.append("and \(error.faults.count - shown.count) more") }
        if error.faults.contains(where: { if case .symbolicLink = $0 { true } else { false } }) {
            hints.append("To take what links point at: --follow-symlinks")
        }
        return Failure(.refused, "\(Terminal.visible(directory)) can't be hashed: \(shown.first ?? "")", hints: hints)
    }

    private static func sentence(about fault: ModelDirectory.Fault) -> String {
        switch fault {
        case .notADirectory(let path): "\(Terminal.visible(path)) is no directory"
        case .empty(let path): "\(Terminal.visible(path)) has no file in it"
        case .symbolicLink(let path): "\(Terminal.visible(path)) is a symbolic link"
        case .loop(let path): "\(Terminal.visible(path)) is a link that leads nowhere, or back to where it is"
        case .special(let path, let kind): "\(Terminal.visible(path)) is \(kind)"
        case .unreadable(let path, let reason): "\(Terminal.visible(path)) can't be read: \(reason)"
        case .name(let path): "\(Terminal.visible(path)) is a name that no manifest can have"
        case .changed(let path): "\(Terminal.visible(path)) was changed while it was read"
        }
    }

    static func manifest(_ error: ModelManifest.Malformed, _ path: String) -> Failure {
        let reason =
            switch error {
            case .json(let error): "it is not JSON: \(error)"
            case .format: "it has no \"format\": \"\(ModelManifest.format)\""
            case .field(let field): "its \(field) is missing, or of another kind"
            case .digest(let stated, let computed):
                "its digest is \(Terminal.visible(stated)), and its files give \(computed)"
            case .samePath(let file): "it has \(Terminal.visible(file)) twice"
            }
        return Failure(
            .usage, "\(path) is not a manifest that can be used: \(reason)",
            hint: "Make one: holdfast model register DIR --manifest-only FILE")
    }
}
