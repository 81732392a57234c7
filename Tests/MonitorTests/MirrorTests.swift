import Foundation
import LogClient
import Testing
import Tlog
import Verification

@testable import Monitor

@Suite("Mirror")
struct MirrorTests {
    private let scratch = Scratch()

    private func mirror(_ log: StaticLog, identity: Mirror.Identity? = nil) throws -> Mirror {
        try Mirror(
            directory: MirrorDirectory(scratch.path), client: log.client, identity: identity, now: { 1_800_000_000 })
    }

    @Test("a copy has every file that the checkpoint demands, and no other", arguments: [1, 255, 256, 257, 700])
    func complete(_ size: Int) async throws {
        let log = try StaticLog(size)
        var mirror = try mirror(log)
        #expect(try await mirror.update() == .grown(from: 0))
        #expect(scratch.files == log.files)
    }

    @Test("a copy of a tree with three levels of tiles is complete")
    func threeLevels() async throws {
        let log = try StaticLog(65_536 + 300)
        try await MirrorDirectory(scratch.path).export(log.checkpoint, from: FileTable(log.files))
        #expect(scratch.files == log.files)
    }

    @Test("growth copies what is new, and partial tiles go when the full ones are demanded by the checkpoint")
    func growth() async throws {
        let log = try StaticLog(300)
        var mirror = try mirror(log)
        _ = try await mirror.update()
        let partials = scratch.files.filter { $0.key.contains(".p/") }
        log.grow(by: 100)
        #expect(try await mirror.update() == .grown(from: 300))
        // "Logs MUST serve partial tiles corresponding to tree sizes for which a checkpoint was produced"
        #expect(scratch.files == log.files.merging(partials) { new, _ in new })
        log.grow(by: 200)
        _ = log.asked()
        #expect(try await mirror.update() == .grown(from: 400))
        #expect(!log.asked().contains("tile/entries/000"), "what is verified is not fetched again")
        let names = Set(scratch.files.keys)
        #expect(!names.contains { $0.hasPrefix("tile/0/001.p") || $0.hasPrefix("tile/entries/001.p") })
        #expect(names.isSuperset(of: log.files.keys))
        #expect(try await mirror.update() == .unchanged)
    }

    @Test("the next run verifies what is there, and fetches again only what is damaged or missing")
    func resumed() async throws {
        let log = try StaticLog(700)
        var first: Mirror? = try mirror(log)
        _ = try await first?.update()
        first = nil
        try scratch.write("tile/entries/001", [1, 2, 3])
        try scratch.write("tile/0/000", [])
        try scratch.remove("tile/1/000.p/2")
        // What an interrupted write leaves, and a bundle that is whole and not this log's.
        try scratch.write("tile/0/.dat.nosync12.abc", [9])
        try scratch.write("tile/entries/000", EntryBundle.encode(entries: .init(repeating: [7], count: 256)))
        _ = log.asked()
        var second = try mirror(log)
        #expect(try await second.update() == .refreshed)
        let asked = Set(log.asked().filter { $0.hasPrefix("tile/entries/") })
        #expect(asked == ["tile/entries/000", "tile/entries/001"])
        #expect(scratch.files == log.files)
    }

    @Test(
        "nothing that does not verify is ever visible",
        arguments: ["tile/entries/001", "tile/1/000.p/2", "tile/0/002.p/188"])
    func lies(_ path: String) async throws {
        let log = try StaticLog(700)
        let truth = try #require(log.files[path])
        for lie in [nil, [], Array(truth.dropLast()), truth + [0], truth.flipped(at: truth.count / 2)] as [[UInt8]?] {
            log.lie(path, lie)
            var liedTo = try mirror(log)
            await #expect(throws: MirrorError.self, "\(path) as \(lie?.count ?? -1) bytes") {
                try await liedTo.update()
            }
            #expect(scratch.read("checkpoint") == nil)
            for (name, content) in scratch.files { #expect(content == log.files[name], "\(name)") }
        }
        log.stopLying()
        var mirror = try mirror(log)
        #expect(try await mirror.update() == .grown(from: 0))
        #expect(scratch.files == log.files)
    }

