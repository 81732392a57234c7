import FoundationEssentials
import Glibc
import SystemPackage
import Verification

/// Where a verification of a whole log stands, in a file, and the key that it is sealed with.
struct ResumeFile {
    private let path: String
    private let key: [UInt8]

    /// Bytes of the file that are read: a state of some millions of keys.
    private static let byteLimit: Int64 = 4 << 30
    /// Kept at most so often, and so that keeping takes at most a twentieth of the time.
    private static let interval = Duration.seconds(20)

    init(_ path: String, keyPath: String?) throws(FileProblem) {
        self.path = path
        if let keyPath {
            key = try Self.key(keyPath)
        } else {
            key = try Self.key(try Self.defaultKeyPath())
        }
    }

    /// What the file says, if it is there, and how it is kept up.
    func resumption() throws -> LogResumption {
        var start: LogResume?
        if FileManager.default.fileExists(atPath: path) {
            do {
                start = try LogResume(decoding: read(path, limit: Self.byteLimit), key: key)
            } catch let error as LogResumeError {
                throw FileProblem(description: "\(path) can't be resumed from: \(error)")
            }
        }
        var due = ContinuousClock.now + Self.interval
        return LogResumption(start: start, isDue: { ContinuousClock.now >= due }) { resume in
            let begin = ContinuousClock.now
            try keep(resume)
            let end = ContinuousClock.now
            due = end + max(Self.interval, (end - begin) * 20)
        }
    }

    private func keep(_ resume: LogResume) throws {
        do {
            try Data(resume.encoded(key: key)).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw FileProblem(description: "\(path): can't be written")
        }
    }

    private static func defaultKeyPath() throws(FileProblem) -> String {
        let environment = ProcessInfo.processInfo.environment
        if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") {
            return state + "/holdfast-verify/resume.key"
        }
        guard let home = environment["HOME"], home.hasPrefix("/") else {
            throw FileProblem(description: "there is no HOME to keep the key of --resume in: name one by --resume-key")
        }
        return home + "/.local/state/holdfast-verify/resume.key"
    }

    /// The key in a file that only its owner can read, who is the one that asks; made if there is none.
    private static func key(_ path: String) throws(FileProblem) -> [UInt8] {
        if !FileManager.default.fileExists(atPath: path) { try make(path) }
        let status = try? FilePath(path).stat()
        guard let status, status.permissions.rawValue & 0o077 == 0, status.userID.rawValue == geteuid()
        else { throw FileProblem(description: "\(path) must be yours, and nobody else may have access (chmod 600)") }
        let key = try read(path)
        guard key.count == 32 else { throw FileProblem(description: "\(path) is no key: it has not 32 bytes") }
        return key
    }

    private static func make(_ path: String) throws(FileProblem) {
        var random = SystemRandomNumberGenerator()
        let key = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        let before = umask(0o077)
        defer { umask(before) }
        let folder = URL(filePath: path).deletingLastPathComponent()
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Data(key).write(to: URL(filePath: path), options: .withoutOverwriting)
        } catch {
            throw FileProblem(description: "\(path): the key of --resume can't be written")
        }
    }
}
