import Foundation
import Governance
import LogClient
import Testing
import Tlog

@Suite("Directories of models")
struct ModelDirectoryTests {
    private let root = NSTemporaryDirectory() + "holdfast-model-\(UUID().uuidString)"

    private func write(_ path: String, _ text: String) throws {
        let url = URL(filePath: root + "/" + path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }

    private func link(_ path: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: root + "/" + path, withDestinationPath: target)
    }

    private func faults(_ links: ModelDirectory.Links = .refuse) -> [ModelDirectory.Fault] {
        do {
            _ = try ModelDirectory(root, links: links)
            return []
        } catch {
            return error.faults
        }
    }

    @Test("every file below it, sorted by path, with its SHA-256; the digest is that of the statement")
    func manifest() throws {
        try write("b.txt", "two")
        try write("a/z.bin", "three")
        try write("a.txt", "one")
        try write("empty", "")
        defer { try? FileManager.default.removeItem(atPath: root) }
        let found = try ModelDirectory(root)
        #expect(found.files.map(\.path) == ["a.txt", "a/z.bin", "b.txt", "empty"])
        #expect(found.bytes == 11)
        var last: UInt64 = 0
        let manifest = try found.manifest { last = $0 }
        #expect(last == 11 || last == 8)
        #expect(manifest.files[0].digest == Hash.sha256(Array("one".utf8)))
        let statement = ModelRegister(
            model: ModelVersion(name: "n", version: "v"), manifest: manifest.entries, actions: ["a"], purposes: ["p"])
        #expect(statement.digest == manifest.digest)
        // As a file, and back.
        let again = try ModelManifest(parsing: Array(manifest.json.text(.pretty).utf8))
        #expect(again == manifest)
    }

    @Test("a link, a pipe and an empty directory are faults that are named")
    func refused() throws {
        try write("a.txt", "one")
        defer { try? FileManager.default.removeItem(atPath: root) }
        try link("link", to: "a.txt")
        try link("up", to: "..")
        #expect(faults() == [.symbolicLink("link"), .symbolicLink("up")])
        // `up` leads to where the directory is in: not a loop of the directory itself, but a way out of it and back.
        #expect(faults(.follow).contains { if case .loop = $0 { true } else { false } })
        try FileManager.default.removeItem(atPath: root + "/up")
        try link("nowhere", to: "missing")
        #expect(
            faults(.follow).contains {
                switch $0 {
                case .unreadable("nowhere", _), .loop("nowhere"): true
                default: false
                }
            })
        try FileManager.default.removeItem(atPath: root + "/nowhere")
        #expect(try ModelDirectory(root, links: .follow).files.map(\.path) == ["a.txt", "link"])
        #expect(throws: ModelDirectory.Faults(faults: [.notADirectory(root + "/a.txt")])) {
            try ModelDirectory(root + "/a.txt")
        }
        try FileManager.default.createDirectory(atPath: root + "/none", withIntermediateDirectories: true)
        #expect(throws: ModelDirectory.Faults(faults: [.empty(root + "/none")])) { try ModelDirectory(root + "/none") }
    }

    @Test("each difference is named")
    func differences() {
        func file(_ path: String, _ byte: UInt8) -> ModelManifest.File {
            ModelManifest.File(path: path, digest: Hash.sha256([byte]), bytes: nil)
        }
        let old = ModelManifest([file("a", 1), file("b", 1), file("c", 1)])
        let new = ModelManifest([file("b", 2), file("c", 1), file("d", 1)])
        #expect(
            old.differences(in: new) == [
                .missing("a"), .changed("b", expected: Hash.sha256([1]), found: Hash.sha256([2])), .added("d"),
            ])
        #expect(old.differences(in: old) == [])
    }

    @Test("a manifest whose digest is not that of its files, or that names one twice, is none")
    func malformed() throws {
        let good = ModelManifest([
            ModelManifest.File(path: "a", digest: Hash.sha256([1]), bytes: 3),
            ModelManifest.File(path: "b", digest: Hash.sha256([2]), bytes: 3),
        ])
        let text = good.json.text()
        func fault(_ text: String) -> ModelManifest.Malformed? {
            do {
                _ = try ModelManifest(parsing: Array(text.utf8))
                return nil
            } catch { return error }
        }
        #expect(fault(text) == nil)
        #expect(fault(text.replacingOccurrences(of: "\"b\"", with: "\"a\"")) == .samePath("a"))
        #expect(fault(text.replacingOccurrences(of: "manifest/1", with: "manifest/2")) == .format)
        let other = text.replacingOccurrences(of: "\"path\":\"b\"", with: "\"path\":\"c\"")
        guard case .digest? = fault(other) else {
            Issue.record("the digest was not checked")
            return
        }
    }
}
