import COSE
import Governance
import Synchronization
import Testing
import Tlog

@testable import Verification

/// A log's files in memory.
struct MemorySource: TileSource {
    var files: [String: [UInt8]]

    func read(_ path: String) throws -> [UInt8]? { files[path] }

    func forEachName(_ body: (String) throws -> Void) throws {
        for name in files.keys where name.hasPrefix("tile/") { try body(name) }
    }
}

/// A disk that fails.
private struct BrokenSource: TileSource {
    struct Failure: Error {}
    let files: [String: [UInt8]]
    let broken: String

    func read(_ path: String) throws -> [UInt8]? {
        if path == broken { throw Failure() }
        return files[path]
    }
}

@Suite("A whole log")
struct LogTests {
    /// 600 entries: two full tiles and a partial one, and a tile of level 1.
    static let large = Result {
        var log = try TestLog()
        try log.grow(to: 600, batch: 50)
        return log
    }

    private func report(_ log: TestLog, _ change: (inout [String: [UInt8]]) -> Void = { _ in }) async throws
        -> VerificationReport
    {
        var source = MemorySource(files: try log.files())
        change(&source.files)
        let report = try await Verifier(trust: try trust(log)).log(in: source)
        #expect((report.verdict == .verified) == (report.failures.isEmpty && report.leftOut.isEmpty))
        return report
    }

    private func reason(_ report: VerificationReport, _ name: CheckName) -> String {
        guard case .failed(let sentence) = report.outcome(name) else { return "" }
        return sentence
    }

