import Foundation
import Testing
import Tlog
import Verification

@testable import LogClient

@Suite("Reading a log")
struct ReadingTests {
    private func grown(_ count: Int) throws -> FakeLog {
        let log = try FakeLog()
        let more = (1..<count).map { Array("entry \($0)".utf8) }
        log.change { $0.entries += more }
        return log
    }

    @Test("entries of any range are those under the checkpoint", arguments: [1, 2, 255, 256, 257, 600])
    func entries(_ size: Int) async throws {
        let log = try grown(size)
        let all = log.entries
        var view = try await log.client.view()
        #expect(try await view.entries(0..<UInt64(size)) == all)
        for start in stride(from: 0, to: size, by: 97) {
            let end = min(start + 200, size)
            #expect(try await view.entries(UInt64(start)..<UInt64(end)) == Array(all[start..<end]))
        }
        for index in stride(from: 0, to: size, by: 53) {
            let proof = try await view.inclusionProof(index: UInt64(index))
            try proof.verify(leafHash: .leaf(all[index]), root: view.head.treeHead.root)
        }
    }

    @Test("a changed entry, bundle or tile is refused")
    func changed() async throws {
        let log = try grown(600)
        for prefix in ["tile/entries/", "tile/0/", "tile/1/"] {
            for place in [0, 40, 2000] {
                log.lie { request, response in
                    guard request.path.hasPrefix(prefix) else { return response }
                    var response = response
                    response.body[min(place, response.body.count - 1)] ^= 0x10
                    return response
                }
                await #expect(throws: ClientError.self, "\(prefix) byte \(place)") {
                    var view = try await log.client.view()
                    _ = try await view.entries(0..<600)
                }
            }
        }
    }

    @Test("growth is verified, and a rewritten or shrunken log is seen")
    func growth() async throws {
        let log = try grown(300)
        let old = try await log.client.checkpoint().treeHead
        log.change { $0.entries += (0..<300).map { Array("more \($0)".utf8) } }
        try await log.client.verifyGrowth(from: old, to: try await log.client.checkpoint())
        log.change { $0.entries[17] = Array("rewritten".utf8) }
        await #expect(throws: ClientError.self) {
            try await log.client.verifyGrowth(from: old, to: try await log.client.checkpoint())
        }
        log.change { $0.entries.removeLast(400) }
        await #expect(throws: ClientError.self) {
            try await log.client.verifyGrowth(from: old, to: try await log.client.checkpoint())
        }
    }

    @Test("URLs: http and https, a host, nothing after the path")
    func urls() {
        #expect(LogURL("http://a:1")?.text == "http://a:1/")
        #expect(LogURL("https://a/b/")?.text == "https://a/b/")
        for bad in ["", "a", "ftp://a", "http://", "http://a?x", "http://a/#x", "http://u@a", "//a", "file:///etc"] {
            #expect(LogURL(bad) == nil, "\(bad)")
        }
    }

    @Test("entries are named by canonical numbers and lowercase hashes")
    func names() {
        #expect(EntryName("0") == .index(0))
        #expect(EntryName(Hash.zero.hex) == .leafHash(.zero))
        for bad in ["", "-1", "01", "1 ", "0x1", "18446744073709551616", String(Hash.zero.hex.dropLast())] {
            #expect(EntryName(bad) == nil, "\(bad)")
        }
    }
}

@Suite("Exporting a log")
struct ExportTests {
    private let directory = NSTemporaryDirectory() + "holdfast-export-\(UUID().uuidString)"

    private func log(_ count: Int) throws -> FakeLog {
        let log = try FakeLog()
        let more = (1..<count).map { Array("entry \($0)".utf8) }
        log.change { $0.entries += more }
        return log
    }

    private func export(_ log: FakeLog, asked: (Range<UInt64>) -> Void = { _ in }) async throws {
        let entries = log.entries
        var export = LogExport(directory: directory, checkpoint: log.checkpoint(entries))
        try await export.run(from: { range in
            asked(range)
            return Array(entries[Int(range.lowerBound)..<Int(range.upperBound)])
        })
    }

    private func file(_ path: String) -> [UInt8]? {
        FileManager.default.contents(atPath: "\(directory)/\(path)").map { [UInt8]($0) }
    }

    @Test("every resource of the tree is there, and the checkpoint", arguments: [1, 255, 256, 257, 700])
    func complete(_ size: Int) async throws {
        let log = try log(size)
        try await export(log)
        let entries = log.entries
        let (_, tiles) = log.tiles(entries)
        for tile in Tile.tiles(forTreeSize: UInt64(size)) {
            let content = try #require(tiles[tile.coordinate])
            #expect(file(TileResource.tile(tile).path) == Array(content.prefix(tile.byteCount)))
        }
        #expect(try SignedCheckpoint(parsing: try #require(file("checkpoint"))).checkpoint.size == UInt64(size))
        let last = (size - 1) / 256
        let width = size - last * 256
        let bundle = try #require(file(TileResource.entries(index: UInt64(last), width: width).path))
        #expect(try EntryBundle(parsing: bundle, width: width).entries == Array(entries[(last * 256)...]))
    }

    @Test("an export goes on where an older one ended, and leaves no partial tile of it")
    func resumed() async throws {
        let log = try log(300)
        try await export(log)
        log.change { $0.entries += (0..<300).map { Array("more \($0)".utf8) } }
        var asked: [Range<UInt64>] = []
        try await export(log) { asked.append($0) }
        #expect(asked == [256..<512, 512..<600])
        #expect(!FileManager.default.fileExists(atPath: directory + "/tile/0/001.p"))
        #expect(!FileManager.default.fileExists(atPath: directory + "/tile/entries/001.p"))
    }

    @Test("entries that are not those of the checkpoint leave no checkpoint behind")
    func rootDiffers() async throws {
        let log = try log(300)
        let entries = log.entries
        var export = LogExport(directory: directory, checkpoint: log.checkpoint(entries))
        await #expect(throws: LogExportError.self) {
            try await export.run(from: { range in
                range.map { index in index == 7 ? [0] : entries[Int(index)] }
            })
        }
        #expect(file("checkpoint") == nil)
    }

    @Test("an export of another log, or of a larger tree, is not written over")
    func otherLog() async throws {
        let first = try log(5)
        try await export(first)
        first.change { $0.entries.removeLast() }
        await #expect(throws: LogExportError.self) { try await export(first) }
        let other = try FakeLog(origin: "other.test/log")
        await #expect(throws: LogExportError.self) { try await export(other) }
        #expect(try SignedCheckpoint(parsing: try #require(file("checkpoint"))).checkpoint.size == 5)
    }
}
