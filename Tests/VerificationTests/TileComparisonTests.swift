import Testing
import Tlog

@testable import Verification

@Suite("The tiles that a verification computes")
struct TileComparisonTests {
    @Test("size and root are those of the leaves, whatever the log's tiles are")
    func root() throws {
        var (tiles, frontier) = (TileComparison(source: MemorySource(files: [:])), Frontier())
        #expect(tiles.size == 0 && tiles.root == .emptyTree)
        for index in 0..<66_400 {
            let leaf = Hash.leaf([UInt8(index & 255), UInt8(index >> 8 & 255), UInt8(index >> 16)])
            try tiles.append(leaf)
            frontier.append(leaf)
            // Up to the second level of tiles, and about the third.
            guard index < 600 || index > 65_500 else { continue }
            #expect(tiles.size == frontier.size && tiles.root == frontier.root(), "size \(index + 1)")
        }
    }
}
