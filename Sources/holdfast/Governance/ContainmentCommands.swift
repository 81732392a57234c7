import ArgumentParser
import Governance
import LogClient
import Tlog

struct ContainmentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "containment", abstract: "Stop a runtime, execution, model, route or domain, and let it go on.",
        discussion: """
            Nothing is permitted in what is contained. The way out: recover, then a gate's decision that the checks \
            pass again (decision revalidate), then lift.
            """,
        subcommands: [
            ContainmentEnterCommand.self, ContainmentRecoverCommand.self, ContainmentLiftCommand.self,
            ContainmentListCommand.self, ContainmentShowCommand.self,
        ])
}

struct ContainmentEnterCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "enter", abstract: "Contain: nothing in the scope is permitted from here on.",
        discussion: """
            Signed by an authority, an operator or a gate.

              holdfast containment enter runtime spiffe://example.com/agent --reason telemetry-inconsistent
              holdfast containment enter execution run-7 --reason state-divergence --evidence dump.bin
            """)

    @OptionGroup var scope: ScopeArguments

    @Option(help: "Why: one of the reasons of spec/governance.md.")
    var reason: ContainmentReason

    @Option(help: ArgumentHelp("A file that shows it; its SHA-256 is registered.", valueName: "file"))
    var evidence: String?

    @Option(help: ArgumentHelp("Its SHA-256, in the place of a file.", valueName: "hex"), transform: HexArgument.digest)
    var evidenceDigest: Hash?

    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        let scope = try scope.scope(in: session.origin.text)
        let evidence = try DigestOption.digest(evidence, evidenceDigest, "evidence")
        return StatementDraft(
            ContainmentEnter(scope: scope, reason: reason, evidence: evidence),
            about: scope.parts.joined(separator: " "))
    }
}

struct ContainmentRecoverCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "recover", abstract: "Say that what is contained is being put right.",
        discussion: "  holdfast containment recover runtime spiffe://example.com/agent")

    @OptionGroup var scope: ScopeArguments
    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        let scope = try scope.scope(in: session.origin.text)
        return StatementDraft(ContainmentRecover(scope: scope), about: scope.parts.joined(separator: " "))
    }
}

struct ContainmentLiftCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "lift", abstract: "End a containment whose checks have passed again.",
        discussion: """
            Signed by an authority, or by who has a role that the policy lets lift (governance.lifters).

              holdfast containment lift runtime spiffe://example.com/agent
            """)

    @OptionGroup var scope: ScopeArguments
    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        let scope = try scope.scope(in: session.origin.text)
        return StatementDraft(ContainmentLift(scope: scope), about: scope.parts.joined(separator: " "))
    }
}

struct TrustCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trust", abstract: "Revoke trust: a containment that nothing lifts.",
        subcommands: [TrustRevokeCommand.self])
}

struct TrustRevokeCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Contain for good: there is no way out.",
        discussion: """
            Signed by an authority or an operator. Asks for --for-good, because nothing undoes it.

              holdfast trust revoke model sorter@1.2 --reason unauthorized-modification --for-good
            """)

    @OptionGroup var scope: ScopeArguments

    @Option(help: "Why: one of the reasons of spec/governance.md.")
    var reason: ContainmentReason

    @Flag(help: "Say that it is meant: nothing lifts it.")
    var forGood = false

    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func validate() throws {
        guard forGood || statement.dryRun else {
            throw ValidationError("Nothing lifts a revocation of trust. If that is meant, add --for-good.")
        }
    }

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        let scope = try scope.scope(in: session.origin.text)
        return StatementDraft(TrustRevoke(scope: scope, reason: reason), about: scope.parts.joined(separator: " "))
    }
}
