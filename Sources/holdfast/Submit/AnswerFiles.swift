import COSE
import Foundation
import Governance
import LogClient
import Tlog

/// The files that a registered statement leaves: NAME.cose (the statement), NAME.transparent (the statement with its
/// receipt), NAME.tlog-proof (the proof in C2SP's text form), and where it takes one NAME.state-proof (that the signer
/// was enrolled).
struct AnswerFiles: Sendable {
    let directory: String
    let name: String

    var statement: String { path("cose") }
    var transparent: String { path("transparent") }
    var proof: String { path("tlog-proof") }
    var state: String { path("state-proof") }

    private func path(_ suffix: String) -> String {
        directory == "." ? "\(name).\(suffix)" : "\(directory)/\(name).\(suffix)"
    }

    /// The statement that was signed under this name before, if one was.
    func keptStatement() throws -> SignedStatement? {
        guard FileManager.default.fileExists(atPath: statement) else { return nil }
        let bytes = try FileBytes.read(statement, limit: TransparentStatement.byteLimit)
        do {
            return try SignedStatement(decoding: bytes)
        } catch {
            throw Failure(
                .usage, "\(statement) is there already and is no signed statement (\(error))",
                hint: "Write the files elsewhere: --out DIR")
        }
    }

    var hasState: Bool { FileManager.default.fileExists(atPath: state) }

    var hasProof: Bool { FileManager.default.fileExists(atPath: proof) }

    func write(_ statement: SignedStatement) throws {
        try write(statement.entryBytes, to: self.statement)
    }

    func write(_ answer: VerifiedAnswer) throws {
        try write(answer.transparentStatement.encoded(), to: transparent)
        if let state = answer.signerState { try write(state.encoded(), to: self.state) }
        // Last, because it stands for "all of it is there".
        try write(answer.tlogProof.bytes, to: proof)
    }

    func write(_ state: StateProof) throws {
        try write(state.encoded(), to: self.state)
    }

    func removeStatement() {
        try? FileManager.default.removeItem(atPath: statement)
    }

    /// Each file is there whole or not at all. They are not synced one by one: the log has what is in them, and what
    /// was signed and not yet answered is in the stream's ledger.
    private func write(_ bytes: [UInt8], to path: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            try Data(bytes).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw Failure(.refused, "\(path) can't be written: \(SystemReason.text(error))")
        }
    }
}
