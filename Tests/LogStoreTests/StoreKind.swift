import Foundation
import LMDBLogStore
import LogStore
import Testing

/// Every implementation of the contract. The conformance suite runs once for each, and for the one in LMDB with segments of all
/// commits and of one, two and three; and so that none goes through the journal.
enum StoreKind: CaseIterable, CustomTestStringConvertible {
    case memory, lmdb, lmdbOneInJournal, lmdbTwoInJournal, lmdbThreeInJournal, lmdbAtOnce

    var testDescription: String {
        switch self {
        case .memory: "in memory"
        case .lmdb: "in LMDB"
        case .lmdbOneInJournal: "in LMDB, a commit a segment"
        case .lmdbTwoInJournal: "in LMDB, two commits a segment"
        case .lmdbThreeInJournal: "in LMDB, three commits a segment"
        case .lmdbAtOnce: "in LMDB, every batch into the tables at once"
        }
    }

    /// How many commits a segment of the journal has; nil for as many as usual.
    private var journalCommits: Int? {
        switch self {
        case .memory, .lmdb, .lmdbAtOnce: nil
        case .lmdbOneInJournal: 1
        case .lmdbTwoInJournal: 2
        case .lmdbThreeInJournal: 3
        }
    }

    /// A new, empty store, and the place it lies in, which must be kept as long as the store.
    func make(retainedSeals: Int = 10_000) throws -> (store: any LogStore, scratch: Scratch) {
        let scratch = try Scratch()
        switch self {
        case .memory: return (MemoryLogStore(retainedSeals: retainedSeals), scratch)
        default:
            let store = try scratch.store {
                $0.retainedSeals = retainedSeals
                if let journalCommits { $0.journalCommits = journalCommits }
                if case .lmdbAtOnce = self { $0.journalBatchByteCount = 0 }
            }
            return (store, scratch)
        }
    }
}

/// A directory for one test, removed with this object.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "holdfast-store-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Where `store` puts the log.
    var log: String { path + "/log" }
    var data: String { log + "/data.mdb" }

    func store(_ change: (inout LMDBLogStore.Options) -> Void = { _ in }) throws -> LMDBLogStore {
        var options = LMDBLogStore.Options()
        change(&options)
        return try LMDBLogStore(directory: log, options: options)
    }
}
