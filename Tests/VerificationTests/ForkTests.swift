import Foundation
import Governance
import Testing
import Tlog

@testable import Verification

@Suite("Evidence of a fork")
struct ForkTests {
    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "fixtures")

    private static func document(_ name: String) throws -> JSON {
        try JSON(parsing: [UInt8](try Data(contentsOf: fixtures.appending(path: name))))
    }

    @Test("the vectors: two histories are confirmed, everything else is refused for its reason")
    func vectors() throws {
        let document = try Self.document("verification/fork.json")
        let key = try VerifierKey(parsing: try #require(document["key"]?.stringValue))
        let cases = try #require(document["cases"]?.arrayValue)
        #expect(cases.count > 20)
        for item in cases {
            let name = try #require(item["name"]?.stringValue)
            let evidence = Array(try #require(item["evidence"]?.stringValue).utf8)
            let report = Verifier.fork(evidence, logKeys: [key])
            #expect(report.verdict.rawValue == item["verdict"]?.stringValue, "\(name)")
            #expect(report.failures == item["failed"]?.arrayValue?.compactMap(\.stringValue), "\(name)")
        }
    }

    @Test("evidence that was made is confirmed, and what it was made of can't be two halves of one tree")
    func made() throws {
        var (log, other) = (try TestLog(), try TestLog())
        try log.grow(to: 21)
        try other.grow(to: 30, batch: 4)
        let (known, found) = (try log.checkpoint(), try other.checkpoint(30))
        let path = other.consistency(21, 30).path
        let evidence = try ForkEvidence(
            known: known, found: found, consistency: .init(root: other.head(21).root, path: path), seen: 7)
        let verifier = Verifier(trust: try TrustFile(parsing: Array(log.trustText().utf8)))
        #expect(verifier.fork(Array(evidence.json.text().utf8)).verdict == .verified)
        #expect(throws: ForkEvidenceError.consistent) {
            _ = try ForkEvidence(
                known: try other.checkpoint(21), found: found,
                consistency: .init(root: other.head(21).root, path: path), seen: 7)
        }
        #expect(throws: ForkEvidenceError.consistent) { _ = try ForkEvidence(known: known, found: known, seen: 7) }
    }

    @Test("no bit of the evidence can be flipped: what is left of it proves nothing, or still the same fork")
    func bits() throws {
        var (log, other) = (try TestLog(), try TestLog())
        try log.grow(to: 13)
        try other.grow(to: 21, batch: 3)
        let key = VerifierKey.ed25519(name: log.origin.keyName, publicKey: log.checkpointKey.publicKey)
        let evidence = try ForkEvidence(
            known: try log.checkpoint(witnesses: 0), found: try other.checkpoint(witnesses: 0),
            consistency: .init(root: other.head(13).root, path: other.consistency(13, 21).path), seen: 7)
        let bytes = Array(evidence.json.text().utf8)
        var refused = 0
        for position in bytes.indices {
            var changed = bytes
            changed[position] ^= 1
            let report = Verifier.fork(changed, logKeys: [key])
            if report.verdict != .verified { refused += 1 }
        }
        // The time is not signed: its one digit.
        #expect(refused == bytes.count - 1)
    }
}
