import COSE
import Governance
import Testing
import Tlog

@Suite("Entries that are verified ahead of a replay")
struct VerifiedEntryTests {
    @Test("each is itself, in order, whoever hashed it", arguments: [0, 1, 15, 16, 17, 33, 50])
    func inOrder(_ count: Int) throws {
        let key = Ed25519.SigningKey.generate()
        let entries = try (0..<count).map { number in
            // Every seventh is no statement.
            guard number % 7 != 3 else { return [UInt8](repeating: 0xff, count: number) }
            return try SignedStatement.sign(
                payload: [UInt8(number)], contentType: "text/plain", issuer: "https://a.example", subject: "s", key: key
            ).entryBytes
        }
        let hashes = entries.map { Hash.leaf($0) }
        // As part of a larger array, whose indices begin elsewhere.
        let padded = [[0]] + entries + [[1]]
        for known in [nil, hashes] {
            let verified = VerifiedEntry.all(padded[1..<count + 1], leafHashes: known, keys: nil)
            #expect(verified.map(\.bytes) == entries)
            #expect(verified.map(\.leafHash) == hashes)
            #expect(verified.map { $0.statement == nil } == (0..<count).map { $0 % 7 == 3 })
            #expect(verified.allSatisfy { $0.statement.map { $0.leafHash == Hash.leaf($0.entryBytes) } ?? true })
        }
    }
}
