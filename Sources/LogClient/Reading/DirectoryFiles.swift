import Foundation
import Glibc
import SystemPackage

/// The files of a log in a directory, as an export or a mirror has them.
///
/// What is read is bounded, and only plain files are, everything else counts as not there: a directory of somebody
/// else's may have anything in it.
public struct DirectoryFiles: LogFiles {
    public let path: String
    /// No file of a log is longer than a full bundle of the longest entries.
    private static let limit = 17 << 20

    public init(_ path: String) {
        self.path = path
    }

    public func read(_ name: String) throws -> [UInt8]? {
        try Self.read(FilePath(path).appending(name), limit: Self.limit)
    }

    /// A whole file; nil if there is none.
    private static func read(_ path: FilePath, limit: Int) throws -> [UInt8]? {
        let file: FileDescriptor
        do {
            // A named pipe is not waited for; it is refused below.
            file = try FileDescriptor.open(path, .readOnly, options: [.nonBlocking])
        } catch let error as Errno where error == .noSuchFileOrDirectory || error == .notDirectory {
            return nil
        } catch {
            throw error
        }
        return try file.closeAfter {
            let status = try file.stat()
            guard status.type == .regular, status.size <= Int64(limit) else { return nil }
            let handle = FileHandle(fileDescriptor: file.rawValue, closeOnDealloc: false)
            return [UInt8](try handle.readToEnd() ?? Data())
        }
    }
}
