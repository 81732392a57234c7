import Foundation
import Glibc
import LMDB
import LogStore
import Synchronization
import Testing
import Tlog

@testable import LMDBLogStore

/// The index of leaf hashes beside a disk that refuses, and a head that says nonsense.
@Suite("Index of leaf hashes: faults")
struct LeafIndexFaultTests {
    private let scratch: Scratch
    private var log = GrowingLog()

    init() throws { scratch = try Scratch() }

    private var path: String { scratch.log + "/leaf-index" }

    private func checkFound(_ store: LMDBLogStore) throws {
        try store.read { snapshot throws in
            for (index, leafHash) in log.leafHashes.enumerated() {
                #expect(try snapshot.index(ofLeaf: leafHash) == UInt64(index))
            }
        }
    }

    /// Puts another file under the descriptor that this process has of the index: `fdatasync` of it is an error.
    private func refuseSyncs() throws {
        let null = unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
        defer { close(null) }
        for name in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
            guard let descriptor = Int32(name),
                let file = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)"),
                file == URL(filePath: path).resolvingSymlinksInPath().path()
            else { continue }
            #expect(dup2(null, descriptor) == descriptor)
            return
        }
        Issue.record("the index has no descriptor")
    }

    @Test("an fdatasync of the file that fails while it is settled is an error, and nothing is lost")
    mutating func refusedSync() throws {
        var store = try scratch.store { $0.recentLeaves = 2 }
        try log.grow(store, by: 2)
        try refuseSyncs()
        // The table of the first two is full, and is settled behind this commit.
        try log.grow(store, by: 2)
        try store.leafIndex().waitForSettling()
        let error = #expect(throws: StoreError.self) {
            try store.commit(log.nextBatch(1), expecting: log.head.treeHead)
        }
        #expect(error?.code == .syncFailed)
        #expect(error?.detail.contains("fdatasync") == true)
        try checkFound(store)
        store.close()
        #expect(!FileManager.default.fileExists(atPath: scratch.log + "/CLOSED"))
        store = try scratch.store()
        #expect(store.remadeIndex == nil)
        try checkFound(store)
        try store.read { try $0.verifyContents() }
        try log.grow(store, by: 1)
        try checkFound(store)
    }

    @Test("a head that names more entries than the tiles can have is refused, and no space is set aside for them")
    mutating func nonsenseHead() throws {
        var store = try scratch.store()
        try log.grow(store, by: 300)
        store.close()
        let size = try Data(contentsOf: URL(filePath: path)).count
        try name(entries: 1 << 22)
        store = try scratch.store()
        #expect(code { _ = try store.read { try $0.index(ofLeaf: log.leafHashes[0]) } } == .corrupt)
        #expect(code { _ = try store.mayHave(anyOf: log.leafHashes) } == .corrupt)
        store.close()
        #expect(try Data(contentsOf: URL(filePath: path)).count == size)
    }

    /// Has LMDB's row of the head name so many entries, under a hash that is right.
    private func name(entries: UInt64) throws {
        let environment = try Environment(directory: scratch.log)
        let layout = try Layout { try #require(try environment.database($0)) }
        try environment.write { transaction in
            var base = try JournalBase.read(transaction, layout)
            let head = base.head.head
            base.head.head = StoredHead(
                treeHead: TreeHead(size: entries, root: head.treeHead.root), sealTime: head.sealTime)
            try base.write(transaction, layout)
        }
    }

    @Test("what is committed may be there, in memory and in the file; of what was never there it is known")
    mutating func mayHave() throws {
        let store = try scratch.store { $0.recentLeaves = 20 }
        let never = (0..<50).map { Hash.leaf(Array("never \($0)".utf8)) }
        #expect(try !store.mayHave(anyOf: never))
        for _ in 0..<10 {
            try log.grow(store, by: 7)
            for leafHash in log.leafHashes { #expect(try store.mayHave(anyOf: [leafHash])) }
            #expect(try store.mayHave(anyOf: never + [log.leafHashes[0]] + never))
            #expect(try !store.mayHave(anyOf: never))
        }
        #expect(try !store.mayHave(anyOf: []))
        store.close()
        #expect(code { _ = try store.mayHave(anyOf: never) } == .closed)
    }

    @Test("what was looked for in vain is found once it is committed, and settled, and is not committed again")
    mutating func absentBefore() throws {
        let store = try scratch.store { $0.recentLeaves = 5 }
        try log.grow(store, by: 20)
        for _ in 0..<5 {
            let batch = log.nextBatch(5)
            for hash in batch.leafHashes { #expect(try store.read { try $0.index(ofLeaf: hash) } == nil) }
            #expect(try !store.mayHave(anyOf: batch.leafHashes))
            let entries = log.entries.count
            try log.commit(batch, to: store)
            try checkFound(store)
            #expect(try store.mayHave(anyOf: [batch.leafHashes[0]]))
            // The tables that are full are in the file from here on, and nowhere else.
            try log.grow(store, by: 5)
            try store.leafIndex().waitForSettling()
            #expect(try store.leafIndex().state.withLock { $0.tables.recent.count } == 1)
            try checkFound(store)
            for (hash, entry) in zip(batch.leafHashes, entries...) {
                #expect(try store.mayHave(anyOf: [hash]))
                let again = log.batch([[1], log.entries[entry]])
                #expect(code { try store.commit(again, expecting: log.head.treeHead) } == .duplicateEntry)
            }
        }
    }
}
