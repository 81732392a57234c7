import Foundation
import LMDB
import LogStore
import Tlog

@testable import LMDBLogStore

/// The journal of the store in the directory, as a file.
extension Scratch {
    /// The files as a process that is killed now leaves them, in a directory of their own. Nothing is being folded: what is read of
    /// a file while it is written is not what a process leaves.
    func copyOfTheStore() throws -> String {
        let place = path + "/copy-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        for name in ["data.mdb"] + JournalFiles.names {
            try FileManager.default.copyItem(atPath: log + "/" + name, toPath: place + "/" + name)
        }
        return place
    }

    /// The first of the journal's files: the one that the first segment of a new store goes to.
    var journal: String { log + "/" + JournalFiles.names[0] }

    func journalByteCount() throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: journal)[.size] as? Int
    }

    /// Where the rows of one of the journal's files begin, and where the next one will.
    ///
    /// - Parameter id: what they begin with; nil for rows of any ID.
    func rowStarts(of id: JournalID? = nil, in file: Int = 0) throws -> [Int] {
        var starts = [0]
        while let byteCount = try rowByteCount(at: starts[starts.count - 1], id, in: file) {
            starts.append((starts[starts.count - 1] + byteCount + 4095) / 4096 * 4096)
        }
        return starts
    }

    func rowByteCount(at place: Int, _ id: JournalID? = nil, in file: Int = 0) throws -> Int? {
        let path = log + "/" + JournalFiles.names[file]
        let beginning = try [UInt8](Data(contentsOf: URL(filePath: path)).dropFirst(place))
        if let id, beginning.count < JournalID.byteCount || JournalID(in: beginning.span, at: 0) != id { return nil }
        let lengths = JournalRow.lengths(beginning.span)
        return lengths?.row
    }

    func editJournal(in place: String, file: Int = 0, _ body: (inout Data) -> Void) throws {
        let file = URL(filePath: place + "/" + JournalFiles.names[file])
        var bytes = try Data(contentsOf: file)
        body(&bytes)
        try bytes.write(to: file)
    }

    func replace(_ name: String, in place: String, from other: String) throws {
        try FileManager.default.removeItem(atPath: place + "/" + name)
        try FileManager.default.copyItem(atPath: other + "/" + name, toPath: place + "/" + name)
    }
}

extension LMDBLogStore {
    /// Runs `body` while a fold that begins waits with its first change.
    func withFoldsHeldUp<R>(_ body: () throws -> R) throws -> R { try parts().environment.write { _ in try body() } }
}

extension GrowingLog {
    /// A batch of one entry that changes something of every kind.
    func batchOfEachKind(_ round: Int) -> StoreBatch {
        var batch = nextBatch(1)
        batch.state = [([1], [UInt8(round)])]
        batch.mapPages = [([], [UInt8(round)])]
        batch.streams = [([2], UInt64(round), head.size)]
        batch.listings = [([3], head.size)]
        return batch
    }
}
