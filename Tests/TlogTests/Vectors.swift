import Foundation

/// Third-party vectors, which are not part of the repository: in the folder `HOLDFAST_VECTORS` names, or else in
/// `../shared/vectors` beside the package. Tests that need them are skipped by name where they are absent, except in
/// continuous integration (`CI=true`), where they must be there.
enum Vectors {
    static let packageRoot = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static let folder: URL =
        ProcessInfo.processInfo.environment["HOLDFAST_VECTORS"].map { URL(filePath: $0) }
        ?? packageRoot.appending(path: "../shared/vectors")

    static func canRun(_ name: String) -> Bool {
        ProcessInfo.processInfo.environment["CI"] == "true"
            || FileManager.default.fileExists(atPath: folder.appending(path: name).path)
    }

    static func data(_ name: String) throws -> Data {
        try Data(contentsOf: folder.appending(path: name))
    }

    /// One JSON value a line.
    static func lines<T: Decodable>(_ name: String, as type: T.Type) throws -> [T] {
        try data(name).split(separator: 0x0a).map { try JSONDecoder().decode(T.self, from: $0) }
    }
}
