import ArgumentParser
import Foundation
import LogClient
import LogEngine
import LogServer
import LogStore
import Monitor
import Tlog

/// All words for people that are about something going wrong.
///
/// Rules: say what was wrong, with the values; then what to do, as a command where there is one. No exclamation marks,
/// no blame, no internals. Text from others is made visible before it is shown. A secret is never a value.
enum Wording {
    static func print(_ failure: Failure) {
        let terminal = Terminal.errors
        terminal.line(terminal.styled("holdfast: ", .bold) + failure.message + ".")
        for hint in failure.hints { terminal.line("  " + hint) }
    }

    /// The failure that an error is; nil for those of the command line, which ArgumentParser words.
    static func failure(for error: any Error) -> Failure? {
        switch error {
        case let failure as Failure: failure
        case let error as KeyFileError: keyFile(error)
        case let error as ClientError: client(error)
        case let error as StreamLedgerError: ledger(error)
        case let error as StreamError: stream(error, names: [])
        case let error as MirrorError: mirror(error)
        case let error as AcceptedHeadError: acceptedHead(error)
        case let error as LogError: log(error)
        case let error as AnchorError: anchor(error)
        case let error as StoreError: store(error)
        case let error as ServerError: server(error)
        case let error as StopReason: stopped(error)
        case let error as CocoaError:
            Failure(.refused, "\(error.filePath ?? "A file") can't be used: \(SystemReason.text(error))")
        case is CancellationError: Failure(.unreachable, "It was interrupted")
        case is ExitCode, is ValidationError, is CleanExit: nil
        default: isArgumentParsers(error) ? nil : Failure(.refused, "\(error)")
        }
    }

    private static func isArgumentParsers(_ error: any Error) -> Bool {
        String(reflecting: type(of: error)).hasPrefix("ArgumentParser")
    }

    private static func keyFile(_ error: KeyFileError) -> Failure {
        switch error {
        case .exists(let path):
            Failure(
                .refused, "\(path) exists already, and a key file is never overwritten",
                hint: "Choose another name with --out, or move the old file away if you are sure that nothing needs it."
            )
        case .system(let path, let reason):
            Failure(.refused, "The key file \(path) can't be used: \(reason)")
        case .notAFile(let path):
            Failure(.refused, "\(path) is not a file, so no key can be in it")
        case .tooWide(let path, _) where path.hasSuffix(".pub"):
            keyFile(.publicNotSecret(path: path))
        case .tooWide(let path, let mode):
            Failure(
                .refused,
                "The secret key in \(path) can be read by others than its owner (mode 0\(String(mode, radix: 8)))",
                hints: [
                    "If nobody else has read it: chmod 600 \(path)",
                    "If somebody may have, make a new key and have it enrolled in its place.",
                ])
        case .notOwned(let path, let owner, let user):
            Failure(
                .refused, "The secret key in \(path) belongs to user \(owner), and this runs as user \(user)",
                hint: "Run this as the owner, or hand the file over: chown \(user) \(path)")
        case .publicNotSecret(let path):
            Failure(
                .refused, "\(path) holds a public key, and a secret key is needed",
                hints: path.hasSuffix(".pub") ? ["Its secret key is probably in \(path.dropLast(4))."] : [])
        case .malformed(let path, let reason):
            Failure(
                .refused, "\(path) is not a key file of holdfast: \(reason)",
                hint: "Make a key with: holdfast key new --out FILE")
        case .damaged(let path):
            Failure(
                .refused, "The secret key in \(path) is damaged: it does not give the public key that stands beside it",
                hint: "Bring the file back from a backup.")
        }
    }
}
