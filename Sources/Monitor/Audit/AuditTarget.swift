public import LogClient
public import LogStore
import Tlog

/// The log that is audited: its server, a directory, or a store that nobody else has open.
public struct AuditTarget: Sendable {
    let files: any LogFiles
    /// The signed note: in a store, the newest that is kept.
    let checkpoint: [UInt8]
    /// The tree that is checked.
    let head: TreeHead
    /// What names the head.
    let headPlace: String
    private let directory: MirrorDirectory?
    /// What else a store has.
    let store: StoreCheck?

    /// A log as files: a directory, a server.
    ///
    /// - Parameter directory: where repairs are written; nil where nothing is repaired.
    public init(files: any LogFiles, repairing directory: MirrorDirectory? = nil) async throws {
        guard let bytes = try await files.read("checkpoint") else {
            throw AuditFault.noCheckpoint("there is no file \"checkpoint\"")
        }
        do {
            head = try SignedCheckpoint(parsing: bytes).checkpoint.treeHead
        } catch {
            throw AuditFault.noCheckpoint("\"checkpoint\" is none: \(error)")
        }
        (self.files, self.directory, checkpoint, headPlace) = (files, directory, bytes, "checkpoint")
        store = nil
    }

    /// A log in a store. Its head may be newer than the newest checkpoint that is kept.
    ///
    /// - Parameter isGovernance: whether what the store keeps beside the log is held to it too: state, map, links of
    ///   streams, lists.
    public init(store: any LogStore, isGovernance: Bool) throws {
        let (head, checkpoint) = try store.read { snapshot in
            (try snapshot.head.treeHead, try snapshot.checkpoint(atMost: .max))
        }
        guard let checkpoint else {
            throw AuditFault.noCheckpoint("the store has kept none: nothing was published yet")
        }
        (self.head, self.checkpoint) = (head, checkpoint)
        self.store = StoreCheck(store, isGovernance: isGovernance)
        files = SnapshotFiles(checkpoint: checkpoint) { try store.read($0) }
        (headPlace, directory) = ("head", nil)
    }

    /// Writes what verifies in the place of what is damaged; false where nothing can be written.
    func repair(_ repairs: [AuditRepair]) throws -> Bool {
        guard let directory, !repairs.isEmpty else { return false }
        for repair in repairs {
            switch repair {
            case .resource(let resource, let content): try directory.put(content, at: resource)
            case .entries(let index, let entries):
                try directory.put(
                    EntryBundle.encode(entries: entries), at: .entries(index: index, width: entries.count))
            }
        }
        try directory.sync()
        return true
    }
}
