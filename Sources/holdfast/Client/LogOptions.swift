import ArgumentParser
import Foundation
import LogClient
import Tlog
import Verification

/// Which log to talk to, and what to believe of it.
struct LogOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A directory that 'holdfast init' or 'holdfast serve' made: it says the URL, the trust file and the keys.",
            discussion: "Default: ./\(LogLayout.defaultDirectory), if there is one and --trust is not given.",
            valueName: "dir"))
    var dir: String?

    @Option(help: "The log's URL, such as https://log.example.com.")
    var url: String?

    @Option(help: ArgumentHelp("The trust file: what the answers are verified under.", valueName: "file"))
    var trust: String?

    @Option(
        help: ArgumentHelp(
            "The authorities (PEM) to trust for HTTPS. Default: those of the system.", valueName: "file"))
    var ca: String?

    @Option(help: ArgumentHelp("How long one request may take.", valueName: "seconds"))
    var timeout = 30

    @Flag(help: "Print JSON, one object a line.")
    var json = false

    func validate() throws {
        guard (1...3600).contains(timeout) else {
            throw ValidationError("--timeout takes 1 to 3600 seconds, not \(timeout).")
        }
        if let url, LogURL(url) == nil {
            throw ValidationError("--url takes an http or https URL, such as https://log.example.com, not '\(url)'.")
        }
    }

    /// The directory that was named, or the default one.
    var layout: LogLayout? {
        if let dir { return LogLayout(dir) }
        let usual = LogLayout(LogLayout.defaultDirectory)
        return trust == nil && usual.exists ? usual : nil
    }

    func trustFile() throws -> TrustFile {
        guard let path = trust ?? layout?.trust else {
            throw Failure(
                .usage, "There is nothing to verify the log's answers with",
                hints: [
                    "Name the log's directory (--dir DIR), or its trust file (--trust FILE) and URL (--url URL).",
                    "The operator of the log has the trust file: log.trust in the log's directory.",
                ])
        }
        if let dir, trust == nil, !LogLayout(dir).exists {
            throw Failure(
                .usage, "There is no log in \(dir): \(LogLayout(dir).trust) is missing",
                hint: "Make one: holdfast init \(dir) --origin log.example.com/prod")
        }
        do {
            return try TrustFile(parsing: try FileBytes.read(path, limit: 1 << 20))
        } catch let error as TrustFileError {
            throw Failure(
                .usage, "\(path) is not a trust file that can be used: \(error)",
                hint: "Ask the operator of the log for it; do not take it from the log's own server.")
        }
    }

    /// The log's URL: as it was given, as the running server wrote it into its directory, as the configuration there
    /// says, or as the trust file says.
    func logURL(_ trust: TrustFile) async throws -> LogURL {
        if let text = url ?? ProcessInfo.processInfo.environment["HOLDFAST_URL"] {
            guard let url = LogURL(text) else {
                throw Failure(.usage, "HOLDFAST_URL is not an http or https URL: \(Terminal.visible(text))")
            }
            return url
        }
        if let layout, let url = await layout.servedURL() { return url }
        if let text = trust.logURL, let url = LogURL(text) { return url }
        throw Failure(.usage, "The log's URL is not known", hint: "Give it with --url URL.")
    }

    /// Runs a command against the log and closes the connections whatever comes of it.
    func withClient<R>(_ body: (LogClient) async throws -> R) async throws -> R {
        let trust = try trustFile()
        if let ca { _ = try FileBytes.read(ca, limit: 16 << 20) }
        let client = LogClient(
            url: try await logURL(trust), trust: trust, timeout: .seconds(timeout), certificates: ca)
        do {
            let result = try await body(client)
            await client.shutdown()
            return result
        } catch {
            await client.shutdown()
            throw error
        }
    }
}

/// Reading files of people's: whole, bounded, with words for what goes wrong.
enum FileBytes {
    static func read(_ path: String, limit: Int) throws -> [UInt8] {
        do {
            let handle =
                path == "-" ? FileHandle.standardInput : try FileHandle(forReadingFrom: URL(filePath: path))
            let data = try handle.read(upToCount: limit + 1) ?? Data()
            guard data.count <= limit else {
                throw Failure(.usage, "\(path) is longer than \(limit) bytes, the most that is read here")
            }
            return [UInt8](data)
        } catch let failure as Failure {
            throw failure
        } catch {
            throw unreadable(path)
        }
    }

    static func unreadable(_ path: String) -> Failure {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path) else {
            return Failure(.usage, "There is no file \(path)")
        }
        let isDirectory = attributes[.type] as? FileAttributeType == .typeDirectory
        return Failure(.usage, isDirectory ? "\(path) is a directory" : "\(path) can't be read by this user")
    }
}