    @Test("a sound log verifies whole, with progress", arguments: [2, 3, 12, 255, 256, 257, 600])
    func sound(size: UInt64) async throws {
        var log = try TestLog()
        try log.grow(to: size, batch: 50)
        var steps: [UInt64] = []
        let source = MemorySource(files: try log.files())
        let report = try await Verifier(trust: try trust(log)).log(in: source) { done, total in
            #expect(total == size)
            steps.append(done)
        }
        #expect(report.verdict == .verified, "\(report.text())")
        #expect(steps.last == size)
        #expect(
            report.checks.map(\.name) == [
                .checkpointForm, .logSignature, .witnessQuorum, .genesis, .entries, .leafTiles, .tiles, .root,
                .statementSignatures, .admission, .streams, .seals, .logKeys, .history, .freshness,
            ])
        #expect(report.value(.entries, "entries") == String(size))
        #expect(report.value(.root, "root") == log.head().root.hex)
        #expect(report.value(.streams, "streams") == String(1 + min(3, size > 3 ? size - 3 : 0)))
    }

    @Test("full tiles and bundles stand in for partial ones, whose beginning they are")
    func fullForPartial() async throws {
        let log = try Self.large.get()
        var longer = log
        try longer.grow(to: 800, batch: 50)
        var files = try longer.files()
        files["checkpoint"] = try log.checkpoint().bytes
        files["tile/1/000.p/2"] = try log.files()["tile/1/000.p/2"]
        let report = try await Verifier(trust: try trust(log)).log(in: MemorySource(files: files))
        #expect(report.verdict == .verified, "\(report.text())")
        // Those that stand in are part of the tree.
        #expect(
            report.outcome(.surplus)
                == .notChecked("no part of this tree: tile/0/003.p/32, tile/1/000.p/3, tile/entries/003.p/32"))
    }

    @Test("narrower tiles and bundles that an older size left are the beginnings of this tree's")
    func narrower() async throws {
        let log = try Self.large.get()
        let older = ["tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/002.p/88"]
        var longer = log
        try longer.grow(to: 800, batch: 50)
        let left = try log.files().filter { older.contains($0.key) }
        let report = try await report(longer) { $0.merge(left) { new, _ in new } }
        #expect(report.verdict == .verified, "\(report.text())")
        #expect(report.outcome(.surplus) == .passed && report.value(.surplus, "narrower") == "3")
        for name in older {
            for change in [{ $0[$0.count / 2] ^= 1 }, { $0.removeLast() }, { $0 = [] }] as [(inout [UInt8]) -> Void] {
                let report = try await self.report(longer) {
                    $0.merge(left) { new, _ in new }
                    change(&$0[name]!)
                }
                #expect(report.failures == ["surplus: surplus-mismatch"])
                #expect(reason(report, .surplus).hasPrefix(name))
            }
        }
    }

    @Test("files that are no part of the tree are named, and what they have in common with it is checked")
    func surplus() async throws {
        let log = try Self.large.get()
        var longer = log
        try longer.grow(to: 800, batch: 50)
        let ahead = try longer.files().filter { $0.key.hasPrefix("tile/") }
        let report = try await self.report(log) {
            $0.merge(ahead) { old, _ in old }
            $0["tile/0/0x0"] = []
        }
        #expect(report.verdict == .verified, "\(report.text())")
        #expect(
            report.outcome(.surplus)
                == .notChecked(
                    "no part of this tree: tile/0/002, tile/0/003.p/32, tile/0/0x0, tile/1/000.p/3, tile/entries/002, "
                        + "tile/entries/003.p/32"))
        let forked = try await self.report(log) {
            $0.merge(ahead) { old, _ in old }
            $0["tile/0/002"]![5] ^= 1
        }
        #expect(forked.failures == ["surplus: surplus-mismatch"])
        let many = try await self.report(log) { for number in 100..<120 { $0["tile/7/\(number)"] = [] } }
        #expect(many.value(.surplus, "files") == "20")
        let first = (100..<108).map { "tile/7/\($0)" }.joined(separator: ", ")
        #expect(many.outcome(.surplus) == .notChecked("no part of this tree: \(first) and 12 more"))
    }

    @Test("a changed entry is named by its tile, and changes the root")
    func changedEntry() async throws {
        let log = try Self.large.get()
        var changed = log
        changed.replace(517, with: try log.event(stream: "other").entryBytes)
        let files = try changed.files()
        let report = try await report(log) { $0["tile/entries/002.p/88"] = files["tile/entries/002.p/88"] }
        #expect(report.failures.contains("leaf-tiles: tile-mismatch"))
        #expect(report.failures.contains("root: root-mismatch"))
        #expect(reason(report, .leafTiles).hasPrefix("entry 517 hashes to "))
        #expect(reason(report, .leafTiles).contains("tile/0/002.p/88 has"))
    }

    @Test("a changed tile is named; the root of the entries shows that the tile is what is wrong")
    func changedTile() async throws {
        let log = try Self.large.get()
        let leaf = try await report(log) { $0["tile/0/001"]?[32 * 7] ^= 1 }
        #expect(leaf.failures == ["leaf-tiles: tile-mismatch"])
        #expect(reason(leaf, .leafTiles).hasPrefix("entry 263 hashes to "))
        #expect(leaf.outcome(.root) == .passed)
        let upper = try await report(log) { $0["tile/1/000.p/2"]?[33] ^= 1 }
        #expect(upper.failures == ["tiles: tile-mismatch"])
        #expect(reason(upper, .tiles).contains("tile/1/000.p/2 has"))
        #expect(reason(upper, .tiles).hasSuffix("at position 1"))
    }

    @Test("missing and cut files are named")
    func missing() async throws {
        let log = try Self.large.get()
        #expect(try await report(log) { $0["checkpoint"] = nil }.failures == ["checkpoint-form: missing-file"])
        #expect(try await report(log) { $0["tile/0/000"] = nil }.failures == ["leaf-tiles: tile-missing"])
        #expect(try await report(log) { $0["tile/0/002.p/88"]?.removeLast() }.failures == ["leaf-tiles: tile-length"])
        #expect(try await report(log) { $0["tile/1/000.p/2"] = nil }.failures == ["tiles: tile-missing"])
        let bundle = try await report(log) { $0["tile/entries/001"] = nil }
        #expect(bundle.failures == ["entries: bundle-missing"])
        #expect(bundle.value(.entries, "entries") == "256")
        #expect(bundle.leftOut == [.leafTiles, .tiles, .root, .statementSignatures, .admission, .streams, .seals])
        #expect(
            try await report(log) { $0["tile/entries/002.p/88"]?.removeLast() }.failures == [
                "entries: truncated-entry"
            ])
        let first = try await report(log) { $0["tile/entries/000"]? += [0, 0] }
        #expect(first.failures == ["entries: trailing-bytes"])
        #expect(first.leftOut.contains(.genesis))
        let long = try await report(log) { files in
            files["tile/0/002"] = files.removeValue(forKey: "tile/0/002.p/88")
        }
        #expect(long.failures == ["leaf-tiles: tile-length"])
    }

    @Test("a checkpoint of another tree is refused by its root")
    func root() async throws {
        let log = try Self.large.get()
        let lie = Checkpoint(origin: log.origin, head: TreeHead(size: 600, root: .zero))
        let forged = try log.cosigned(lie).bytes
        #expect(try await report(log) { $0["checkpoint"] = forged }.failures == ["root: root-mismatch"])
    }

    @Test("a log with another genesis than the pinned one is refused")
    func genesis() async throws {
        var other = try TestLog(seed: 50)
        try other.grow(to: 5)
        var log = try TestLog()
        try log.grow(to: 5)
        let files = try other.files()
        let report = try await Verifier(trust: try trust(log)).log(in: MemorySource(files: files))
        #expect(report.failures == ["log-signature: no-signature", "genesis: other-genesis"])

        let lines = try trustText(log).filter { !$0.hasPrefix("genesis") }
        let byAuthority = Verifier(trust: try parse(lines))
        #expect(try await byAuthority.log(in: MemorySource(files: try log.files())).verdict == .verified)
        #expect(
            try await byAuthority.log(in: MemorySource(files: files)).failures
                == ["log-signature: no-signature", "genesis: other-authority"])
        let byNothing = Verifier(trust: try parse(lines.filter { !$0.hasPrefix("authority") }))
        let open = try await byNothing.log(in: MemorySource(files: try log.files()))
        #expect(open.leftOut == [.genesis])
        #expect(open.verdict == .notVerified)
    }

    @Test("a log line with another key than the genesis names is refused, even if it signed the checkpoint")
    func logKey() async throws {
        var log = try TestLog()
        try log.grow(to: 5)
        let other = try TestLog(seed: 50)
        var lines = try trustText(log).filter { !$0.hasPrefix("genesis") }
        lines[0] = try trustText(other)[0]
        var files = try log.files()
        files["checkpoint"] = try other.cosigned(Checkpoint(origin: log.origin, head: log.head())).bytes
        let report = try await Verifier(trust: try parse(lines)).log(in: MemorySource(files: files))
        #expect(report.failures == ["log-signature: no-signature", "genesis: log-key"])
    }

    @Test("an empty log has no genesis")
    func empty() async throws {
        let log = try TestLog()
        let files = ["checkpoint": try log.checkpoint(0).bytes]
        let report = try await Verifier(trust: try trust(log)).log(in: MemorySource(files: files))
        #expect(report.failures == ["genesis: no-genesis"])
        #expect(report.outcome(.root) == .passed)
    }

    @Test("a source that can't be read ends the verification with its error")
    func broken() async throws {
        let log = try Self.large.get()
        for path in ["checkpoint", "tile/entries/001", "tile/0/000", "tile/1/000.p/2"] {
            let source = BrokenSource(files: try log.files(), broken: path)
            await #expect(throws: BrokenSource.Failure.self) {
                _ = try await Verifier(trust: try trust(log)).log(in: source)
            }
        }
    }
}
