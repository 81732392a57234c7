import Foundation
import LogClient

/// Where things are in a log's directory, as `holdfast init` makes it.
struct LogLayout: Sendable {
    /// What commands use when no directory is named.
    static let defaultDirectory = "holdfast-log"

    let directory: String

    init(_ directory: String) {
        self.directory = directory
    }

    var configuration: String { directory + "/holdfast.yaml" }
    var trust: String { directory + "/log.trust" }
    var genesis: String { directory + "/genesis.cose" }
    var data: String { directory + "/data" }
    var anchorDirectory: String { directory + "/anchor" }
    var anchor: String { anchorDirectory + "/signed-head" }
    var keys: String { directory + "/keys" }
    var checkpointKey: String { keys + "/checkpoint.key" }
    var receiptKey: String { keys + "/receipt.key" }
    var statementKey: String { keys + "/statement.key" }
    var authorityKey: String { keys + "/authority.key" }
    var issuerKey: String { keys + "/issuer.key" }
    /// While a server runs: its URL.
    var address: String { directory + "/log.url" }

    /// Whether there is a log here.
    var exists: Bool { [trust, configuration].contains { FileManager.default.fileExists(atPath: $0) } }
}

extension LogLayout {
    /// The URL that a running server wrote down, or that it would have by the configuration.
    func servedURL() async -> LogURL? {
        if let text = try? String(contentsOf: URL(filePath: address), encoding: .utf8) {
            return LogURL(text.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        let environment = ProcessInfo.processInfo.environment
        guard
            let settings = try? await ServeConfiguration(
                flags: [:], environment: environment, file: configuration, directory: directory),
            let host = try? settings.text(.host), let port = try? settings.number(.port, 1...65_535),
            let certificate = try? settings.text(.tlsCertificate)
        else { return nil }
        let name = host.contains(":") ? "[\(host)]" : host
        return LogURL("\(certificate.isEmpty ? "http" : "https")://\(name):\(port)")
    }
}
