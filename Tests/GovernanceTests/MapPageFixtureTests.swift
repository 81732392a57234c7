import Foundation
import Governance
import Testing
import Tlog

@Suite("Vectors of the map's pages")
struct MapPageFixtureTests {
    @Test("the pages of each map of the vectors, made at once and key by key")
    func pages() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = root.appending(path: "fixtures/governance/merkle-map.json")
        let document = try JSON(parsing: [UInt8](Data(contentsOf: file)))
        for json in try #require(document["maps"]?.arrayValue) {
            let content = try #require(json["content"]?.arrayValue).map { pair in
                (key: try hash(pair, "key"), value: try hash(pair, "value") as Hash?)
            }
            let expected = try #require(json["pages"]?.arrayValue).map { page in
                [try #require(page["path"]?.stringValue), try #require(page["page"]?.stringValue)]
            }
            var map = PagedMap()
            let changes = try map.set(content, reading: MemoryPages())
            #expect(map.root == (try hash(json, "root")))
            #expect(changes.map { [Hex.encode($0.path.bytes), Hex.encode($0.bytes ?? [])] } == expected)

            var (single, pages) = (PagedMap(), MemoryPages())
            for change in content.reversed() { pages.apply(try single.set([change], reading: pages)) }
            #expect(single.root == map.root)
            #expect(pages.pages == Dictionary(changes.map { ($0.path, $0.bytes ?? []) }) { first, _ in first })
        }
    }

    private func hash(_ json: JSON, _ name: String) throws -> Hash {
        try #require(json[name]?.stringValue.flatMap { Hash(hex: $0) })
    }
}
