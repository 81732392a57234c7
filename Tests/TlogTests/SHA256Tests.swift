import CSodium
import Testing
import Tlog

/// Both ways to a hash, the kernel of our own and the library, against libsodium.
@Suite("SHA-256")
struct SHA256Tests {
    /// The ways that this machine has.
    private static let ways = SHA256Hasher.hasKernel ? [true, false] : [false]

    private static func bySodium(_ bytes: [UInt8]) -> Hash? {
        var hash = [UInt8](repeating: 0, count: 32)
        _ = unsafe crypto_hash_sha256(&hash, bytes, UInt64(bytes.count))
        return Hash(hash)
    }

    private static func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 131 &+ $0 >> 8) }
    }

    @Test("messages of every length up to five blocks, and long ones", arguments: ways)
    func lengths(withKernel: Bool) {
        for count in Array(0...320) + [1023, 1024, 1025, 65_535, 1 << 20] {
            let message = Self.bytes(count)
            var hasher = SHA256Hasher(withKernel: withKernel)
            hasher.update(message)
            #expect(hasher.finalize() == Self.bySodium(message), "\(count) bytes")
        }
    }

    @Test("parts of every length, wherever a block ends", arguments: ways)
    func parts(withKernel: Bool) {
        let message = Self.bytes(400)
        for first in 0...130 {
            for second in [0, 1, 55, 56, 63, 64, 65, 128, 200] {
                var hasher = SHA256Hasher(withKernel: withKernel)
                hasher.update(message[..<first])
                let early = hasher.finalize()
                hasher.update(message[first..<first + second])
                hasher.update(message[(first + second)...])
                #expect(early == Self.bySodium(Array(message[..<first])))
                #expect(hasher.finalize() == Self.bySodium(message), "\(first) bytes, then \(second)")
            }
        }
    }

    @Test("a copy goes on by itself", arguments: ways)
    func copies(withKernel: Bool) {
        var one = SHA256Hasher(withKernel: withKernel)
        one.update(Self.bytes(70))
        var other = one
        one.update(1)
        other.update(2)
        #expect(one.finalize() == Self.bySodium(Self.bytes(70) + [1]))
        #expect(other.finalize() == Self.bySodium(Self.bytes(70) + [2]))
    }

    @Test("nodes of a row, where they stand or elsewhere", arguments: 0...9)
    func nodes(count: Int) {
        let row = (0..<20).map { Hash.sha256([UInt8($0)]) }
        let expected = (0..<count).map { Self.bySodium([1] + row[2 * $0].bytes + row[2 * $0 + 1].bytes) }
        var inPlace = row
        Hash.setNodes(in: &inPlace, at: 0, count: count, of: 0)
        #expect(inPlace.prefix(count).map(Optional.some) == expected)
        #expect(inPlace.dropFirst(count) == row.dropFirst(count))
        var elsewhere = [.zero] + row + [Hash](repeating: .zero, count: 10)
        Hash.setNodes(in: &elsewhere, at: 21, count: count, of: 1)
        #expect(elsewhere.dropFirst(21).prefix(count).map(Optional.some) == expected)
        #expect(elsewhere.dropFirst().prefix(20) == row[...])
        #expect(elsewhere.dropFirst(21 + count).allSatisfy { $0 == .zero })
    }

    @Test("leaves side by side have the hashes that each has alone, whatever their lengths", arguments: 0...5)
    func leaves(count: Int) {
        for length in Array(0...200) + [1023, 1024, 1025, 4000] {
            for other in [0, 1, 54, 55, 62, 63, 64, 126, 127, 128, 191, 1024] {
                let entries = (0..<count).map { Self.bytes($0.isMultiple(of: 2) ? length : other) }
                let expected = entries.map { Self.bySodium([0] + $0) }
                #expect(Hash.leaves(entries[...]).map(Optional.some) == expected, "\(length) and \(other) bytes")
            }
        }
    }

    @Test("leaves that are shown one by one make the tree that they make together", arguments: 0...9)
    func pairs(count: Int) {
        let entries = (0..<count).map { Self.bytes(100 * $0) }
        var expected = Frontier()
        for entry in entries { expected.append(.leaf(entry)) }
        var frontier = Frontier()
        var pairs = LeafPairs()
        for entry in entries { pairs.append(entry.span, to: &frontier) }
        pairs.finish(&frontier)
        #expect(frontier == expected)
    }

    @Test("leaves and nodes have their prefixes")
    func tree() {
        #expect(Hash.leaf(Self.bytes(1024)) == Self.bySodium([0] + Self.bytes(1024)))
        let (left, right) = (Hash.sha256([1]), Hash.sha256([2]))
        #expect(Hash.node(left, right) == Self.bySodium([1] + left.bytes + right.bytes))
    }
}
