import COSE
import Governance
import LogStore
import Testing
import Tlog
import Verification

@testable import Monitor

@Suite("Stores rebuilt from a mirror, and audited")
struct StoreAuditTests {
    private func trust(_ log: TestLog) throws -> TrustFile {
        try TrustFile(genesisEntry: log.genesisEntry, policyLines: log.trustLines())
    }

    private func rebuilt(_ log: TestLog) async throws -> MemoryLogStore {
        let (store, files, trust) = (MemoryLogStore(), FileTable(try log.files()), try trust(log))
        var rebuild = StoreRebuild(store, from: files, under: try await files.checkpoint(under: trust), trust: trust)
        _ = try await rebuild.run()
        return store
    }

    private func audit(_ store: any LogStore, _ log: TestLog) async throws -> AuditReport {
        let target = try AuditTarget(store: store, isGovernance: true)
        var options = Audit.Options()
        options.isGovernance = true
        return try await Audit(target, trust: try trust(log), options: options).run()
    }

    private static func log(_ size: UInt64 = 300) throws -> TestLog {
        var log = try TestLog()
        try log.grow(to: size, batch: 20)
        return log
    }

    @Test(
        "a rebuilt store has the log's entries, tiles, state and checkpoint, and audits clean",
        arguments: [2, 3, 256, 300])
    func rebuild(_ size: UInt64) async throws {
        let log = try Self.log(size)
        let store = try await rebuilt(log)
        let (head, entries, checkpoint) = try store.read {
            (try $0.head.treeHead, try $0.entries(0..<log.size), try $0.checkpoint(atMost: .max))
        }
        #expect(try head == log.head() && entries == log.entries && checkpoint == log.checkpoint().bytes)
        let report = try await audit(store, log)
        #expect(report.verdict == .clean, "\(report.lines)")
        #expect(report.followed == log.size && report.fold?.size == log.size)
    }

    @Test("from a copy that is damaged, cut, or of another log, nothing else is rebuilt than the log")
    func refused() async throws {
        let log = try Self.log(300)
        let (files, trust) = (try log.files(), try trust(log))
        for name in files.keys.sorted() {
            for change in [{ $0[$0.count / 2] ^= 1 }, { $0.removeLast() }, { $0 = [] }] as [(inout [UInt8]) -> Void] {
                var other = files
                change(&other[name]!)
                let (store, table) = (MemoryLogStore(), FileTable(other))
                var refusal: (any Error)?
                do {
                    let checkpoint = try await table.checkpoint(under: trust)
                    var rebuild = StoreRebuild(store, from: table, under: checkpoint, trust: trust)
                    _ = try await rebuild.run()
                } catch {
                    refusal = error
                }
                if name == "checkpoint" || name.hasPrefix("tile/entries/") {
                    #expect(refusal is MirrorError, "\(name)")
                } else {
                    // Of tiles the entries tell what they must be.
                    #expect(refusal == nil, "\(name)")
                    #expect(try store.read { try $0.head.treeHead } == log.head())
                    #expect(try await audit(store, log).verdict == .clean)
                }
            }
        }
        let other = FileTable(try TestLog(seed: 60).files())
        await #expect(throws: MirrorError.self) { try await other.checkpoint(under: trust) }
    }

    @Test("the log's own records of refusals are rebuilt too")
    func refusals() async throws {
        var log = try Self.log(20)
        let (time, index) = (log.time, log.size)
        let key = COSEKey(log.issuerKey.publicKey).thumbprint
        let refusals = LogRefusals(
            time: time, counts: [.init(keyID: key, reason: "stream-gap", count: 3)], seq: 0, prev: nil)
        let statement = refusals.statement(origin: log.origin, key: log.statementKey)
        log.appendAnyway(statement.entryBytes)
        let record = RefusalsRecord(index: index, entry: statement.leafHash, seq: 0, time: time)
        log.seal(lie: { $0.apply([StateChange(key: .refusals, value: record.cbor.encoded())]) })
        try log.grow(to: 40)
        let report = try await audit(try await rebuilt(log), log)
        #expect(report.verdict == .clean && report.followed == 40, "\(report.lines)")
    }

