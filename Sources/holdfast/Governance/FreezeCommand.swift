import ArgumentParser
import COSE
import Governance
import LogClient
import Tlog

struct FreezeCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "freeze", abstract: "End a log for good, and name the one that goes on.",
        discussion: """
            Signed by an authority; where the policy asks for several, each runs the same command. From the last approval on \
            the log refuses every new statement and keeps serving what it has. Its last statement, and the key "frozen" of \
            its state, name the successor, whose genesis is named too: with the digest, or with its file.

              holdfast freeze --dir old --successor log.example.com/2027 --genesis new/genesis.cose --yes
              holdfast prove --state frozen --dir old
            """)

    @Option(help: ArgumentHelp("The origin of the log that goes on.", valueName: "origin"))
    var successor: String

    @Option(help: ArgumentHelp("Its entry 0: the file of it, or its leaf hash.", valueName: "file|hex"))
    var genesis: String

    @Flag(help: "Nothing undoes it: needed, but for --dry-run.")
    var yes = false

    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func validate() throws {
        guard yes || statement.dryRun else {
            throw ValidationError(
                "A frozen log takes nothing any more, and nothing undoes that. Say --yes, or look with --dry-run.")
        }
    }

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        let origin: Origin
        do { origin = try Origin(successor) } catch { throw Failure(.usage, "--successor: \(error)") }
        guard origin != session.origin else {
            throw Failure(.usage, "--successor names this log itself; it takes the origin of another one")
        }
        let policy = try await session.policy().policy
        let data = LogFreeze(successor: origin.text, genesis: try Self.leafHash(genesis))
        var draft = StatementDraft(data, about: origin.text)
        draft.notes = [
            ("successor", origin.text), ("genesis", data.genesis.hex),
            ("takes", "\(policy.threshold) of \(policy.authorities.count)"),
        ]
        return draft
    }

    private static func leafHash(_ text: String) throws -> Hash {
        if let hash = Hash(hex: text) { return hash }
        let entry: SignedStatement
        do {
            entry = try SignedStatement(decoding: try FileBytes.read(text, limit: SignedStatement.entryByteLimit))
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(.usage, "\(Terminal.visible(text)) is not a log's entry 0: \(error)")
        }
        do { _ = try Genesis.policy(of: entry) } catch {
            throw Failure(.usage, "\(Terminal.visible(text)) is not a log's entry 0: \(error)")
        }
        return entry.leafHash
    }
}
