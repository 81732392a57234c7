import COSE
import Governance
import Testing
import Tlog

@testable import Verification

@Suite("Going on with the verification of a log")
struct ResumeTests {
    private static let key = [UInt8](repeating: 7, count: 32)

    private final class Kept {
        var files: [[UInt8]] = []
    }

    /// Runs to the end, and keeps where it stands as often as it can.
    private func run(
        _ log: TestLog, _ trust: TrustFile, from start: LogResume? = nil, keeping kept: Kept = Kept(),
        _ change: (inout [String: [UInt8]]) -> Void = { _ in }
    ) async throws -> VerificationReport {
        var files = try log.files()
        change(&files)
        let resumption = LogResumption(start: start, isDue: { true }) { resume in
            kept.files.append(resume.encoded(key: Self.key))
        }
        return try await Verifier(trust: trust).log(
            in: MemorySource(files: files), resumption: resumption, isGovernance: true)
    }

    private func resume(_ bytes: [UInt8]) throws -> LogResume { try LogResume(decoding: bytes, key: Self.key) }

    private func large() throws -> (log: TestLog, trust: TrustFile) {
        var log = try TestLog()
        _ = try log.grant()
        try log.append(
            try SignedStatement.sign(
                payload: [1], contentType: "text/plain", issuer: TestLog.issuer, subject: "x", key: log.issuerKey))
        log.seal()
        try log.grow(to: 600, batch: 40)
        return (log, try trust(log))
    }

    @Test("from wherever it stood, a run comes to what the whole run comes to")
    func everyStand() async throws {
        let (log, trust) = try large()
        let kept = Kept()
        let whole = try await run(log, trust, keeping: kept)
        #expect(whole.verdict == .verified)
        #expect(kept.files.count > 10)
        for position in stride(from: 0, to: kept.files.count, by: 4) {
            let file = kept.files[position]
            let start = try resume(file)
            let again = try await run(log, trust, from: start)
            #expect(again.verdict == .verified, "\(again.text())")
            #expect(again.value(.resume, "verified-before") == String(start.size))
            #expect(again.fold == whole.fold)
            #expect(start.encoded(key: Self.key) == file)
        }
    }

    @Test("a copy that grew is verified from where it was, without the entries below; a lie in what is new is found")
    func growth() async throws {
        var (log, trust) = try large()
        let kept = Kept()
        _ = try await run(log, trust, keeping: kept)
        let start = try resume(try #require(kept.files.last))
        try log.grow(to: 800, batch: 40)
        let grown = try await run(log, trust, from: start) { files in
            // Of the old part only entry 0 and the bundle in which the new begins are looked at.
            for path in ["tile/entries/001", "tile/0/000", "tile/0/001"] { files[path] = nil }
        }
        #expect(grown.verdict == .verified, "\(grown.text())")
        #expect(grown.fold?.size == 800)
        // Evidence that the first run saw is not forgotten.
        log.appendAnyway(log.entries[3])
        log.seal()
        let lie = try await run(log, trust, from: start)
        #expect(lie.failures == ["admission: duplicate-entry"])
        let tree = try await run(log, trust, from: start) { $0["tile/entries/002"]?[100] ^= 1 }
        #expect(tree.verdict == .notVerified)
    }

    @Test("a run goes on across a change of the log's keys, from its very seal too; the state says which key sealed it")
    func rotation() async throws {
        var log = try TestLog()
        let trust = try trust(log)
        try log.grow(to: 10)
        let cutoff = try log.rotate()
        try log.grow(to: 40)
        let kept = Kept()
        let whole = try await run(log, trust, keeping: kept)
        #expect(whole.verdict == .verified, "\(whole.text())")
        var sizes: [UInt64] = []
        for file in kept.files {
            let start = try resume(file)
            sizes.append(start.size)
            let again = try await run(log, trust, from: start)
            #expect(again.verdict == .verified, "from \(start.size): \(again.text())")
            #expect(again.fold == whole.fold)
        }
        #expect(sizes.contains(cutoff) && sizes.contains(10) && sizes.contains(23))
    }

    @Test("no bit of the file can be changed, and nobody without the key can write one")
    func changed() async throws {
        var log = try TestLog()
        try log.grow(to: 20)
        let kept = Kept()
        _ = try await run(log, try trust(log), keeping: kept)
        let file = try #require(kept.files.last)
        for bit in 0..<file.count * 8 {
            #expect(throws: LogResumeError.mac) { try resume(file.flipped(bit)) }
        }
        #expect(throws: LogResumeError.mac) { try LogResume(decoding: file, key: Self.key.dropLast() + [8]) }
        #expect(throws: LogResumeError.mac) { try resume([]) }
        let other = CBOR.map(["format": "holdfast-resume/1"]).encoded()
        #expect(throws: LogResumeError.form) { try resume(other + HMAC.sha256(other, key: Self.key).bytes) }
    }

    @Test("even with the key, the log holds a file to its seal and its tree")
    func heldToTheLog() async throws {
        let (log, trust) = try large()
        let kept = Kept()
        _ = try await run(log, trust, keeping: kept)
        let start = try resume(try #require(kept.files.first))
        func failures(_ lie: LogResume, _ trust: TrustFile) async throws -> [String] {
            try await run(log, trust, from: lie).failures
        }
        let stand = start.standstill
        var state = stand.state
        state.apply([StateChange(key: .route("out"), value: [0xf6])])
        let otherState = LogReplay.Standstill(
            size: stand.size, state: state, sealEntry: stand.sealEntry, evidence: stand.evidence,
            frontier: stand.frontier)
        #expect(
            try await failures(LogResume(trust: trust, standstill: otherState, openTiles: start.openTiles), trust)
                == ["resume: state-root"])
        var tiles = start.openTiles
        tiles[0][0] = .zero
        let otherTree = try await failures(LogResume(trust: trust, standstill: stand, openTiles: tiles), trust)
        #expect(otherTree == ["leaf-tiles: tile-mismatch", "tiles: tile-mismatch", "root: root-mismatch"])
        #expect(
            try await failures(start, try otherTrust(log)) == ["resume: resume-trust"])
        let small = try await Verifier(trust: trust).log(
            in: MemorySource(files: ["checkpoint": try log.checkpoint(2).bytes]),
            resumption: LogResumption(start: try resume(try #require(kept.files.last))) { _ in })
        #expect(small.failures == ["resume: resume-head"])
    }

    /// Another trust file for the same log.
    private func otherTrust(_ log: TestLog) throws -> TrustFile { try trust(log, quorum: "w1") }

    @Test("a log that lies is never gone on with")
    func lies() async throws {
        for lie in Lie.allCases {
            let log = try LyingLog(lie).log
            let kept = Kept()
            let report = try await run(log, try trust(log), keeping: kept)
            #expect(report.verdict == .notVerified)
            // What is kept is of the part before the lie; going on from there finds it again.
            for file in kept.files {
                #expect(try await run(log, try trust(log), from: try resume(file)).failures == [lie.expected])
            }
        }
    }

    @Test("HMAC-SHA256 of RFC 4231, test cases 1 and 6")
    func hmac() {
        let first = HMAC.sha256(Array("Hi There".utf8), key: [UInt8](repeating: 0x0b, count: 20))
        #expect(first.hex == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
        let sixth = HMAC.sha256(
            Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            key: [UInt8](repeating: 0xaa, count: 131))
        #expect(sixth.hex == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
    }
}
