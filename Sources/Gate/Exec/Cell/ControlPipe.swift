internal import Foundation
internal import Glibc
internal import Subprocess
internal import SystemPackage

/// The gate's end of the pipe to a cell: a named one in a directory of its own, as the programs between the gate and the
/// cell pass on no files but the three standard ones.
///
/// The gate holds the only end that writes. The system closes it when the gate ends, however it ends, and the cell then
/// ends too. The cell takes the name away as soon as it has opened it. Beside it is another one, in which the cell has one
/// word for the gate: that it ended because it heard nothing.
final class ControlPipe: Sendable {
    let path: String
    private let end: FileDescriptor
    private let words: FileDescriptor

    /// Where the cell says it, beside the pipe that it is told of.
    static func wordsPath(beside control: String) -> String {
        URL(filePath: control).deletingLastPathComponent().appending(path: "words").path
    }

    static let unheard = UInt8(ascii: "u")

    init() async throws(CellError) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "holdfast-cell-\(UUID().uuidString)")
        do {
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
            let path = folder.appending(path: "control").path
            let made = try await run(
                .name("mkfifo"), arguments: ["-m", "600", "--", path, Self.wordsPath(beside: path)], output: .discarded,
                error: .string(limit: 4096))
            guard made.terminationStatus.isSuccess else { throw CellError.noControl(made.standardError) }
            // Both ways, so that it opens before the cell has; it is never read here.
            end = try FileDescriptor.open(FilePath(path), .readWrite, options: [.nonBlocking, .closeOnExec])
            words = try FileDescriptor.open(
                FilePath(Self.wordsPath(beside: path)), .readWrite, options: [.nonBlocking, .closeOnExec])
            self.path = path
        } catch {
            try? FileManager.default.removeItem(at: folder)
            throw error as? CellError ?? .noControl("\(error)")
        }
    }

    /// Gives an order. A cell that has ended hears nothing any more, and one that doesn't read has its leash.
    func send(_ order: CellOrder) {
        _ = try? end.writeAll([order.byte])
    }

    /// Whether the cell has said that it ended because it heard nothing.
    var saysUnheard: Bool {
        // It is opened for not waiting: nothing there is an error.
        let said = try? FileHandle(fileDescriptor: words.rawValue, closeOnDealloc: false).read(upToCount: 1)
        return said?.first == Self.unheard
    }

    deinit {
        try? end.close()
        try? words.close()
        try? FileManager.default.removeItem(at: URL(filePath: path).deletingLastPathComponent())
    }
}
