import ArgumentParser
import LogClient
import Tlog
import WitnessServer

struct WitnessCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "witness", abstract: "Run a witness: it cosigns the checkpoints of logs that only ever append.",
        discussion: """
            A witness remembers the newest checkpoint of each log it watches, and cosigns another one only if that log \
            proves that it continues the first. Who trusts the witness then need not trust the log to show everybody \
            the same history. Any log that speaks c2sp.org/tlog-witness can be watched, any client that reads \
            c2sp.org/tlog-policy can name this witness.

              holdfast witness init w1 --name witness.example.com/w1
              echo 'VKEY of a log' >> w1/logs
              holdfast witness serve w1
            """,
        subcommands: [WitnessInitCommand.self, WitnessServeCommand.self])
}

/// Where things are in a witness's directory.
struct WitnessLayout: Sendable {
    let directory: String

    init(_ directory: String) {
        self.directory = directory
    }

    var key: String { directory + "/witness.key" }
    /// The witness's verifier key, and so its name, as a line.
    var verifierKey: String { directory + "/witness.vkey" }
    var logs: String { directory + "/logs" }
}

/// Words for what goes wrong with a witness.
extension Wording {
    static func witness(_ error: any Error, host: String, port: Int) -> any Error {
        guard let error = error as? WitnessServerError else { return serving(error, host: host, port: port) }
        switch error {
        case .plainHTTP(let host):
            return Failure(
                .usage, "The witness is not served over plain HTTP on \(host), which other machines can reach",
                hints: [
                    "With a certificate: --tls-certificate FILE --tls-key FILE",
                    "On this machine alone: --host 127.0.0.1", "Behind a proxy that speaks TLS: --allow-plain-http",
                ])
        case .logs(let file, let detail):
            return Failure(
                .usage, "The list of logs \(file) can't be used: \(Terminal.visible(detail))",
                hint: "It has a log's verifier key on each line, or is a policy file with 'log' lines.")
        case .option, .tls: return Failure(.usage, sentence(error.description))
        case .store: return Failure(.refused, sentence(error.description))
        }
    }

    static func keyName(_ text: String) throws -> KeyName {
        do {
            return try KeyName(text)
        } catch {
            throw Failure(
                .usage, "\"\(Terminal.visible(text))\" can't be a witness's name",
                hint: "A name is like witness.example.com/w1: not empty, without spaces and plus signs.")
        }
    }
}
