import ArgumentParser
import COSE
import Governance
import LogClient
import Tlog

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make a log: its keys, its first policy, its trust file.",
        discussion: """
            Entry 0 of the log is its first policy: the log's keys, the authority that signed it, the issuers whose \
            statements it takes, and its limits. Its authorities can set another later, and enrol issuers, by statements.

              holdfast init mylog --origin log.example.com/prod
              holdfast init mylog --origin log.example.com/prod --issuer spiffe://example.com/agent=agent.key.pub

            Without --issuer a first issuer is made, so that 'holdfast submit --dir mylog' works at once.
            """)

    @Argument(help: ArgumentHelp("The log's directory; it does not exist yet, or is empty.", valueName: "dir"))
    var directory: String

    @Option(help: "The log's name for ever, such as log.example.com/prod: unique, without a scheme.")
    var origin: String

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "Enrol an issuer: its URI, and the file with its public key. Repeat for more.",
            valueName: "uri=pubkeyfile"))
    var issuer: [String] = []

    @Option(help: ArgumentHelp("The authority's secret key. Default: a new one.", valueName: "keyfile"))
    var authority: String?

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "Take opaque statements of this media type; '*' is any, 'none' is events alone. Repeat for more. Default: *",
            valueName: "type"))
    var accept: [String] = []

    @Option(
        help: ArgumentHelp(
            "A JSON file with members of the policy that are to be otherwise: limits, rates, issuers, contentTypes.",
            valueName: "file"))
    var policy: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() throws {
        var creation = LogCreation(origin: try Self.origin(origin))
        creation.issuers = try issuer.map(Self.issuer)
        creation.authorityPath = authority
        if !accept.isEmpty { creation.contentTypes = try Self.contentTypes(accept) }
        creation.policyChanges = try policy.map(Self.changes)
        let result = try creation.make(in: directory)
        if json { return Self.printJSON(result) }
        Self.print(result, authorityIsNew: authority == nil)
    }

    static func origin(_ text: String) throws -> Origin {
        // c2sp.org/tlog-checkpoint: the origin "SHOULD be a schema-less URL". It is for ever, so a slip counts.
        if let scheme = text.firstRange(of: "://") {
            throw Failure(
                .usage, "\"\(Terminal.visible(text))\" begins with a scheme, which a log's origin has not",
                hint: "Leave it out: --origin \(Terminal.visible(String(text[scheme.upperBound...])))")
        }
        do {
            return try Origin(text)
        } catch {
            throw Failure(
                .usage, "\"\(Terminal.visible(text))\" can't be a log's origin",
                hint: "An origin is like log.example.com/prod: without spaces, control characters and plus signs.")
        }
    }

    /// What the policy has for the values of --accept.
    private static func contentTypes(_ values: [String]) throws -> [String] {
        if values == ["none"] { return [] }
        for value in values where value != "*" && value != "hash-envelope" && !ContentType.isWellFormed(value) {
            throw Failure(
                .usage, "--accept takes a media type, not \(Terminal.visible(value))",
                hints: [
                    "A media type is like text/plain or application/vnd.in-toto+json; hash-envelope is a digest of anything.",
                    value == "none"
                        ? "'none' stands alone: it is no statement but events." : "'*' is any, 'none' is events alone.",
                ])
        }
        return values
    }

    private static func issuer(_ text: String) throws -> (uri: String, key: Ed25519.PublicKey) {
        // A URI may have an equals sign in it, a file name hardly ever: the last one counts.
        guard let cut = text.lastIndex(of: "="), cut != text.startIndex, text.index(after: cut) != text.endIndex else {
            throw Failure(
                .usage, "--issuer takes URI=PUBKEYFILE, not \(Terminal.visible(text))",
                hint: "For example: --issuer spiffe://example.com/agent=agent.key.pub")
        }
        return (String(text[..<cut]), try KeyFile.readPublic(String(text[text.index(after: cut)...])))
    }

    private static func changes(_ path: String) throws -> JSON {
        do {
            return try JSON(parsing: try FileBytes.read(path, limit: 1 << 20))
        } catch let error as JSONError {
            throw Failure(.usage, "\(path) is not JSON: \(error)")
        }
    }

    private static func printJSON(_ result: LogCreation.Result) {
        JSONLine.print([
            "directory": result.layout.directory, "origin": result.policy.origin.text,
            "genesis": result.genesis.leafHash.hex, "trust": result.layout.trust,
            "authority": COSEKey(result.policy.authorities[0]).thumbprint.hex,
            "firstIssuer": result.firstIssuer ?? "",
        ])
    }

    static func print(_ result: LogCreation.Result, authorityIsNew: Bool) {
        let terminal = Terminal.output
        let layout = result.layout
        terminal.line("Made the log \(result.policy.origin) in \(layout.directory)")
        terminal.line("  genesis     \(result.genesis.leafHash)")
        if let issuer = result.firstIssuer {
            terminal.line("  issuer      \(issuer), key in \(layout.issuerKey)")
        }
        for issuer in result.policy.issuers where issuer.issuer != result.firstIssuer {
            terminal.line("  issuer      \(Terminal.visible(issuer.issuer))")
        }
        terminal.line("  trust file  \(layout.trust): give it to those who verify")
        if authorityIsNew {
            terminal.line("  authority   \(layout.authorityKey): not needed to serve; take it off this machine")
        }
        terminal.line("  anchor      \(layout.anchor): remembers what was signed last. For a log that matters, move it")
        terminal.line("              to another disk (setting 'anchor'), and never restore it from a backup")
        terminal.line("")
        terminal.line("Next:  holdfast serve \(layout.directory)")
        if result.firstIssuer != nil {
            terminal.line("       holdfast submit --dir \(layout.directory) event.json")
        }
    }
}