    @Test("a log that breaks its own rules is not rebuilt")
    func rules() async throws {
        var log = try Self.log(40)
        log.appendAnyway(log.entries[5])
        log.seal()
        let (files, trust) = (FileTable(try log.files()), try trust(log))
        let checkpoint = try await files.checkpoint(under: trust)
        await #expect(throws: ReplayError.self) {
            var rebuild = StoreRebuild(MemoryLogStore(), from: files, under: checkpoint, trust: trust)
            _ = try await rebuild.run()
        }
    }

    @Test("each thing that a store keeps is held to the entries, and damage is named by its place")
    func damaged() async throws {
        let log = try Self.log(300)
        let store = try await rebuilt(log)
        let leaf = Hash.leaf(log.entries[17])
        let stream = StateKey.stream(issuer: TestLog.issuer, stream: "s1")
        var cases: [(AuditDamage.Kind, UInt64?, DamagedStore)] = []
        func add(_ kind: AuditDamage.Kind, _ index: UInt64? = nil, _ change: (inout DamagedStore.Damage) -> Void) {
            var damaged = DamagedStore(store: store)
            change(&damaged.damage)
            cases.append((kind, index, damaged))
        }
        add(.entry, 17) { $0.entry = { index, bytes in index == 17 ? bytes.flipped(at: 60) : bytes } }
        add(.leafIndex, 17) { $0.leaf = { hash, index in hash == leaf ? nil : index } }
        add(.leafIndex, 17) { $0.leaf = { hash, index in hash == leaf ? 18 : index } }
        add(.streamLink, 17) { $0.link = { $0?.index == 17 ? nil : $0 } }
        add(.listing, 17) { $0.list = { $1 == [17] ? [16] : $1 } }
        add(.state) { $0.state = { key, value in key == stream.bytes ? value.flipped(at: 3) : value } }
        add(.state) { $0.state = { key, value in key == stream.bytes ? nil : value } }
        add(.map) { $0.page = { path, page in path == [0] ? nil : page } }
        add(.map) { $0.page = { path, page in path == [0] ? page?.flipped(at: 20) : page } }
        for (kind, index, damaged) in cases {
            let report = try await audit(damaged, log)
            #expect(report.verdict == .damaged)
            let first = try #require(report.damage.first, "\(kind)")
            #expect(first.kind == kind && first.index == index, "\(report.lines)")
            if kind == .state { #expect(first.place == stream.text) }
        }
    }

    @Test("an entry twice, and a rule that is broken, are named with the entry")
    func brokenRules() async throws {
        var log = try Self.log(40)
        log.appendAnyway(log.entries[5])
        log.seal()
        let target = try await AuditTarget(files: FileTable(try log.files()))
        let report = try await Audit(target, trust: try trust(log)).run()
        #expect(report.damage.map(\.kind) == [.duplicate])
        #expect(report.damage.first?.index == 40 && report.damage.first?.found?.hasPrefix("entry 5,") == true)
        #expect(report.ruleFailure?.index == 40)
        #expect(report.followed == 40)
    }

    @Test("every lie of a log is found, at the entry and by the rule that it breaks", arguments: Lie.allCases)
    func lies(_ lie: Lie) async throws {
        let log = try LyingLog(lie).log
        let files = FileTable(try log.files())
        let report = try await Audit(try await AuditTarget(files: files), trust: try trust(log)).run()
        let failure = try #require(report.ruleFailure)
        #expect(lie.expected.hasSuffix(": " + failure.reason))
        #expect(report.followed == failure.index ?? log.size && report.followed ?? 0 >= 12)
        // Its tree is as its root says: only evidence that is there twice is damage.
        #expect(report.damage.map(\.kind) == (lie == .evidenceTwice ? [.duplicate] : []))
        #expect(report.verdict == (lie == .evidenceTwice ? .damaged : .notVerified))
        let checkpoint = try await files.checkpoint(under: try trust(log))
        await #expect(throws: (any Error).self) {
            var rebuild = StoreRebuild(MemoryLogStore(), from: files, under: checkpoint, trust: try trust(log))
            _ = try await rebuild.run()
        }
    }

    @Test("an audit goes on from an earlier one of the same tree, and refuses to go on from another")
    func resumed() async throws {
        let log = try Self.log(600)
        var cleans: [TreeHead] = []
        let target = try await AuditTarget(files: FileTable(try log.files()))
        let whole = try await Audit(target, trust: try trust(log)).run {
            if let clean = $0.clean { cleans.append(clean) }
        }
        #expect(whole.verdict == .clean && cleans.last == log.head())
        var options = Audit.Options()
        options.verified = log.head(300)
        #expect(try await Audit(target, trust: try trust(log), options: options).run().verdict == .clean)
        options.verified = TreeHead(size: 300, root: log.head(299).root)
        await #expect(throws: AuditFault.self) {
            try await Audit(target, trust: try trust(log), options: options).run()
        }
    }
}
