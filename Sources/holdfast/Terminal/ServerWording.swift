import LMDBLogStore
import LogEngine
import LogServer
import LogStore
import ServiceLifecycle

/// Words for what goes wrong with a log that is to be served.
extension Wording {
    static func serving(_ error: any Error, host: String, port: Int) -> any Error {
        let text = "\(error)"
        if text.contains("EADDRINUSE") || text.contains("ddress already in use") {
            return Failure(
                .refused, "Port \(port) of \(host) is taken by another program",
                hint: "Is the log served already? Choose another port with --port; 0 lets the system choose.")
        }
        if text.contains("EACCES") || text.contains("ermission denied") {
            return Failure(
                .refused, "This user may not listen on port \(port) of \(host)",
                hint: "Choose a port above 1023: --port")
        }
        if text.contains("EADDRNOTAVAIL") || text.contains("annot assign requested address") {
            return Failure(.usage, "\(host) is not an address of this machine", hint: "Choose another: --host")
        }
        return error
    }

    static func log(_ error: LogError) -> Failure {
        switch error {
        case .anchorMissing:
            Failure(
                .refused, sentence(error.description), hint: "The option that does it: holdfast serve DIR --re-anchor")
        case .anchor(let error): anchor(error)
        default: Failure(.refused, sentence(error.description))
        }
    }

    static func anchor(_ error: AnchorError) -> Failure {
        Failure(.refused, sentence(error.description))
    }

    static func store(_ error: StoreError) -> Failure {
        switch error.code {
        case .locked:
            Failure(
                .refused, "The data directory is locked: \(error.detail)",
                hint: "Another process serves this log. Two would sign two histories.")
        case .notAStore:
            Failure(
                .refused, sentence(error.detail),
                hint: "Is this the log's directory? A log is made with 'holdfast init', once.")
        case .full:
            Failure(.refused, sentence(error.detail), hint: "Make room on the disk, or raise the setting map-size.")
        default: Failure(.refused, sentence(error.detail))
        }
    }

    static func stopped(_ reason: StopReason) -> Failure {
        Failure(
            .refused, "The log has stopped, to be safe: \(reason)",
            hints: [
                "Nothing that was acknowledged is lost. What was not answered was not registered, or is registered once.",
                "Find out why before it is started again; at the start it verifies the end of the log from the disk.",
            ])
    }

    static func server(_ error: ServerError) -> Failure {
        switch error {
        case .plainHTTP(let host):
            Failure(
                .usage, "The log is not served over plain HTTP on \(host), which other machines can reach",
                hints: [
                    "With a certificate: --tls-certificate FILE --tls-key FILE",
                    "On this machine alone: --host 127.0.0.1",
                    "Behind a proxy that speaks TLS: --allow-plain-http",
                ])
        default: Failure(.usage, sentence(error.description))
        }
    }

    /// Begins with a capital letter and has no full stop at its end.
    static func sentence(_ text: String) -> String {
        let words = text.hasSuffix(".") ? String(text.dropLast()) : text
        return words.prefix(1).uppercased() + words.dropFirst()
    }
}
