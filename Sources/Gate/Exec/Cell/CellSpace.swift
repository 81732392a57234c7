internal import Subprocess
internal import SystemPackage

/// How a PID namespace is made here.
///
/// "When a child process's PID namespace init process terminates, the kernel terminates all of the processes in the
/// namespace via a SIGKILL signal" (pid_namespaces(7)). That is what stops a command with everything that it started,
/// whatever forks, sessions and signal handlers those have made for themselves.
public enum CellSpace: Sendable, Hashable, CaseIterable {
    /// As the caller may: root, or who has CAP_SYS_ADMIN.
    case plain
    /// In a user namespace of its own, in which the user stays who it is.
    case ownUsers

    /// What stands before the program that becomes the first process of the namespace. `--kill-child` ends it when
    /// `unshare`, which has one thread, ends.
    var arguments: [String] {
        let space = ["--pid", "--fork", "--kill-child=SIGKILL", "--"]
        return self == .plain ? space : ["--user", "--map-current-user"] + space
    }

    /// The way that works on this system. Nothing but `true` is run.
    public static func available() async throws(CellError) -> CellSpace {
        var said = ""
        for space in allCases {
            do {
                let result = try await run(
                    .name("unshare"), arguments: Arguments(space.arguments + ["true"]), output: .discarded,
                    error: .string(limit: 4096))
                if result.terminationStatus.isSuccess { return space }
                said = result.standardError.split(separator: "\n").last.map(String.init) ?? said
            } catch let error as SubprocessError where error.code == .executableNotFound {
                throw .noUnshare
            } catch {
                said = "\(error)"
            }
        }
        throw .noNamespace(said)
    }
}
