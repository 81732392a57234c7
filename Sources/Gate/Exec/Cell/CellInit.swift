internal import CProcess
internal import Foundation
internal import Glibc
internal import Subprocess
internal import Synchronization
internal import SystemPackage

/// The first process of a cell: it runs the command, reaps what is orphaned, obeys its gate, and ends when the command
/// does, when the gate is gone, or when the gate says nothing for too long. Everything in the cell ends with it.
public struct CellInit: Sendable {
    /// The pipe from the gate.
    public let control: String
    public let leash: Duration
    /// The folder of the cgroup to run in; nil if there is none.
    public let cgroup: String?
    public let command: [String]

    public init(control: String, leash: Duration, cgroup: String?, command: [String]) {
        self.control = control
        self.leash = leash
        self.cgroup = cgroup
        self.command = command
    }

    /// Runs the command to its end, and then ends the process.
    public func run() async -> Never {
        do {
            guard getpid() == 1 else { throw Fault("it is not the first process of a PID namespace") }
            guard let name = command.first else { throw Fault("there is no command") }
            let (orders, words) = try openControl()
            if let cgroup {
                do { try ControlGroup(path: cgroup).join() } catch { throw Fault("it could not join \(cgroup)") }
            }
            try await run(name, obeying: orders, words)
        } catch let fault as Fault {
            Self.end(CellEnding.Status.fault, fault.words)
        } catch let error as SubprocessError where error.code == .executableNotFound {
            // What is named by a path, is there and has no right to run is not found either.
            guard command[0].contains("/"), FileManager.default.fileExists(atPath: command[0]) else {
                Self.end(CellEnding.Status.notFound, "there is no command \(command[0])")
            }
            Self.end(CellEnding.Status.notRunnable, "\(command[0]) cannot be run")
        } catch let error as SubprocessError where error.code == .spawnFailed {
            let why = error.underlyingError.map { ": \($0)" } ?? ""
            Self.end(CellEnding.Status.notRunnable, "\(command[0]) cannot be run\(why)")
        } catch {
            Self.end(CellEnding.Status.fault, "\(error)")
        }
    }

    private struct Fault: Error {
        let words: String
        init(_ words: String) { self.words = words }
    }

    /// Opens the pipes without waiting for a gate that may be gone, and takes their names away.
    private func openControl() throws -> (orders: FileHandle, words: FileDescriptor) {
        do {
            let end = try FileDescriptor.open(FilePath(control), .readOnly, options: [.nonBlocking, .closeOnExec])
            let words = try FileDescriptor.open(
                FilePath(ControlPipe.wordsPath(beside: control)), .writeOnly, options: [.nonBlocking, .closeOnExec])
            try? FileManager.default.removeItem(at: URL(filePath: control).deletingLastPathComponent())
            // From here on reads wait. If the gate has gone in between, they end at once.
            guard fcntl(end.rawValue, F_SETFL, 0) == 0 else { throw Errno(rawValue: errno) }
            return (FileHandle(fileDescriptor: end.rawValue, closeOnDealloc: false), words)
        } catch {
            throw Fault("the pipe from the gate, \(control): \(error)")
        }
    }

    private func run(_ name: String, obeying orders: FileHandle, _ words: FileDescriptor) async throws -> Never {
        let heard = LastWord()
        let executable: Executable = name.contains("/") ? .path(FilePath(name)) : .name(name)
        let result = try await Subprocess.run(
            executable, arguments: Arguments(Array(command.dropFirst())),
            input: .fileDescriptor(.standardInput, closeAfterSpawningProcess: false),
            output: .fileDescriptor(.standardOutput, closeAfterSpawningProcess: false),
            error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false)
        ) { execution in
            let main = execution.processIdentifier.value
            Thread.detachNewThread { Self.obey(orders, main: main, heard: heard) }
            Thread.detachNewThread { Self.reap(sparing: main) }
            Task.detached { [leash] in await Self.watch(heard, leash: leash, words) }
        }
        switch result.terminationStatus {
        case .exited(let status): Self.end(status)
        case .signaled(let signal): Self.end(CellEnding.Status.signalBase + signal)
        }
    }

    /// When the gate was heard of last.
    private final class LastWord: Sendable {
        private let moment = Mutex(ContinuousClock.now)
        func note() { moment.withLock { $0 = .now } }
        var age: Duration { moment.withLock { $0.duration(to: .now) } }
    }

    /// Obeys the gate for as long as there is one. It runs on a thread of its own: reading waits.
    private static func obey(_ orders: FileHandle, main: pid_t, heard: LastWord) {
        while let bytes = try? orders.read(upToCount: 1), let byte = bytes.first {
            heard.note()
            switch CellOrder(byte: byte) {
            case .goOn: continue
            // kill(2): "sig is sent to every process for which the calling process has permission to send signals,
            // except for process 1"; the calling process, and so the namespace, has no others.
            case .terminate: _ = Glibc.kill(-1, SIGTERM)
            case .signal(let number): _ = Glibc.kill(main, number)
            case .kill, nil: end(CellEnding.Status.signalBase + SIGKILL)
            }
        }
        end(CellEnding.Status.signalBase + SIGKILL)
    }

    /// Reaps what was orphaned in the cell, until the command itself ends, which is waited for elsewhere.
    private static func reap(sparing main: pid_t) {
        while true {
            let ended = holdfast_await_ended_child()
            guard ended > 0, ended != main else { return }
            waitpid(ended, nil, WNOHANG)
        }
    }

    /// Ends the cell when the gate has said nothing for the length of the leash.
    private static func watch(_ heard: LastWord, leash: Duration, _ words: FileDescriptor) async {
        while true {
            let left = leash - heard.age
            guard left > .zero else {
                _ = try? words.writeAll([ControlPipe.unheard])
                end(CellEnding.Status.signalBase + SIGKILL, "no word from the gate for \(leash): everything is ended")
            }
            try? await Task.sleep(for: left)
        }
    }

    /// Ends the process, and with it everything in its namespace.
    private static func end(_ status: Int32, _ words: String? = nil) -> Never {
        if let words {
            try? FileHandle.standardError.write(contentsOf: Data("holdfast: cell: \(words)\n".utf8))
        }
        _exit(status)
    }
}
