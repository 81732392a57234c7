public import LogClient
public import LogStore
import Tlog

/// The files of a log that is in a store: tiles as they are stored, bundles made from the entries.
public struct SnapshotFiles: LogFiles {
    /// One read of a store: its snapshot is good inside the closure.
    public typealias Read = @Sendable ((any LogSnapshot) throws -> [UInt8]?) throws -> [UInt8]?

    private let checkpoint: [UInt8]?
    private let snapshot: Read

    /// - Parameter checkpoint: what `checkpoint` is.
    public init(checkpoint: [UInt8]?, read: @escaping Read) {
        self.checkpoint = checkpoint
        snapshot = read
    }

    public func read(_ path: String) throws -> [UInt8]? {
        guard let resource = TileResource(path: path) else { return path == "checkpoint" ? checkpoint : nil }
        do {
            return try snapshot { try Self.content(of: resource, in: $0) }
        } catch let error as StoreError where error.code == .corrupt {
            // What the store itself can't make out is not there.
            return nil
        }
    }

    private static func content(of resource: TileResource, in snapshot: any LogSnapshot) throws -> [UInt8]? {
        switch resource {
        case .tile(let tile):
            guard let content = try snapshot.tile(tile.coordinate), content.count >= tile.byteCount else { return nil }
            return Array(content.prefix(tile.byteCount))
        case .entries(let index, let width):
            let first = index * UInt64(EntryBundle.fullWidth)
            guard first + UInt64(width) <= (try snapshot.head).size else { return nil }
            return EntryBundle.encode(entries: try snapshot.entries(first..<first + UInt64(width)))
        }
    }
}
