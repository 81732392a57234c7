import Governance
import LogClient
import Monitor
import ServiceLifecycle
import Synchronization
import Tlog

/// Updates a mirror, once or again and again, and says what came of it.
struct MirrorRun: Service {
    let mirror: Mirror
    /// How often the log is asked; nil for once.
    let interval: Duration?
    /// Whether the directory is served meanwhile: then an end is not the end of the program.
    let servesOn: Bool
    let json: Bool

    func once() async throws {
        var mirror = mirror
        try await update(&mirror)
    }

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await updates() }
        } catch  where Task.isShuttingDownGracefully {
            // What was under way is done again by the next run.
        }
    }

    private func updates() async throws {
        var mirror = mirror
        while true {
            do {
                try await update(&mirror)
            } catch  where interval != nil || servesOn {
                guard let failure = Wording.failure(for: error), Self.mayPass(error, failure) else { throw error }
                try Task.checkCancellation()
                // What was copied is served meanwhile.
                Wording.print(failure)
            }
            guard let interval else { break }
            try await Task.sleep(for: interval)
        }
        while servesOn { try await Task.sleep(for: .seconds(3600)) }
    }

    /// A log that is not there now may be there later, and so may a file that a cache on the way has not got yet.
    private static func mayPass(_ error: any Error, _ failure: Failure) -> Bool {
        switch error as? MirrorError {
        case .missing, .mismatch: true
        case .locked, .system, .otherLog, .noCheckpoint, .forked: false
        case nil: failure.status == .unreachable
        }
    }

    private func update(_ mirror: inout Mirror) async throws {
        let line = MirrorLine()
        defer { line.finish() }
        let outcome = try await mirror.update { line.update($0) }
        line.finish()
        guard outcome != .unchanged, let head = mirror.head else { return }
        report(outcome, head)
    }

    private func report(_ outcome: Mirror.Outcome, _ head: VerifiedCheckpoint) {
        let tree = head.treeHead
        if json {
            return Terminal.output.line(
                JSON.object([
                    JSONMember("directory", .string(mirror.directory.path)),
                    JSONMember("origin", .string(head.checkpoint.origin.text)),
                    JSONMember("root", .string(tree.root.hex)), JSONMember("size", JSON(tree.size)),
                ]).text())
        }
        switch outcome {
        case .unchanged: break
        case .refreshed:
            // What a first run without growth, and each newer cosignature, come to.
            if interval == nil { Terminal.output.line("\(tree.size) entries, verified; nothing new") }
        case .grown(let old):
            Terminal.output.line(
                "\(tree.size) entries (\(tree.size - old) new), verified, root \(tree.root)")
        }
    }
}

/// The progress of one update; its total is known with the first report.
private final class MirrorLine: Sendable {
    private let line = Mutex<ProgressLine?>(nil)

    func update(_ progress: LogCopy.Progress) {
        line.withLock { line in
            let open = line ?? ProgressLine("mirroring", total: progress.total)
            open.update(progress.entries)
            line = open
        }
    }

    func finish() { line.withLock { $0?.finish() } }
}
