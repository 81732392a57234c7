import Foundation
import LMDB
import LogStore
import Testing

@testable import LMDBLogStore

/// When a store may believe what the system has in its cache.
@Suite("Note of an orderly close")
struct ClosingNoteTests {
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