    @Test("a log that forked, or went back, is refused: the copy stays as it was, and what was shown is kept")
    func forked() async throws {
        let log = try StaticLog(300)
        var mirror = try mirror(log)
        _ = try await mirror.update()
        let before = scratch.files
        for change in [
            { $0[17] = [1] },
            {
                $0[17] = [2]; $0.append([3])
            }, { $0.removeLast(2) },
        ] as [(inout [[UInt8]]) -> Void] {
            log.change(change)
            await #expect(throws: MirrorError.self) { try await mirror.update() }
            #expect(scratch.files == before)
            #expect(mirror.status.now.stopped != nil)
            let shown = log.checkpoint.checkpoint.treeHead
            let kept = try #require(scratch.read(".refused/\(shown.size)-\(shown.root.hex.prefix(16))"))
            #expect(try SignedCheckpoint(parsing: kept).checkpoint.treeHead == shown)
        }
    }

    @Test("with a key the served checkpoint has the mirror's cosignature, and only when the copy is complete")
    func cosigned() async throws {
        let log = try StaticLog(300)
        let identity = Mirror.Identity(name: try KeyName("mirror.test/m1"), key: .generate())
        log.lie("tile/entries/001.p/44", nil)
        do {
            var mirror = try mirror(log, identity: identity)
            await #expect(throws: MirrorError.self) { try await mirror.update() }
            #expect(scratch.read("checkpoint") == nil)
            log.stopLying()
            _ = try await mirror.update()
        }
        let signed = try SignedCheckpoint(parsing: try #require(scratch.read("checkpoint")))
        #expect(try Cosignature.verify(signed, key: identity.verifierKey) == 1_800_000_000)
        try signed.verify(logKey: .ed25519(name: log.origin.keyName, publicKey: log.key.publicKey))
        // The next start believes its own checkpoint, cosignature and all.
        #expect(try mirror(log).head?.signed == signed)
    }

    @Test("one process writes a mirror at a time; the lock is let go without a trace")
    func locked() throws {
        for _ in 0..<2 {
            let first = try MirrorDirectory(scratch.path)
            #expect(throws: MirrorError.locked(path: scratch.path)) { try MirrorDirectory(scratch.path) }
            withExtendedLifetime(first) {}
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == [])
    }

    @Test("a directory whose checkpoint is not vouched for is not gone on with")
    func foreign() async throws {
        let log = try StaticLog(5)
        let other = try StaticLog(5, origin: "other.test/log")
        try scratch.write("checkpoint", other.checkpoint.bytes)
        #expect(throws: AcceptedHeadError.self) { try mirror(log) }
    }
}

@Suite("Export")
struct ExportTests {
    private let scratch = Scratch()

    @Test("entries that are not those of the checkpoint leave no checkpoint behind")
    func rootDiffers() async throws {
        let log = try StaticLog(300)
        var files = log.files
        files["tile/entries/000"] = try #require(files["tile/entries/000"]).flipped(at: 40)
        let (checkpoint, lying) = (log.checkpoint, FileTable(files))
        let directory = try MirrorDirectory(scratch.path)
        await #expect(throws: MirrorError.self) { try await directory.export(checkpoint, from: lying) }
        #expect(scratch.read("checkpoint") == nil)
    }

    @Test("an export of another log, or of a larger tree, is not written over")
    func otherLog() async throws {
        let log = try StaticLog(5)
        let directory = try MirrorDirectory(scratch.path)
        try await directory.export(log.checkpoint, from: FileTable(log.files))
        let before = scratch.files
        let other = try StaticLog(9, origin: "other.test/log")
        await #expect(throws: MirrorError.self) {
            try await directory.export(other.checkpoint, from: FileTable(other.files))
        }
        log.change { $0.removeLast() }
        await #expect(throws: MirrorError.self) {
            try await directory.export(log.checkpoint, from: FileTable(log.files))
        }
        #expect(scratch.files == before)
    }
}

/// Files in memory.
struct FileTable: LogFiles {
    let files: [String: [UInt8]]

    init(_ files: [String: [UInt8]]) { self.files = files }

    func read(_ path: String) -> [UInt8]? { files[path] }
}

extension [UInt8] {
    func flipped(at index: Int) -> [UInt8] {
        var changed = self
        changed[index] ^= 0x10
        return changed
    }
}
