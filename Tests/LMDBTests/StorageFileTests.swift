import Foundation
import LMDB
import Testing

@Suite("Files of a store")
struct StorageFileTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test("a lock is held by one, in this process too, and given back with its object")
    func lock() throws {
        let path = scratch.path + "/LOCK"
        var lock = try LockFile.acquire(path)
        #expect(lock != nil)
        #expect(try LockFile.acquire(path) == nil)
        lock = nil
        #expect(try LockFile.acquire(path) != nil)
        let error = #expect(throws: SystemCallError.self) { try LockFile.acquire(scratch.path + "/none/LOCK") }
        #expect(error?.code == 2)
        #expect(error?.call == "open")
    }

    @Test("a directory is made once, for its owner alone, and lists its names")
    func directory() throws {
        let directory = StorageDirectory(scratch.path + "/d")
        #expect(try directory.names() == nil)
        #expect(try directory.create())
        #expect(try !directory.create())
        #expect(try directory.names() == [])
        _ = try StorageFile(creatingAt: directory.file("a name with spaces"))
        #expect(try directory.names() == ["a name with spaces"])
        try directory.sync()
        let attributes = try FileManager.default.attributesOfItem(atPath: directory.path)
        #expect(attributes[.posixPermissions] as? Int == 0o700)
        #expect(throws: SystemCallError.self) { try StorageDirectory(scratch.path + "/x/y").create() }
        #expect(throws: SystemCallError.self) { try StorageDirectory(directory.file("a name with spaces")).names() }
    }

    @Test("a file is measured, resized, synced and forgotten by the cache")
    func file() throws {
        let file = try StorageFile(creatingAt: scratch.path + "/f")
        #expect(try file.byteCount() == 0)
        try file.resize(to: 10_000)
        #expect(try file.byteCount() == 10_000)
        try file.sync()
        try file.dropCache()
        try file.restrict(to: 0o400)
        let error = #expect(throws: SystemCallError.self) { try StorageFile(existingAt: scratch.path + "/none") }
        #expect(error?.description.contains("open") == true)
    }
}
