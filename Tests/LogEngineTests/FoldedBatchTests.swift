import COSE
import Governance
import Testing
import Tlog

@testable import StoredState

@Suite("A folded batch")
struct FoldedBatchTests {
    private static let key = Ed25519.SigningKey.generate()
    /// The last two are the same to Swift, and different bytes.
    private static let texts = ["a", "b", "\u{e9}", "e\u{301}"]

    /// Statements of few issuers, subjects, streams and types in any order, some no events: the general way to what they
    /// are listed and linked under is one at a time, a batch remembers what the one before had.
    @Test("lists and links of a batch are those of its statements one by one, by their bytes")
    func listsAndLinks() throws {
        var random = SystemRandomNumberGenerator()
        func text() -> String { Self.texts.randomElement(using: &random)! }
        for _ in 0..<20 {
            let entries = try (0..<UInt64(12)).map { number in
                let event = try Event(
                    type: Bool.random(using: &random) ? "test.one" : "test.two", stream: text(), seq: number,
                    prev: number == 0 ? nil : .zero, time: 1, data: .null)
                let isEvent = Int.random(in: 0..<4, using: &random) > 0
                return FoldedBatch.Entry(
                    try SignedStatement.sign(
                        payload: isEvent ? event.encoded() : [UInt8(number)],
                        contentType: isEvent ? Event.contentType : "text/plain", issuer: "https://\(text()).example",
                        subject: text(), key: Self.key))
            }
            let policy = try Policy(
                origin: Origin("log.example/batch"),
                logKeys: LogPublicKeys(
                    checkpoint: Ed25519.SigningKey.generate().publicKey,
                    receipt: Ed25519.SigningKey.generate().publicKey,
                    statement: Ed25519.SigningKey.generate().publicKey),
                authorities: [Self.key.publicKey], threshold: 1, issuers: [], contentTypes: ["*"])
            let rules = Rules(PolicyRecord(policy: policy, index: 0))
            let batch = FoldedBatch(base: .empty(rules: rules), entries: entries, changes: [], reads: [], rules: rules)

            var lists: [(key: [UInt8], index: UInt64)] = []
            var links: [(key: [UInt8], seq: UInt64, index: UInt64)] = []
            for (index, entry) in entries.enumerated() {
                for key in ListingKey.lists(of: entry.statement) { lists.append((key.bytes, UInt64(index))) }
                guard let event = entry.event else { continue }
                let key = StateKey.stream(issuer: entry.statement.header.issuer, stream: event.stream)
                links.append((key.bytes, event.seq, UInt64(index)))
            }
            let foundLists = batch.listings.map { Row(key: $0.key, numbers: [$0.index]) }
            let foundLinks = batch.links.map { Row(key: $0.key, numbers: [$0.seq, $0.index]) }
            #expect(foundLists == Row.grouped(lists.map { Row(key: $0.key, numbers: [$0.index]) }))
            #expect(foundLinks == Row.grouped(links.map { Row(key: $0.key, numbers: [$0.seq, $0.index]) }))
        }
    }

    private struct Row: Hashable {
        let key: [UInt8]
        let numbers: [UInt64]

        /// Those of one key together, the keys in the order of their first appearance.
        static func grouped(_ rows: [Row]) -> [Row] {
            var keys: [[UInt8]] = []
            for row in rows where !keys.contains(row.key) { keys.append(row.key) }
            return keys.flatMap { key in rows.filter { $0.key == key } }
        }
    }
}
