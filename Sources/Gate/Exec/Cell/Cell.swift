internal import Foundation
internal import Subprocess
internal import Synchronization
public import SystemPackage

/// Which of the two a command wrote to.
public enum CommandStream: String, Sendable, Hashable, CaseIterable {
    case standardOutput = "stdout"
    case standardError = "stderr"
}

/// What a supervisor runs a command in; ``Cell`` is the real one, tests bring their own.
public protocol Confinement: Sendable {
    /// Runs the command and everything that it starts to its end.
    ///
    /// - Parameters:
    ///   - orders: what it is told while it runs.
    ///   - output: gets what the command writes, as it comes; the command waits while this does.
    func run(
        orders: AsyncStream<CellOrder>, output: @escaping @Sendable (CommandStream, [UInt8]) async -> Void
    ) async throws(CellError) -> CellEnding
}

/// A command in a PID namespace of its own, whose first process is this program again (``CellInit``).
///
/// It bounds how long the command and all that it starts live. It is no sandbox: what the command may read, write and
/// reach is up to the user that it runs as.
public struct Cell: Confinement {
    /// The file of the program that has ``CellInit``: `holdfast`.
    public let program: String
    public let command: [String]
    public let space: CellSpace
    /// The command is taken down if no ``CellOrder/goOn`` arrives for so long: a gate that hangs, or is stopped, checks
    /// nothing.
    public let leash: Duration
    /// Where the command's standard input comes from.
    public let input: FileDescriptor

    public init(
        program: String, command: [String], space: CellSpace, leash: Duration,
        input: FileDescriptor = .standardInput
    ) {
        self.program = program
        self.command = command
        self.space = space
        self.leash = leash
        self.input = input
    }

    public func run(
        orders: AsyncStream<CellOrder>, output: @escaping @Sendable (CommandStream, [UInt8]) async -> Void
    ) async throws(CellError) -> CellEnding {
        let control = try await ControlPipe()
        let group = ControlGroup.own()
        defer { group?.remove() }
        let killed = KillMark()
        let arguments = space.arguments + [program] + arguments(control: control.path, group: group)
        do {
            let result = try await Subprocess.run(
                .name("unshare"), arguments: Arguments(arguments),
                input: .fileDescriptor(input, closeAfterSpawningProcess: false), output: .sequence, error: .sequence
            ) { execution in
                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    tasks.addTask {
                        for try await buffer in execution.standardOutput {
                            await output(.standardOutput, [UInt8](Data(buffer: buffer)))
                        }
                    }
                    tasks.addTask {
                        for try await buffer in execution.standardError {
                            await output(.standardError, [UInt8](Data(buffer: buffer)))
                        }
                    }
                    let ordering = Task {
                        for await order in orders {
                            if order == .kill { killed.set() }
                            control.send(order)
                            if order == .kill { group?.kill() }
                        }
                    }
                    defer { ordering.cancel() }
                    try await tasks.waitForAll()
                }
            }
            // `unshare` says 1 where a signal ended the first process.
            return killed.isSet ? .killed : control.saysUnheard ? .unheard : CellEnding(result.terminationStatus)
        } catch let error as SubprocessError where error.code == .executableNotFound {
            throw .noUnshare
        } catch {
            throw .failed("\(error)")
        }
    }

    /// That the cell was told to end.
    private final class KillMark: Sendable {
        private let mark = Mutex(false)
        var isSet: Bool { mark.withLock { $0 } }
        func set() { mark.withLock { $0 = true } }
    }

    /// The command line of ``CellInit``.
    private func arguments(control: String, group: ControlGroup?) -> [String] {
        var arguments = ["gate", "cell", "--control", control, "--leash", "\(Int64(leash / .milliseconds(1)))"]
        if let group { arguments += ["--cgroup", group.path] }
        return arguments + ["--"] + command
    }
}

extension CellEnding {
    /// What `unshare` passes on: the status of the namespace's first process, or the signal that ended it.
    init(_ status: TerminationStatus) {
        switch status {
        case .exited(let code): self = .exited(code)
        case .signaled: self = .killed
        }
    }
}
