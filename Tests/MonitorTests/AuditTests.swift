import Foundation
import LogClient
import Testing
import Tlog

@testable import Monitor

@Suite("Audit of what is in the files")
struct AuditTests {
    private let scratch = Scratch()

    /// Every file of a log in a directory, as an export has them.
    private func export(_ log: StaticLog) throws {
        for (name, content) in log.files { try scratch.write(name, content) }
    }

    private func audit(_ log: StaticLog, mirror: (any LogFiles)? = nil) async throws -> AuditReport {
        var options = Audit.Options()
        options.mirror = mirror
        options.followsRules = false
        let directory = mirror == nil ? nil : try MirrorDirectory(scratch.path)
        let target = try await AuditTarget(files: DirectoryFiles(scratch.path), repairing: directory)
        return try await Audit(target, trust: try log.trust, options: options).run()
    }

    @Test("a log without damage is clean", arguments: [1, 255, 256, 257, 700])
    func clean(_ size: Int) async throws {
        let log = try StaticLog(size)
        try export(log)
        let report = try await audit(log)
        #expect(report.verdict == .clean && report.damage == [])
    }

    @Test("a flipped byte of an entry is that entry", arguments: [0, 255, 256, 511, 512, 699])
    func entry(_ index: Int) async throws {
        let log = try StaticLog(700)
        try export(log)
        var entries = log.entries
        entries[index] = entries[index].flipped(at: 3)
        let first = index / 256 * 256
        let bundle = Array(entries[first..<min(first + 256, 700)])
        let resource = TileResource.entries(index: UInt64(first / 256), width: bundle.count)
        try scratch.write(resource.path, EntryBundle.encode(entries: bundle))
        let damage = try #require(try await audit(log).damage.first)
        #expect(
            damage
                == AuditDamage(
                    .entry, resource.path, index: UInt64(index), expected: Hash.leaf(log.entries[index]).hex,
                    found: Hash.leaf(entries[index]).hex))
        #expect(try await audit(log).damageCount == 1)
    }

    @Test(
        "a flipped byte of any tile is that tile, at its position, whatever its level and width",
        arguments: [
            (700, ["tile/0/000", "tile/0/002.p/188", "tile/1/000.p/2"]), (65_837, ["tile/1/000", "tile/2/000.p/1"]),
        ]
    )
    func tiles(_ size: Int, _ paths: [String]) async throws {
        let log = try StaticLog(size)
        try export(log)
        for path in paths {
            let truth = try #require(scratch.read(path))
            let position = truth.count / Hash.byteCount / 2
            let wrong = truth.flipped(at: position * Hash.byteCount + 5)
            try scratch.write(path, wrong)
            let report = try await audit(log)
            #expect(
                report.damage == [
                    AuditDamage(
                        .tile, path, index: UInt64(position), expected: truth.hash(at: position)?.hex,
                        found: wrong.hash(at: position)?.hex)
                ], "\(path)")
            try scratch.write(path, truth)
        }
    }

    @Test("missing, cut and lengthened files are named")
    func lengths() async throws {
        let log = try StaticLog(700)
        for path in ["tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2", "tile/entries/000", "tile/entries/002.p/188"] {
            for change in [nil, { $0.removeLast() }, { $0.append(0) }, { $0 = [] }] as [((inout [UInt8]) -> Void)?] {
                try export(log)
                if let change {
                    var content = try #require(log.files[path])
                    change(&content)
                    try scratch.write(path, content)
                } else {
                    try scratch.remove(path)
                }
                let report = try await audit(log)
                #expect(report.damage.map(\.place) == [path])
                #expect(report.verdict == .damaged)
            }
        }
    }

    @Test("all damage is found, and what is listed is bounded while all of it is counted")
    func several() async throws {
        let log = try StaticLog(2000)
        try export(log)
        for index in [0, 3, 5] {
            let path = TileResource.entries(index: UInt64(index), width: 256).path
            try scratch.write(path, try #require(log.files[path]).flipped(at: 4))
        }
        try scratch.write("tile/0/001", try #require(log.files["tile/0/001"]).flipped(at: 4))
        try scratch.write("tile/1/000.p/7", try #require(log.files["tile/1/000.p/7"]).flipped(at: 4))
        let places = try await audit(log).damage.map(\.place)
        #expect(
            Set(places) == ["tile/1/000.p/7", "tile/0/001", "tile/entries/000", "tile/entries/003", "tile/entries/005"])
        var options = Audit.Options()
        options.maxListed = 2
        options.followsRules = false
        let target = try await AuditTarget(files: DirectoryFiles(scratch.path))
        let bounded = try await Audit(target, trust: try log.trust, options: options).run()
        #expect(bounded.damage.count == 2 && bounded.damageCount == 5)
    }

    @Test("tiles and entries that are damaged in different places vouch for each other's rest")
    func mixed() async throws {
        let log = try StaticLog(700)
        try export(log)
        let files = log.files
        // Of the right edge's own tile of leaf hashes: one position, and another entry.
        try scratch.write("tile/0/002.p/188", try #require(files["tile/0/002.p/188"]).flipped(at: 32 * 7))
        try scratch.write("tile/entries/002.p/188", try #require(files["tile/entries/002.p/188"]).flipped(at: 40))
        let report = try await audit(log)
        #expect(report.damage.map(\.kind) == [.tile, .entry])
        #expect(report.damage[0].index == 7 && report.damage[0].expected == Hash.leaf(log.entries[519]).hex)
        // And of a tile that the one above knows.
        try scratch.write("tile/0/001", try #require(files["tile/0/001"]).flipped(at: 32 * 7))
        try scratch.write("tile/entries/001", try #require(files["tile/entries/001"]).flipped(at: 40))
        let more = try await audit(log)
        #expect(more.damage.map(\.kind) == [.tile, .tile, .entry, .entry])
        #expect(more.damage.compactMap(\.index) == [7, 7, 259, 515])
        // Both damaged in one place: nobody says what it was, so which entry it is can't be told.
        try scratch.write("tile/0/001", try #require(files["tile/0/001"]).flipped(at: 32 * 3))
        let untold = try await audit(log)
        #expect(untold.damage.map(\.place).contains("tile/0/001"))
        #expect(untold.damage.map(\.kind) == [.tile, .tile, .bundle, .entry])
        #expect(untold.damage[1].expected == nil)
    }

    @Test("a head that nothing makes is said, and nothing below it is guessed")
    func head() async throws {
        let log = try StaticLog(300)
        try export(log)
        log.change { $0[5] = [1] }
        try scratch.write("checkpoint", log.checkpoint.bytes)
        let report = try await audit(log)
        #expect(report.damage.map(\.kind) == [.head])
        #expect(report.verdict == .damaged)
    }

    @Test("a checkpoint that the trust file does not vouch for is not clean")
    func signature() async throws {
        let log = try StaticLog(300)
        let other = try StaticLog(300)
        try export(log)
        try scratch.write("checkpoint", other.checkpoint.bytes)
        #expect(try await audit(log).verdict == .notVerified)
    }

    @Test("repairs from a mirror make every file what it was, and touch nothing that is not damaged")
    func repaired() async throws {
        let log = try StaticLog(2000)
        try export(log)
        for (name, content) in log.files where name != "checkpoint" && name.hashValue % 2 == 0 {
            try scratch.write(name, content.flipped(at: content.count / 3))
        }
        try scratch.write("tile/entries/003", try #require(log.files["tile/entries/003"]).flipped(at: 9))
        try scratch.write("tile/0/003", try #require(log.files["tile/0/003"]).flipped(at: 9))
        let untouched = Date(timeIntervalSince1970: 1_000_000_000)
        let keeper = scratch.path + "/checkpoint"
        try FileManager.default.setAttributes([.modificationDate: untouched], ofItemAtPath: keeper)
        let report = try await audit(log, mirror: FileTable(log.files))
        #expect(report.verdict == .repaired)
        #expect(report.repairedCount == report.damageCount)
        #expect(scratch.files == log.files)
        let date = try FileManager.default.attributesOfItem(atPath: keeper)[.modificationDate] as? Date
        #expect(date == untouched)
        #expect(try await audit(log).verdict == .clean)
    }

    @Test("a mirror that lies repairs nothing")
    func lyingMirror() async throws {
        let log = try StaticLog(700)
        try export(log)
        let path = "tile/entries/001"
        let wrong = try #require(log.files[path]).flipped(at: 9)
        try scratch.write(path, wrong)
        var lies = log.files
        for (name, content) in lies where name != "checkpoint" { lies[name] = content.flipped(at: 3) }
        let report = try await audit(log, mirror: FileTable(lies))
        #expect(report.verdict == .damaged && report.repairedCount == 0)
        #expect(scratch.read(path) == wrong)
        // Nor one of another history, however well it fits together.
        let other = try StaticLog(700, origin: "static.test/log")
        other.change { $0[256] = [1] }
        #expect(try await audit(log, mirror: FileTable(other.files)).repairedCount == 0)
    }
}
