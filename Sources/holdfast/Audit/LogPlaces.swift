import Foundation
import Governance
import LogClient
import LogStore
import Monitor
import Synchronization
import Tlog
import Verification

/// Opens logs by what people name them: a URL, or a directory.
final class LogPlaces: Sendable {
    private let trust: TrustFile
    private let timeout: Int
    private let certificates: String?
    private let clients = Mutex<[LogClient]>([])

    init(trust: TrustFile, timeout: Int, certificates: String?) {
        self.trust = trust
        self.timeout = timeout
        self.certificates = certificates
    }

    func files(_ name: String) throws -> any LogFiles {
        if let url = LogURL(name) {
            let client = LogClient(url: url, trust: trust, timeout: .seconds(timeout), certificates: certificates)
            clients.withLock { $0.append(client) }
            return client
        }
        let attributes = try? FileManager.default.attributesOfItem(atPath: name)
        guard attributes?[.type] as? FileAttributeType == .typeDirectory else {
            throw Failure(
                .usage, "\(Terminal.visible(name)) is neither a directory nor a URL",
                hint: "A URL begins with http:// or https://.")
        }
        return DirectoryFiles(name)
    }

    func shutdown() async {
        for client in clients.withLock({ $0 }) { await client.shutdown() }
    }
}

extension TrustText {
    /// Reads the trust file that was named.
    static func read(_ path: String?, of log: String) throws -> TrustFile {
        guard let path else {
            throw Failure(
                .usage, "There is nothing to check \(Terminal.visible(log)) with",
                hint: "Name its trust file: --trust FILE")
        }
        do {
            return try TrustFile(parsing: try FileBytes.read(path, limit: 1 << 20))
        } catch let error as TrustFileError {
            throw Failure(.usage, "\(path) is not a trust file that can be used: \(error)")
        }
    }
}

/// How far an audit was, in a file: the head below which everything was in order.
struct AuditRecord {
    let path: String
    private var written = Date.distantPast
    private var unwritten: TreeHead?
    /// Said already.
    private var isUnwritable = false

    init(path: String) {
        self.path = path
    }

    static func read(_ path: String) throws -> TreeHead? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let text = String(decoding: try FileBytes.read(path, limit: 4096), as: UTF8.self)
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 3, words[0] == "holdfast-audit-1", let size = UInt64(words[1]),
            let root = Hash(hex: String(words[2]))
        else {
            throw Failure(.usage, "\(path) is not what an audit remembers", hint: "Name another file, or remove it.")
        }
        return TreeHead(size: size, root: root)
    }

    /// Not each time: losing a few seconds' work does no harm.
    mutating func note(_ head: TreeHead) {
        unwritten = head
        if Date().timeIntervalSince(written) > 2 { finish() }
    }

    /// Writes what was noted last.
    mutating func finish() {
        guard let head = unwritten else { return }
        (written, unwritten) = (Date(), nil)
        do {
            try AtomicFile.write(Array("holdfast-audit-1 \(head.size) \(head.root.hex)\n".utf8), to: path)
        } catch {
            guard !isUnwritable else { return }
            isUnwritable = true
            Wording.print(
                Failure(.refused, "\(path) can't be written, so a later audit begins anew: \(SystemReason.text(error))")
            )
        }
    }
}

extension Wording {
    /// Nothing is known about the log, so the status is the one for "can't tell"; wrong usage stays what it is.
    static func unknown(_ error: any Error) -> any Error {
        if let error = error as? StoreError, error.code == .locked {
            return Failure(
                .unreachable, "The log's store is open in another process",
                hint: "Audit its server instead (holdfast audit URL), or stop that first.")
        }
        let known: Failure?
        if let fault = error as? AuditFault {
            known = Failure(.refused, sentence(fault.description))
        } else {
            known = failure(for: error)
        }
        guard let known, known.status != .usage else { return error }
        return Failure(.unreachable, known.message, hints: known.hints)
    }
}
