import Foundation
import Gate
import Governance
import Synchronization
import Testing
import Tlog

/// "the artifact manifest's digests match when files are given" (M5), without reading what has not changed.
@Suite("A model's directory against its manifest")
struct ModelDirectoryTests {
    /// A directory with files of a model, gone when the test is.
    private final class Files {
        let path: String
        init() throws {
            path = FileManager.default.temporaryDirectory.appending(path: "holdfast-model-\(UUID())").path()
            try FileManager.default.createDirectory(atPath: path + "/sub", withIntermediateDirectories: true)
            try write("weights.bin", "weights")
            try write("sub/vocab.txt", "words")
        }
        deinit { try? FileManager.default.removeItem(atPath: path) }

        func write(_ name: String, _ text: String) throws {
            try Data(text.utf8).write(to: URL(filePath: path + "/" + name))
        }
    }

    private func registered() throws -> ModelRegister {
        ModelRegister(
            model: ModelVersion(name: "embedder", version: "1"),
            manifest: [
                ManifestEntry(path: "weights.bin", digest: .sha256(Array("weights".utf8))),
                ManifestEntry(path: "sub/vocab.txt", digest: .sha256(Array("words".utf8))),
            ], actions: ["embed"], purposes: ["search"])
    }

    /// The clock of a machine on which the files were written long ago.
    private static let later: @Sendable () -> Int64 = {
        Int64(Date().timeIntervalSince1970 * 1_000_000_000) + 3_600_000_000_000
    }

    @Test("files as they were registered do not differ, and the digest is the registered one")
    func same() async throws {
        let files = try Files()
        let found = try await ModelDirectory(files.path, now: Self.later).compare(with: registered())
        #expect(found.differing.isEmpty)
        #expect(found.digest == (try registered().digest))
    }

    @Test("what changed, is missing, was added or is a link differs, by name")
    func differences() async throws {
        let files = try Files()
        let directory = ModelDirectory(files.path, now: Self.later)
        try files.write("weights.bin", "Weights")
        #expect(try await directory.compare(with: registered()).differing == ["weights.bin"])
        try files.write("weights.bin", "weights")
        try files.write("extra.py", "import os")
        #expect(try await directory.compare(with: registered()).differing == ["extra.py"])
        try FileManager.default.removeItem(atPath: files.path + "/extra.py")
        try FileManager.default.moveItem(atPath: files.path + "/weights.bin", toPath: files.path + ".moved")
        defer { try? FileManager.default.removeItem(atPath: files.path + ".moved") }
        #expect(try await directory.compare(with: registered()).differing == ["weights.bin"])
        try FileManager.default.createSymbolicLink(
            atPath: files.path + "/weights.bin", withDestinationPath: files.path + ".moved")
        #expect(try await directory.compare(with: registered()).differing == ["weights.bin"])
    }

    @Test(
        "an unchanged file is read once; one that was replaced with the same size and time of modification is read again"
    )
    func cache() async throws {
        let files = try Files()
        let directory = ModelDirectory(files.path, now: Self.later)
        _ = try await directory.compare(with: registered())
        #expect(await directory.filesRead == 2)
        _ = try await directory.compare(with: registered())
        #expect(await directory.filesRead == 2)
        let path = files.path + "/weights.bin"
        let modified = try #require(try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date)
        try files.write("weights.bin", "WEIGHTS")
        try FileManager.default.setAttributes([.modificationDate: modified], ofItemAtPath: path)
        #expect(try await directory.compare(with: registered()).differing == ["weights.bin"])
        #expect(await directory.filesRead == 3)
    }

    @Test("a file that was changed a moment ago is read again: two changes in one tick look like one")
    func racy() async throws {
        let files = try Files()
        let changed = Mutex(Int64(0))
        let directory = ModelDirectory(files.path, now: { changed.withLock { $0 } })
        _ = try await directory.compare(with: registered())
        _ = try await directory.compare(with: registered())
        #expect(await directory.filesRead == 4)
    }

    @Test("a directory that is not there can't be compared")
    func missing() async throws {
        let directory = ModelDirectory("/nonexistent/model")
        await #expect(throws: ModelDirectoryError.self) { try await directory.compare(with: self.registered()) }
    }
}
