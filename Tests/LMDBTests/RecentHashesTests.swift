import LMDB
import Testing

@Suite("Recent hashes")
struct RecentHashesTests {
    @Test("what was put in is had until another takes its place; nothing else ever is")
    func forgets() {
        let hashes = RecentHashes()
        let some = (1...1000).map { UInt64($0) &* 0x9E37_79B9_7F4A_7C15 }
        #expect(!some.contains { hashes.contains($0) })
        for hash in some {
            hashes.insert(hash)
            #expect(hashes.contains(hash))
            // The same place, whatever the number of places is, as long as it is a power of two below 2^63.
            #expect(!hashes.contains(hash ^ 1 << 63))
        }
        let last = some[999] ^ 1 << 63
        hashes.insert(last)
        #expect(hashes.contains(last))
        #expect(!hashes.contains(some[999]))
    }

    @Test("zero, which free places have, is never had")
    func zero() {
        let hashes = RecentHashes()
        #expect(!hashes.contains(0))
        hashes.insert(0)
        #expect(!hashes.contains(0))
    }
}
