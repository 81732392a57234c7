internal import Foundation
internal import Glibc

/// A cgroup (v2) of a cell's own, where this process may make one below its own: `cgroup.kill` ends everything in it at
/// once. It comes on top of the PID namespace and is never instead of it.
struct ControlGroup: Sendable {
    /// The folder of the cgroup.
    let path: String

    /// Makes one; nil where there is no cgroup v2 that this process may write to.
    static func own() -> ControlGroup? {
        guard let parent else { return nil }
        sweep(parent)
        let group = ControlGroup(path: "\(parent)/\(prefix)\(getpid())-\(UUID().uuidString)")
        let files = FileManager.default
        guard (try? files.createDirectory(atPath: group.path, withIntermediateDirectories: false)) != nil else {
            return nil
        }
        guard ["cgroup.kill", "cgroup.procs"].allSatisfy({ files.isWritableFile(atPath: group.path + "/" + $0) })
        else {
            group.remove()
            return nil
        }
        return group
    }

    private static let prefix = "holdfast-"

    /// Takes away what gates left that were killed.
    private static func sweep(_ parent: String) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? [] where name.hasPrefix(prefix) {
            guard let owner = name.dropFirst(prefix.count).split(separator: "-").first.flatMap({ pid_t($0) }),
                Glibc.kill(owner, 0) != 0, errno == ESRCH
            else { continue }
            try? FileManager.default.removeItem(atPath: "\(parent)/\(name)")
        }
    }

    init(path: String) { self.path = path }

    /// Puts the calling process into it; what it starts from here on is in it too.
    func join() throws {
        try write("0", to: "cgroup.procs")
    }

    /// cgroups(7): "Writing "1" to the file causes the cgroup and all descendant cgroups to be killed."
    func kill() {
        try? write("1", to: "cgroup.kill")
    }

    /// Takes it away. What was killed in it may take a moment to be gone.
    func remove() {
        for _ in 0..<100 {
            if (try? FileManager.default.removeItem(atPath: path)) != nil { return }
            usleep(5_000)
        }
    }

    private func write(_ text: String, to file: String) throws {
        let handle = try FileHandle(forWritingTo: URL(filePath: path).appending(path: file))
        defer { try? handle.close() }
        try handle.write(contentsOf: Data(text.utf8))
    }

    /// The folder of this process's own cgroup: where the second version is mounted, and where in it the process is.
    private static var parent: String? {
        guard let mounts = lines("/proc/self/mounts"), let groups = lines("/proc/self/cgroup") else { return nil }
        let mount = mounts.lazy.map { $0.split(separator: " ") }.first { $0.count > 2 && $0[2] == "cgroup2" }
        guard let mount, let group = groups.first(where: { $0.hasPrefix("0::") }) else { return nil }
        let path = String(mount[1]) + String(group.dropFirst(3))
        return path.hasSuffix("/") ? String(path.dropLast()) : path
    }

    private static func lines(_ path: String) -> [Substring]? {
        (try? String(contentsOfFile: path, encoding: .utf8))?.split(separator: "\n")
    }
}
