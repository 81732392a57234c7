import Dispatch
import Foundation
import LMDB
import LogStore
import Synchronization
import Testing

@testable import LMDBLogStore

/// When a store may believe what the system has in its cache.
@Suite("Note of an orderly close")
struct ClosingNoteTests {
    /// What became of a commit on another thread.
    private final class Outcome: Sendable {
        let hasEnded = Atomic(false)
        let wasRefused = Atomic(false)
    }

    private let scratch: Scratch
    private var log = GrowingLog()

    init() throws {
        scratch = try Scratch()
    }

    private var note: ClosingNote { ClosingNote(place: StorageDirectory(scratch.log)) }

    private var isThere: Bool { FileManager.default.fileExists(atPath: scratch.log + "/CLOSED") }

    private func data() throws -> StorageFile { try StorageFile(existingAt: scratch.log + "/data.mdb") }

    @Test("it is there after a close, speaks of the file as it is, and counts once")
    mutating func closed() throws {
        let store = try scratch.store()
        try log.grow(store, by: 3)
        #expect(!isThere)
        store.close()
        #expect(isThere)
        #expect(try note.take(data()))
        #expect(!isThere)
        #expect(try !note.take(data()))
    }

    @Test("there is none while a store is open, nor after one that was not closed, nor where nothing is synced")
    mutating func open() throws {
        try log.grow(try scratch.store(), by: 3)
        #expect(!isThere)
        let again = try scratch.store()
        again.close()
        let store = try scratch.store()
        #expect(!isThere)
        store.close()
        let careless = try scratch.store { $0.noSync = true }
        careless.close()
        #expect(!isThere)
    }

    @Test("there is none after a close beside a commit that may yet fail to sync")
    mutating func commitUnderWay() throws {
        // Whether a commit was under way is known afterwards: it had begun, for it was not refused, and had not ended.
        for _ in 1...20 {
            let store = try scratch.store()
            let base = log.head.treeHead
            let batch = log.nextBatch(1000, byteCount: 4000)
            let (begins, ends) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
            let outcome = Outcome()
            Thread.detachNewThread {
                begins.signal()
                do {
                    try store.commit(batch, expecting: base)
                } catch {
                    outcome.wasRefused.store(true, ordering: .relaxed)
                }
                outcome.hasEnded.store(true, ordering: .releasing)
                ends.signal()
            }
            begins.wait()
            Thread.sleep(forTimeInterval: 0.002)
            store.close()
            let wasUnderWay = !outcome.hasEnded.load(ordering: .acquiring)
            let noteIsThere = isThere
            ends.wait()
            if outcome.wasRefused.load(ordering: .relaxed) { continue }
            log.took(batch)
            guard wasUnderWay else { continue }
            #expect(!noteIsThere)
            return
        }
        Issue.record("no commit was under way when the store was closed")
    }

    @Test("of a file that was written since, or that is a copy, it says nothing")
    mutating func another() throws {
        var store = try scratch.store()
        try log.grow(store, by: 3)
        store.close()
        let path = scratch.log + "/data.mdb"
        var bytes = try Data(contentsOf: URL(filePath: path))
        bytes.append(contentsOf: [UInt8](repeating: 0, count: 4096))
        try bytes.write(to: URL(filePath: path))
        #expect(try !note.take(data()))
        store = try scratch.store()
        store.close()
        try Data(contentsOf: URL(filePath: path)).write(to: URL(filePath: path), options: .atomic)
        #expect(try !note.take(data()))
    }
}
