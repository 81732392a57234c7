import ArgumentParser
import COSE
import Governance
import LogClient
import Tlog
import Verification

struct RotateCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate", abstract: "Put other keys in the place of the log's own.",
        discussion: """
            Signed by an authority; where the policy asks for several, each runs the same command. With the last approval the \
            log signs with the other keys: its heads, its receipts, its seals. The server has to hold them before, and whoever             reads the log, or witnesses it, has to know them (--lines prints what trust files and lists of logs need).

              holdfast key log next-keys
              holdfast serve mylog --next-keys next-keys
              holdfast rotate --dir mylog --next-keys next-keys --lines
              holdfast rotate --dir mylog --next-keys next-keys --yes

            Afterwards 'holdfast-verify log --governance' prints the lines with the cut-offs, from which on the former keys \
            count no more.
            """)

    @Option(
        help: ArgumentHelp(
            "The directory with the keys, as 'holdfast key log' makes it; the public halves (.pub) will do.",
            valueName: "dir"))
    var nextKeys: String

    @Flag(help: "Print the lines that trust files and witnesses need beforehand, and end.")
    var lines = false

    @Flag(help: "Nothing undoes it, but another rotation: needed, but for --dry-run and --lines.")
    var yes = false

    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func validate() throws {
        guard yes || lines || statement.dryRun else {
            throw ValidationError(
                "A key that was the log's can never be its key again. Say --yes, or look with --dry-run or --lines.")
        }
    }

    func run() async throws {
        let keys = try NextKeyFiles(nextKeys)
        let trust = try log.trustFile()
        let needed = try Self.trustLines(keys, of: trust)
        if lines {
            for line in needed { Terminal.output.line(line) }
            return
        }
        let known = Set(String(decoding: trust.bytes, as: UTF8.self).split(separator: "\n").map(String.init))
        let missing = needed.filter { !known.contains($0) }
        if !missing.isEmpty, !statement.dryRun { try add(missing) }
        try await registerStatement()
    }

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        let policy = try await session.policy().policy
        let next = try NextKeyFiles(nextKeys).publicKeys(after: policy.logKeys)
        let changed = LogPublicKeys.Use.allCases.filter { next[$0] != policy.logKeys[$0] }
        guard !changed.isEmpty else {
            throw Failure(.refused, "The keys in \(nextKeys) are the log's already: there is nothing to rotate")
        }
        var draft = StatementDraft(LogRotate(logKeys: next, previous: policy.digest), about: session.origin.text)
        draft.notes = changed.map { ($0.rawValue, COSEKey(next[$0]).thumbprint.hex) }
        draft.notes.append(("takes", "\(policy.threshold) of \(policy.authorities.count)"))
        if changed.contains(.checkpoint), session.client.trust.policy.quorum != .none {
            draft.warnings = [
                "a witness that does not have the new log line in its list takes no head from then on, and without a "
                    + "quorum nothing is published"
            ]
        }
        return draft
    }

    /// The lines of the keys that change, for a file that may have them already.
    private static func trustLines(_ keys: NextKeyFiles, of trust: TrustFile) throws -> [String] {
        guard let name = trust.policy.logs.first?.key.name else { return [] }
        return try keys.uses.compactMap { use in
            guard let key = try keys.publicKey(use) else { return nil }
            switch use {
            case .checkpoint: return "log \(VerifierKey.ed25519(name: name, publicKey: key).text)"
            case .receipt, .statement: return "log-key \(use.rawValue) \(Base64.encode(key.bytes))"
            }
        }
    }

    /// The answer comes under the new keys: a trust file that does not name them could not verify it.
    private func add(_ lines: [String]) throws {
        guard log.trust == nil, let path = log.layout?.trust else {
            throw Failure(
                .usage, "The trust file does not name the next keys, so the log's answer could not be verified",
                hints: ["Add to it:"] + lines)
        }
        let before = try FileBytes.read(path, limit: 1 << 20)
        let text = "\n# Keys of the log from a rotation on.\n" + lines.map { $0 + "\n" }.joined()
        let after = before + Array(text.utf8)
        do { _ = try TrustFile(parsing: after) } catch {
            throw Failure(.refused, "\(path) can't take the lines of the next keys: \(error)")
        }
        try AtomicFile.write(after, to: path)
        Terminal.errors.line(
            "Added to \(path), and needed in every trust file of this log and in its witnesses' lists:")
        for line in lines { Terminal.errors.line("  " + line) }
    }
}
