import ArgumentParser
import Governance
import LogClient
import Tlog

struct RuntimeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runtime", abstract: "What a runtime says of itself: attestation, heartbeat, telemetry.",
        discussion: "Signed by the runtime's own key (--key). What comes before is looked up in the log.",
        subcommands: [RuntimeAttestCommand.self, RuntimeHeartbeatCommand.self, RuntimeTelemetryCommand.self])
}

struct RuntimeAttestCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "attest", abstract: "Register what the runtime is measured to be.",
        discussion: "  holdfast runtime attest 5e884898da28047151d0e56f8dc62927 --key agent.key")

    @Argument(help: ArgumentHelp("The measurement.", valueName: "hex"), transform: HexArgument.measurement)
    var measurement: [UInt8]

    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        let issuer = try await session.signer(.runtimeAttest).name
        let newest = try await session.record(.attestation(issuer), AttestationRecord.self)
        return StatementDraft(
            RuntimeAttest(measurement: measurement, previous: newest?.measurement), about: issuer)
    }
}

struct RuntimeHeartbeatCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "heartbeat", abstract: "Register that the runtime is there.",
        discussion: "  holdfast runtime heartbeat --key agent.key")

    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        let issuer = try await session.signer(.runtimeHeartbeat).name
        let newest = try await session.record(.telemetry(issuer), TelemetryRecord.self)
        return StatementDraft(RuntimeHeartbeat(telemetry: newest?.digest), about: issuer)
    }
}

struct RuntimeTelemetryCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "telemetry", abstract: "Register the digest of the telemetry since the digest before.",
        discussion: """
            The telemetry itself stays where it is.

              holdfast runtime telemetry today.jsonl --from 2026-11-21T00:00:00Z --until 2026-11-21T12:00:00Z \
            --key agent.key
            """)

    @Argument(help: "The file with the telemetry; - is standard input.")
    var file: String?

    @Option(help: ArgumentHelp("Its SHA-256, in the place of a file.", valueName: "hex"), transform: HexArgument.digest)
    var fileDigest: Hash?

    @Option(
        help: ArgumentHelp("The time of its first record. Default: that after the last digest.", valueName: "time"),
        transform: TimeArgument.parse)
    var from: TimeArgument?

    @Option(
        help: ArgumentHelp("The time of its last record. Default: now.", valueName: "time"),
        transform: TimeArgument.parse)
    var until: TimeArgument?

    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        let digest = try DigestOption.required(file, fileDigest, "file")
        let issuer = try await session.signer(.telemetryDigest).name
        let newest = try await session.record(.telemetry(issuer), TelemetryRecord.self)
        let until = until?.milliseconds ?? Moment.now()
        let from = from?.milliseconds ?? newest.map { $0.until + 1 } ?? until
        guard from <= until else {
            throw Failure(
                .usage, "The telemetry ends at \(Moment.text(until)), before it begins at \(Moment.text(from))",
                hint: newest.map { "The digest before it ends at \(Moment.text($0.until))." }
                    ?? "See --from and --until.")
        }
        return StatementDraft(
            TelemetryDigest(digest: digest, previous: newest?.digest, from: from, until: until), about: issuer)
    }
}
