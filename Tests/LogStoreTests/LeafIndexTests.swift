import Dispatch
import Foundation
import LMDB
import LogStore
import Synchronization
import Testing
import Tlog

@testable import LMDBLogStore

/// "What is committed must never be missing": the index of leaf hashes, whatever becomes of its file.
@Suite("Index of leaf hashes")
struct LeafIndexTests {
    private let scratch: Scratch
    private var log = GrowingLog()

    init() throws { scratch = try Scratch() }

    private var path: String { scratch.log + "/leaf-index" }

    /// A store that settles often.
    private func store(_ recentLeaves: Int = 100) throws -> LMDBLogStore {
        try scratch.store { $0.recentLeaves = recentLeaves }
    }

    /// Every entry is found at its index, and what is not there is not found.
    private func checkFound(_ store: LMDBLogStore) throws {
        try store.read { snapshot in
            for (index, leafHash) in log.leafHashes.enumerated() {
                #expect(try snapshot.index(ofLeaf: leafHash) == UInt64(index))
            }
            #expect(try snapshot.index(ofLeaf: .zero) == nil)
            try snapshot.verifyContents()
        }
    }

    /// The same, and none can be committed again.
    private func check(_ store: LMDBLogStore) throws {
        try checkFound(store)
        for index in [0, log.entries.count / 2, log.entries.count - 1] {
            let error = #expect(throws: StoreError.self) {
                try store.commit(log.batch([[1], log.entries[index]]), expecting: log.head.treeHead)
            }
            #expect(error?.code == .duplicateEntry)
            #expect(error?.detail.contains("at index \(index)") == true)
        }
    }

    @Test("entries are found while they are in memory, in the file, and in both; over more than one segment")
    mutating func grows() throws {
        var store = try store()
        for count in [1, 99, 1, 250, 3745, 1, 900] {
            try log.grow(store, by: count)
            try check(store)
        }
        store.close()
        let header = try #require(try LeafIndexFile(in: StorageDirectory(scratch.log)).header())
        #expect(header.tree == log.head.treeHead)
        for _ in 0..<2 {
            store = try self.store(10_000)
            #expect(store.remadeIndex == nil)
            try check(store)
            try log.grow(store, by: 30)
            store.close()
        }
    }

    @Test("a segment ends where the log is four times as long, and the file has room for all of its slots")
    func segments() {
        let ends: [UInt64] = [4096, 16384, 65536, 1 << 18, 1 << 20, 1 << 22, 1 << 24]
        for (number, end) in ends.enumerated() {
            #expect(LeafIndexFile.range(of: number) == (number == 0 ? 0 : ends[number - 1])..<end)
            #expect(LeafIndexFile.segment(of: end - 1) == number)
            #expect(LeafIndexFile.segment(of: end) == number + 1)
            #expect(LeafIndexFile.byteCount(forLogOf: end) == 4096 + 16 * Int(end))
            #expect(LeafIndexFile.byteCount(forLogOf: end + 1) == 4096 + 64 * Int(end))
        }
        #expect(LeafIndexFile.byteCount(forLogOf: 0) == 4096)
        #expect(LeafIndexFile.segment(of: SlotTable.numberLimit) == 14)
    }

    @Test("a small log has a small file")
    mutating func small() throws {
        let store = try store()
        try log.grow(store, by: 3)
        store.close()
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.size] as? Int == 4096 + 65536)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }

    // MARK: Crashes

    /// What a process that ends now would leave.
    private func crash() throws -> Scratch {
        let left = try Scratch()
        try FileManager.default.copyItem(atPath: scratch.log, toPath: left.log)
        return left
    }

    @Test("what was committed since the file was last settled is read from the tiles", arguments: [100, 1, 7, 1000])
    mutating func headerOlderThanHead(recentLeaves: Int) throws {
        var store = try store()
        try log.grow(store, by: 300)
        store.close()
        store = try self.store()
        try log.grow(store, by: 60)
        try log.grow(store, by: 1)
        let left = try crash()
        #expect(try LeafIndexFile(in: StorageDirectory(left.log)).header()?.tree.size == 300)
        // More than twice what is kept in memory goes into the file at once.
        let again = try left.store { $0.recentLeaves = recentLeaves }
        #expect(again.remadeIndex == nil)
        try check(again)
        try log.grow(again, by: 10)
        try check(again)
    }

    @Test("settling that was interrupted is made again: slots that the header does not speak of do no harm")
    mutating func interruptedSettling() throws {
        var store = try store()
        try log.grow(store, by: 300)
        store.close()
        let before = try Data(contentsOf: URL(filePath: path)).prefix(4096)
        store = try self.store()
        try log.grow(store, by: 200)
        store.close()
        // All slots reached the disk; of the second half of the file's pages, none did.
        for lost in [false, true] {
            let left = try crash()
            try FileManager.default.removeItem(atPath: left.log + "/CLOSED")
            let file = try FileHandle(forUpdating: URL(filePath: left.log + "/leaf-index"))
            try file.write(contentsOf: before)
            if lost {
                let settled = try Data(contentsOf: URL(filePath: path))
                let old = try oldSlots(settled, below: 300)
                try file.seek(toOffset: 4096 + 32768)
                try file.write(contentsOf: old.suffix(32768))
            }
            try file.close()
            let again = try left.store { $0.recentLeaves = 20 }
            #expect(again.remadeIndex == nil)
            try check(again)
        }
    }

    @Test("a process that ends while it settles leaves a file that is gone on with")
    mutating func endedWhileSettling() throws {
        var store = try store(1)
        for round in 0..<12 {
            // The commit gives up the table before it, which is being settled now.
            try log.grow(store, by: round % 3 == 0 ? 400 : 3)
            let left = try crash()
            let again = try left.store { $0.recentLeaves = 1 }
            #expect(again.remadeIndex == nil || round == 0)
            try check(again)
        }
        store.close()
        store = try self.store()
        #expect(store.remadeIndex == nil)
    }

    /// The slots of the first segment, without those of entries from `end` on.
    private func oldSlots(_ file: Data, below end: UInt64) throws -> Data {
        var slots = Data(file.dropFirst(4096))
        for start in stride(from: 0, to: slots.count, by: 8) {
            let number = slots[slots.startIndex + start..<slots.startIndex + start + 5].reversed().reduce(0) {
                UInt64($0) << 8 | UInt64($1)
            }
            if number > end { slots.replaceSubrange(start..<start + 8, with: [UInt8](repeating: 0, count: 8)) }
        }
        return slots
    }

    // MARK: Files that are of no use

    @Test(
        "a file that is missing, cut, damaged, or of another log is made anew, and says why",
        arguments: ["missing", "empty", "cut", "garbage", "bit", "zeros", "other", "history", "ahead"])
    mutating func remade(fault: String) throws {
        var store = try store()
        try log.grow(store, by: 290)
        store.close()
        let older = try Data(contentsOf: URL(filePath: scratch.data))
        store = try self.store()
        let (past, pastIndex) = (log, path)
        try log.grow(store, by: 10)
        store.close()
        let whole = try Data(contentsOf: URL(filePath: pastIndex))
        let place = URL(filePath: path)
        switch fault {
        case "missing": try FileManager.default.removeItem(at: place)
        case "empty": try Data().write(to: place)
        case "cut": try whole.dropLast(8).write(to: place)
        case "garbage": try Data(repeating: 0x5A, count: whole.count).write(to: place)
        case "bit":
            var bytes = whole
            bytes[40] ^= 1
            try bytes.write(to: place)
        case "zeros": try (whole.prefix(4096) + Data(count: whole.count - 4096)).write(to: place)
        case "other":
            let other = try Scratch()
            let foreign = try other.store()
            var another = GrowingLog()
            try another.commit(another.batch((0..<300).map { Array("other \($0)".utf8) }), to: foreign)
            foreign.close()
            try Data(contentsOf: URL(filePath: other.log + "/leaf-index")).write(to: place)
        case "history":
            // An older copy of the data went on in another way.
            try older.write(to: URL(filePath: scratch.data))
            try FileManager.default.removeItem(at: place)
            log = past
            store = try self.store()
            try log.commit(log.batch((0..<20).map { Array("another \($0)".utf8) }), to: store)
            store.close()
            try whole.write(to: place)
        default:
            try older.write(to: URL(filePath: scratch.data))
            log = past
        }
        store = try self.store()
        if fault == "missing" || fault == "empty" {
            #expect(store.remadeIndex == "there is none")
        } else {
            #expect(store.remadeIndex != nil)
        }
        if fault == "ahead" { #expect(store.remadeIndex == "it is of 300 entries, and the log has not as many") }
        try check(store)
        store.close()
        store = try self.store()
        #expect(store.remadeIndex == nil)
        try check(store)
    }

    @Test("a file that is removed while the store is open is not missed, and is there again after the next opening")
    mutating func removedWhileOpen() throws {
        var store = try store(10)
        try log.grow(store, by: 50)
        try FileManager.default.removeItem(atPath: path)
        try log.grow(store, by: 50)
        try check(store)
        store.close()
        store = try self.store()
        #expect(store.remadeIndex == "there is none")
        try check(store)
    }

    @Test("a slot that was lost is found by the check of the contents, which says what to do")
    mutating func lostSlot() throws {
        var store = try store()
        try log.grow(store, by: 1000)
        store.close()
        try lose(17)
        store = try self.store()
        let error = #expect(throws: StoreError.self) { try store.read { try $0.verifyContents() } }
        #expect(error?.code == .corrupt)
        #expect(error?.detail.contains("entry 17 is not found") == true)
        #expect(error?.detail.contains("remove the file leaf-index") == true)
        store.close()
        try FileManager.default.removeItem(atPath: path)
        store = try self.store()
        try check(store)
    }

    /// Takes the slot of an entry out of the file of a closed store.
    private func lose(_ index: UInt64) throws {
        let file = try LeafIndexFile(in: StorageDirectory(scratch.log))
        let header = try #require(try file.header())
        let hash = try #require(KeyedHash(key: header.key))
        let segment = try file.segment(LeafIndexFile.segment(of: index))
        let added = try #require(segment.add(index, under: hash(log.leafHashes[Int(index)])))
        #expect(!added.isNew)
        segment.free(added.place)
    }

    @Test("where a tile is missing that must be read, the store opens; who asks for a leaf hash or commits is told")
    mutating func missingTile() throws {
        var store = try store()
        try log.grow(store, by: 600)
        store.close()
        try FileManager.default.removeItem(atPath: path)
        do {
            let environment = try Environment(directory: scratch.log)
            _ = try environment.write { try $0.remove([0, 0, 0, 0, 0, 0, 0, 0, 1], in: $0.createDatabase("tiles")) }
        }
        store = try self.store()
        #expect(try store.read { try $0.entries(0..<600) } == log.entries)
        for hash in [log.leafHashes[0], .zero] {
            #expect(code { _ = try store.read { try $0.index(ofLeaf: hash) } } == .corrupt)
        }
        #expect(code { try store.commit(log.nextBatch(1), expecting: log.head.treeHead) } == .corrupt)
    }

    // MARK: What is not committed

    @Test("a commit that is refused puts nothing in, however often")
    mutating func failedCommits() throws {
        let store = try store()
        try log.grow(store, by: 10)
        for round in 0..<200 {
            var batch = log.batch((0..<5).map { Array("round \(round), \($0)".utf8) })
            batch.listings = [(key: [1], index: 11), (key: [1], index: 10)]
            #expect(code { try store.commit(batch, expecting: log.head.treeHead) } == .invalidBatch)
            #expect(try store.read { try $0.index(ofLeaf: batch.leafHashes[0]) } == nil)
        }
        let filled = try store.leafIndex().state.withLock { $0.fillings.map(\.count) }
        #expect(filled == [10])
        try log.grow(store, by: 5)
        #expect(try store.leafIndex().state.withLock { $0.fillings.map(\.count) } == [15])
        try check(store)
    }

    @Test("a batch that failed can be committed as it is, and its leaf hashes be at other indices than they were")
    mutating func failedThenCommitted() throws {
        let store = try store()
        let batch = log.nextBatch(5)
        var failing = batch
        failing.listings = [(key: [1], index: 1), (key: [1], index: 0)]
        #expect(throws: StoreError.self) { try store.commit(failing, expecting: log.head.treeHead) }
        try log.commit(batch, to: store)
        try check(store)
        let later = log.nextBatch(3)
        failing = later
        failing.listings = [(key: [1], index: 6), (key: [1], index: 5)]
        #expect(throws: StoreError.self) { try store.commit(failing, expecting: log.head.treeHead) }
        try log.commit(log.batch(later.entries.reversed()), to: store)
        try check(store)
    }

    @Test("a candidate under the same hash is another entry: the tile decides")
    mutating func collision() throws {
        let store = try store()
        try log.grow(store, by: 300)
        let leaves = try store.leafIndex()
        let hash = leaves.keyedHash(log.leafHashes[3])
        let table = try #require(leaves.state.withLock { $0.tables.recent.last })
        for other in [0, 299, 300, 5000] as [UInt64] { _ = table.add(other, under: hash) }
        let absent = Hash.leaf([9])
        for other in [0, 299, 300, 5000] as [UInt64] { _ = table.add(other, under: leaves.keyedHash(absent)) }
        #expect(try store.read { try $0.index(ofLeaf: log.leafHashes[3]) } == 3)
        #expect(try store.read { try $0.index(ofLeaf: absent) } == nil)
        try check(store)
    }

    @Test("a snapshot does not find what was committed after it began")
    mutating func isolated() throws {
        let store = try store(5)
        try log.grow(store, by: 20)
        let batch = log.nextBatch(20)
        try store.read { snapshot in
            try store.commit(batch, expecting: log.head.treeHead)
            #expect(try snapshot.index(ofLeaf: batch.leafHashes[0]) == nil)
            #expect(try snapshot.index(ofLeaf: log.leafHashes[19]) == 19)
        }
        #expect(try store.read { try $0.index(ofLeaf: batch.leafHashes[0]) } == 20)
    }

    // MARK: Threads

    @Test("readers find every committed entry while others are committed and settled")
    mutating func concurrent() async throws {
        let store = try store(16)
        let hashes = (0..<600).map { Hash.leaf(Array("entry \($0) ".utf8).padded) }
        let writing = log
        try await withThrowingTaskGroup(of: Void.self) { group in
            for reader in 0..<3 {
                group.addTask {
                    var size = 0
                    while size < 600 {
                        try Task.checkCancellation()
                        await Task.yield()
                        size = try store.read { snapshot in
                            let size = Int(try snapshot.head.size)
                            for index in stride(from: reader, to: size, by: 7) {
                                #expect(try snapshot.index(ofLeaf: hashes[index]) == UInt64(index))
                            }
                            if size > 0 { #expect(try snapshot.index(ofLeaf: hashes[size - 1]) == UInt64(size - 1)) }
                            if size < 600 { #expect(try snapshot.index(ofLeaf: hashes[size]) == nil) }
                            return size
                        }
                    }
                }
            }
            group.addTask {
                var log = writing
                while log.entries.count < 600 { try log.grow(store, by: 4) }
            }
            try await group.waitForAll()
        }
    }

    @Test("a commit waits for the disk when three tables wait to be settled, and all is found meanwhile")
    mutating func waits() throws {
        let store = try store(1)
        let leaves = try store.leafIndex()
        leaves.settling.suspend()
        for _ in 0..<4 { try log.grow(store, by: 1) }
        try checkFound(store)
        #expect(leaves.state.withLock { $0.fillings.count } == 4)
        DispatchQueue.global().async { leaves.settling.resume() }
        try log.grow(store, by: 1)
        #expect(leaves.state.withLock { $0.fillings.count } <= 2)
        try check(store)
    }

    @Test("after a sync of the file failed, nothing is committed, and all that was is found")
    mutating func syncFailed() throws {
        let store = try store(2)
        try log.grow(store, by: 5)
        try store.leafIndex().state.withLock { $0.failure = StoreError(.syncFailed, "the disk") }
        #expect(store.failure == StoreError(.syncFailed, "the disk"))
        let batch = log.nextBatch(1)
        for _ in 0..<2 { #expect(code { try store.commit(batch, expecting: log.head.treeHead) } == .syncFailed) }
        try checkFound(store)
        // What the header does not speak of is read from the tiles.
        store.close()
        #expect(!FileManager.default.fileExists(atPath: scratch.log + "/CLOSED"))
        try check(self.store())
    }

    @Test("a store that is let go while it settles can be opened at once")
    mutating func letGo() throws {
        for _ in 0..<20 {
            let store = try store(1)
            for _ in 0..<3 { try log.grow(store, by: 2) }
        }
        try check(store())
    }
}

extension [UInt8] {
    /// As `GrowingLog` makes entries of 40 bytes.
    fileprivate var padded: [UInt8] {
        var entry = self
        while entry.count < 40 { entry.append(UInt8(truncatingIfNeeded: entry.count &* 7)) }
        return entry
    }
}
