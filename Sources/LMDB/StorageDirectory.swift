internal import Glibc

/// A directory that holds a store.
public struct StorageDirectory: Sendable, Hashable {
    public let path: String

    public init(_ path: String) { self.path = path }

    /// The path of a name in the directory.
    public func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Makes the directory, for its owner alone (mode 0700), and syncs the name in the directory above; false if there
    /// is something of that name already.
    public func create() throws(SystemCallError) -> Bool {
        guard unsafe mkdir(path, 0o700) == 0 else {
            if errno == EEXIST { return false }
            throw SystemCallError("mkdir", path)
        }
        try StorageFile(directoryAt: path + "/..").sync()
        return true
    }

    /// The names in it, without the directory itself and the one above; nil if there is no directory.
    public func names() throws(SystemCallError) -> Set<String>? {
        guard let stream = unsafe opendir(path) else {
            if errno == ENOENT { return nil }
            throw SystemCallError("opendir", path)
        }
        defer { unsafe _ = closedir(stream) }
        var names: Set<String> = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else {
                guard errno == 0 else { throw SystemCallError("readdir", path) }
                break
            }
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.insert(name) }
        }
        return names
    }

    /// Returns when the names in it are on the disk.
    public func sync() throws(SystemCallError) {
        try StorageFile(directoryAt: path).sync()
    }
}
