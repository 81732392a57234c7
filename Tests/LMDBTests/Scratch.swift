import Foundation
import LMDB

/// A directory for one test, removed with this object.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "holdfast-lmdb-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func directory(_ name: String) throws -> String {
        let path = "\(path)/\(name)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    func environment(_ name: String = "env", _ change: (inout Environment.Options) -> Void = { _ in }) throws
        -> Environment
    {
        var options = Environment.Options()
        options.mapSize = 64 << 20
        change(&options)
        return try Environment(directory: directory(name), options: options)
    }
}

extension Environment {
    func create(_ name: String) throws -> Database {
        try write { try $0.createDatabase(name) }
    }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
