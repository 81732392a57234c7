import Foundation
import Glibc
import Testing

@testable import LMDB

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

    @Test("a lock that is given up is free, also while another process has a copy of the descriptor")
    func unlock() throws {
        let path = scratch.path + "/LOCK"
        let file = try StorageFile(creatingAt: path)
        #expect(try file.tryLock())
        // As a child process has it between its start and its program's.
        let copy = dup(file.descriptor)
        defer { _ = close(copy) }
        #expect(try !StorageFile(existingAt: path).tryLock())
        file.unlock()
        #expect(try StorageFile(existingAt: path).tryLock())
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

    @Test("what is read of a file is not noted in it, so that the next sync has nothing of that to write")
    func readsAreNotNoted() throws {
        let url = URL(filePath: scratch.path + "/f")
        try Data([1, 2, 3]).write(to: url)
        // Most systems note the first read after a write.
        let file = try StorageFile(existingAt: url.path())
        try file.write([4], at: 3)
        let before = try accessDate(url)
        Thread.sleep(forTimeInterval: 0.02)
        #expect(try file.read(4, at: 0) == [1, 2, 3, 4])
        #expect(try accessDate(url) == before)
    }

    @Test("a file has a name until the last one is removed")
    func names() throws {
        let path = scratch.path + "/f"
        let file = try StorageFile(creatingAt: path)
        #expect(try file.hasName())
        try FileManager.default.linkItem(atPath: path, toPath: path + "2")
        try FileManager.default.removeItem(atPath: path)
        #expect(try file.hasName())
        try FileManager.default.removeItem(atPath: path + "2")
        #expect(try !file.hasName())
    }

    private func accessDate(_ url: URL) throws -> Date? {
        var url = url
        url.removeAllCachedResourceValues()
        return try url.resourceValues(forKeys: [.contentAccessDateKey]).contentAccessDate
    }
}
