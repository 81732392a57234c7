import ArgumentParser
import COSE
import Governance
import LogClient
import Tlog

struct IdentityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "identity", abstract: "Enrol, rotate and revoke keys, and show them.",
        discussion: """
            An identity is a URI with one key or more. What its keys sign counts from the statement that enrols them \
            to the one that ends them. Only authorities decide on keys with the role operator.
            """,
        subcommands: [
            IdentityEnrollCommand.self, IdentityRotateCommand.self, IdentityRevokeCommand.self,
            IdentityListCommand.self, IdentityShowCommand.self,
        ])
}

struct IdentityEnrollCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "enroll", abstract: "Enrol a key: its statements count from here on.",
        discussion: """
            Signed by an authority or an operator; by an authority where the role is operator.

              holdfast key new --out agent.key
              holdfast identity enroll spiffe://example.com/agent agent.key.pub --role runtime --measurement 5e88…
            """)

    @Argument(help: ArgumentHelp("Who it is: a URI, such as a SPIFFE ID.", valueName: "uri"))
    var identity: String

    @Argument(help: ArgumentHelp("The file with its public key.", valueName: "pubfile"))
    var publicKey: String

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "What it is trusted with: operator, runtime, registrar, gate or observer. Repeat for more.",
            valueName: "role"))
    var role: [Role] = []

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("What a runtime may attest itself to be. Repeat for more.", valueName: "hex"),
        transform: HexArgument.measurement)
    var measurement: [[UInt8]] = []

    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func validate() throws {
        guard Set(role).count == role.count else { throw ValidationError("--role names a role twice.") }
        guard measurement.isEmpty || role.contains(.runtime) else {
            throw ValidationError("--measurement belongs to --role runtime.")
        }
    }

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        let key = try KeyFile.readPublic(publicKey)
        var draft = StatementDraft(
            IdentityEnroll(issuer: identity, key: key, roles: role, measurements: measurement), about: identity)
        draft.notes = [("key", COSEKey(key).thumbprint.hex)]
        return draft
    }
}

struct IdentityRotateCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate", abstract: "Put another key in the place of one: same issuer, same roles.",
        discussion: """
            Signed by the old key itself, an operator or an authority. The streams go on with the new key.

              holdfast identity rotate old.key.pub new.key.pub --key old.key
            """)

    @Argument(help: ArgumentHelp("The key that ends: its file, or its thumbprint.", valueName: "old"))
    var old: String

    @Argument(help: ArgumentHelp("The file with the new public key.", valueName: "pubfile"))
    var new: String

    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        let key = try KeyFile.readPublic(new)
        let keyID = try KeyArgument.thumbprint(old)
        var draft = StatementDraft(IdentityRotate(keyID: keyID, newKey: key), about: keyID.hex)
        draft.notes = [("new key", COSEKey(key).thumbprint.hex)]
        return draft
    }
}

struct IdentityRevokeCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "End a key, for good: its statements don't count from the next one on.",
        discussion: "  holdfast identity revoke agent.key.pub --reason 'the machine was lost'")

    @Argument(help: ArgumentHelp("The key: its file, or its thumbprint.", valueName: "key"))
    var revoked: String

    @Option(help: "Why, for people.")
    var reason: String

    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        let keyID = try KeyArgument.thumbprint(revoked)
        return StatementDraft(IdentityRevoke(keyID: keyID, reason: reason), about: keyID.hex)
    }
}
