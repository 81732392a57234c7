import ArgumentParser
import Governance
import LogClient
import Tlog
import Verification

struct SubmitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit", abstract: "Sign statements and register them; verify the log's answers.",
        discussion: """
            An event file is a JSON object: {"type": "execution.note", "data": {…}}, and if you like "stream", \
            "subject" and "trace". Its number in the stream, its predecessor and its time are filled in.

              holdfast submit --dir LOG event.json
              holdfast submit --dir LOG --evidence --content-type application/vnd.cyclonedx+json sbom.json
              holdfast submit --dir LOG --hash model.safetensors
              holdfast submit --url https://log.example.com --trust log.trust --key my.key event.json

            A run that was cut off can be repeated as it was: what is registered stays as it is, what was signed is \
            sent again unchanged, and the log keeps one copy. Nothing is written before the log's answer is verified \
            under the trust file, except the statement itself (NAME.cose).
            """)

    @OptionGroup var log: LogOptions
    @OptionGroup var submit: SubmitOptions

    func run() async throws {
        let inputs = try submit.inputs()
        try await log.withClient { client in
            let trust = client.trust
            guard let origin = trust.genesis?.policy?.origin else { throw Wording.noGenesis() }
            var session = try GovernanceSession(client: client, log: log, replays: false, issuer: submit.issuer)
            let issuer = try await session.signer(at: try submit.keyPath(log.layout))
            var run = SubmitRun(
                client: session.client, issuer: issuer,
                output: SubmitRun.Output(directory: submit.out, again: submit.again),
                ledgerDirectory: LedgerDirectory.path(submit.state, log.layout), origin: origin, count: inputs.count)
            do {
                try await run.register(inputs)
            } catch {
                show(run.outcomes, of: inputs.count)
                // A refusal is not signed. Where it comes from another log, that is what has to be said.
                if let failure = error as? Failure, failure.status == .refused {
                    do {
                        _ = try await client.checkpoint()
                    } catch ClientError.notVerified(let report) {
                        throw ClientError.notVerified(report)
                    } catch {}
                }
                throw error
            }
            show(run.outcomes, of: inputs.count)
        }
    }

    private struct OutcomeLine: Encodable {
        let name: String
        let index: UInt64
        let id: String
        let duplicate: Bool
        let statement: String
        let transparent: String
        let proof: String
        /// That the signer was enrolled, where the genesis does not say.
        let state: String?
    }

    private func show(_ outcomes: [SubmitRun.Outcome], of count: Int) {
        if log.json {
            for outcome in outcomes {
                JSONLine.print(
                    OutcomeLine(
                        name: outcome.name, index: outcome.index, id: outcome.id.hex,
                        duplicate: outcome.isDuplicate, statement: outcome.files.statement,
                        transparent: outcome.files.transparent, proof: outcome.files.proof,
                        state: outcome.files.hasState ? outcome.files.state : nil))
            }
            return
        }
        let terminal = Terminal.output
        if outcomes.count <= 10 {
            for outcome in outcomes {
                let what = outcome.isDuplicate ? "is registered already: entry" : "is entry"
                terminal.line("\(outcome.name) \(what) \(outcome.index), verified  \(outcome.files.transparent)")
            }
        } else {
            let old = outcomes.count { $0.isDuplicate }
            let indices = outcomes.map(\.index)
            let range = "between \(indices.min() ?? 0) and \(indices.max() ?? 0)"
            terminal.line("\(outcomes.count - old) statements registered and verified, \(old) were there already")
            terminal.line("entries \(range), files in \(submit.out)")
        }
        if outcomes.count < count, count > 1 {
            Terminal.errors.line("\(count - outcomes.count) of \(count) are not registered:")
        }
    }
}
