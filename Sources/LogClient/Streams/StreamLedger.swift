import Foundation
import Tlog

/// Why a stream's record was not read or not written.
public enum StreamLedgerError: Error, Sendable, Hashable {
    /// Another process is registering to the same stream with the same key.
    case busy(path: String)
    case malformed(path: String, StreamRecord.Malformed)
    case system(path: String, reason: String)
}

/// Where records of streams are kept: one small file a stream, replaced as a whole, locked while a process uses it.
public final class StreamLedger {
    public let name: StreamName
    public let path: String
    private let lock: FileLock

    /// Opens the record of a stream in a directory, which is made if it is not there, and takes its lock.
    public init(_ name: StreamName, directory: String) throws(StreamLedgerError) {
        self.name = name
        path = directory + "/" + name.fileName
        do {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            guard let lock = try FileLock(path + ".lock") else { throw StreamLedgerError.busy(path: path) }
            self.lock = lock
        } catch let error as StreamLedgerError {
            throw error
        } catch {
            throw .system(path: path, reason: "\(error)")
        }
    }

    /// What is remembered; nil if nothing is.
    public func read() throws(StreamLedgerError) -> StreamRecord? {
        let bytes: [UInt8]
        do {
            guard FileManager.default.fileExists(atPath: path) else { return nil }
            bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        } catch {
            throw .system(path: path, reason: "\(error.localizedDescription)")
        }
        do {
            return try StreamRecord(parsing: bytes, of: name)
        } catch {
            throw .malformed(path: path, error)
        }
    }

    /// Replaces the record; on the disk when it returns, so that a statement that was sent is never forgotten.
    public func write(_ record: StreamRecord) throws(StreamLedgerError) {
        do {
            try AtomicFile.write(Array(record.json.utf8), to: path)
        } catch {
            throw .system(path: path, reason: "\(error)")
        }
    }
}
