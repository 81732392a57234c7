internal import Foundation
internal import Logging
internal import ServiceLifecycle
internal import Synchronization
internal import UnixSignals
internal import Witness

/// The file that lists the logs, and what it said when it could last be read.
final class LogList: Sendable {
    enum Reload: Equatable {
        case unchanged
        case changed(logs: Int)
        /// The file can't be used; what was read before stays in force.
        case kept(reason: String)
    }

    private struct State {
        var bytes: [UInt8]
        var logs: KnownLogs
        /// The last failure, so that each is reported once.
        var failure: String?
    }

    let path: String
    private let state: Mutex<State>

    /// Reads the file. It may list no logs yet.
    init(path: String) throws(WitnessServerError) {
        self.path = path
        do {
            let bytes = try Self.read(path)
            state = Mutex(State(bytes: bytes, logs: try KnownLogs(parsing: bytes)))
        } catch {
            throw .logs(file: path, detail: Self.words(error))
        }
    }

    var current: KnownLogs { state.withLock { $0.logs } }

    /// Reads the file again. All of it is taken, or nothing: an error in one line changes nothing, and neither does a
    /// file that lists no log any more, which is what a file looks like while it is being written.
    func reload() -> Reload {
        do {
            let bytes = try Self.read(path)
            if state.withLock({ $0.bytes == bytes && $0.failure == nil }) { return .unchanged }
            let logs = try KnownLogs(parsing: bytes)
            return state.withLock { state in
                if logs.isEmpty && !state.logs.isEmpty {
                    return Self.fail(&state, "it lists no log; restart the witness if that is meant")
                }
                state = State(bytes: bytes, logs: logs)
                return .changed(logs: logs.logCount)
            }
        } catch {
            return state.withLock { Self.fail(&$0, Self.words(error)) }
        }
    }

    private static func fail(_ state: inout State, _ reason: String) -> Reload {
        if state.failure == reason { return .unchanged }
        state.failure = reason
        return .kept(reason: reason)
    }

    private static func words(_ error: any Error) -> String {
        (error as? KnownLogsError)?.description ?? error.localizedDescription
    }

    private static func read(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(filePath: path)))
    }
}

/// Reads the list again on SIGHUP, and when the file has changed.
struct LogListWatch: Service {
    let list: LogList
    let interval: Duration
    let metrics: WitnessMetrics
    let logger: Logger

    func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
                    logger.info("SIGHUP: reading the list of logs")
                    reload()
                }
            }
            group.addTask {
                await cancelWhenGracefulShutdown {
                    while !Task.isCancelled {
                        try? await Task.sleep(for: interval)
                        reload()
                    }
                }
            }
        }
    }

    private func reload() {
        switch list.reload() {
        case .unchanged: break
        case .changed(let logs):
            metrics.reloaded(true)
            logger.info("The list of logs has changed", metadata: ["file": "\(list.path)", "logs": "\(logs)"])
        case .kept(let reason):
            metrics.reloaded(false)
            logger.error(
                "The list of logs can't be used; the one before stays in force",
                metadata: ["file": "\(list.path)", "reason": "\(reason)"])
        }
    }
}
