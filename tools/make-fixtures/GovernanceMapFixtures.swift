import COSE
import Governance
import Tlog

/// Contents of Merkle maps with their roots, which are computed here from the definition, and proofs.
enum GovernanceMapFixtures {
    private struct Map {
        let name: String
        /// First bits of keys (then zeros), or whole keys.
        let keys: [Hash]

        var content: [(key: Hash, value: Hash)] {
            keys.map { ($0, Hash.sha256(Array("value of ".utf8) + $0.bytes)) }
        }
    }

    static func document() throws -> FixtureValue {
        let maps = [
            Map(name: "empty", keys: []), Map(name: "one key", keys: [key("1")]),
            Map(name: "two keys that part at the first bit", keys: [key("0"), key("1")]),
            Map(name: "two keys that part at the fourth bit", keys: [key("0010"), key("0011")]),
            Map(name: "two keys that part at the last bit", keys: [.zero, lastBit]),
            Map(name: "the picture of the draft", keys: picture),
            Map(name: "the picture of the draft after the addition", keys: picture + [key("01101")]),
            Map(name: "forty hashes", keys: (0..<40).map { Hash.sha256([$0]) }),
            Map(name: "sixteen keys, a bucket", keys: (0..<16).map { key("011", last: $0) }),
            Map(name: "seventeen keys with 251 bits in common", keys: (0..<17).map { key("011", last: $0) }),
            Map(name: "a leaf above its slot", keys: [key("0111")] + (0..<20).map { key("1", last: $0) }),
        ]
        return [
            "about": """
            Contents of Merkle maps in hex, with the root, and for some keys, present and absent, the proof in CBOR. \
            Pages are those that a store keeps (spec/state-map.md), in the order of their paths. Those in refused show nothing about the key and value under the root, for the reason given.
            """,
            "maps": .array(maps.map(describe)),
            "refused": .array(try refused()),
        ]
    }

    private static let picture = ["00010", "00101", "10001", "10111", "11011"].map { key($0) }
    private static let lastBit = Hash([UInt8](repeating: 0, count: 31) + [1]) ?? .zero

    private static func key(_ bits: String, last: UInt8 = 0) -> Hash {
        var bytes = [UInt8](repeating: 0, count: 32)
        for (position, bit) in bits.enumerated() where bit == "1" {
            bytes[position / 8] |= 0x80 >> UInt8(position % 8)
        }
        bytes[31] |= last
        return Hash(bytes) ?? .zero
    }

    /// The definition, from all keys at once.
    static func root(_ content: [(key: Hash, value: Hash)], depth: Int = 0) -> Hash {
        if content.isEmpty { return .zero }
        if content.count == 1 { return Hash.sha256([2] + content[0].key.bytes + content[0].value.bytes) }
        let bit = { (key: Hash) in key.bytes[depth / 8] & (0x80 >> UInt8(depth % 8)) != 0 }
        let left = root(content.filter { !bit($0.key) }, depth: depth + 1)
        let right = root(content.filter { bit($0.key) }, depth: depth + 1)
        return Hash.sha256([3] + left.bytes + right.bytes)
    }

    /// The pages, from all keys at once.
    private static func pages(
        _ content: [(key: Hash, value: Hash)], below digits: String = ""
    ) -> [(path: [UInt8], page: [UInt8])] {
        if content.isEmpty { return [] }
        let sorted = content.sorted { $0.key < $1.key }
        let path = [UInt8(digits.count)] + (Hex.decode(digits + (digits.count % 2 == 0 ? "" : "0")) ?? [])
        if sorted.count <= 16 {
            return [(path, [1, UInt8(sorted.count)] + sorted.flatMap { $0.key.bytes + $0.value.bytes })]
        }
        var (head, slots, below): ([UInt8], [UInt8], [(path: [UInt8], page: [UInt8])]) = ([2], [], [])
        for digit in "0123456789abcdef" {
            let part = sorted.filter { $0.key.hex.hasPrefix(digits + String(digit)) }
            head.append(UInt8(min(part.count, 17)))
            if part.count == 1 {
                slots += part[0].key.bytes + part[0].value.bytes
            } else if part.count > 1 {
                slots += root(part, depth: 4 * (digits.count + 1)).bytes
                below += pages(part, below: digits + String(digit))
            }
        }
        let all = [(path, head + slots)] + below
        return all.sorted { $0.path.lexicographicallyPrecedes($1.path) }
    }

    private static func describe(_ map: Map) -> FixtureValue {
        var tree = MerkleMap()
        tree.set(map.content.map { (key: $0.key, value: $0.value) })
        let proved = map.keys.prefix(6) + [key("0000001"), key("1111111"), key("011"), Hash.sha256([255])]
        let values = Dictionary(map.content.map { ($0.key, $0.value) }) { first, _ in first }
        return [
            "name": .string(map.name),
            "content": .array(map.content.map { ["key": .string($0.key.hex), "value": .string($0.value.hex)] }),
            "root": .string(root(map.content).hex),
            "pages": .array(
                pages(map.content).map { path, page in
                    ["path": GovernanceCast.hex(path), "page": GovernanceCast.hex(page)]
                }),
            "proofs": .array(
                proved.map { key in
                    [
                        "key": .string(key.hex), "value": values[key].map { .string($0.hex) } ?? .null,
                        "proof": GovernanceCast.hex(tree.proof(key).encoded()),
                    ]
                }),
        ]
    }

    private static func refused() throws -> [FixtureValue] {
        let map = Map(name: "", keys: [key("00"), key("01"), key("1")])
        let root = root(map.content)
        let leaves = map.content.map { Hash.sha256([2] + $0.key.bytes + $0.value.bytes) }
        func hash(_ hash: Hash) -> CBOR { .bytes(hash.bytes) }
        let (first, second) = (map.content[0], map.content[1])
        let path: CBOR = [hash(leaves[1]), hash(leaves[2])]
        let cases: [(String, Hash, Hash?, CBOR, String)] = [
            ("another value", first.key, second.value, [1, path], "root-mismatch"),
            ("another key", second.key, first.value, [1, path], "root-mismatch"),
            (
                "hashes from right to left", first.key, first.value, [1, [hash(leaves[2]), hash(leaves[1])]],
                "root-mismatch"
            ),
            ("a hash too few", first.key, first.value, [1, [hash(leaves[1])]], "root-mismatch"),
            (
                "a hash too many", first.key, first.value, [1, [hash(leaves[1]), hash(leaves[2]), hash(.zero)]],
                "root-mismatch"
            ),
            ("presence said to be absence", first.key, nil, [1, path], "proves-presence"),
            (
                "absence said to be presence", key("001"), first.value, [2, path, hash(first.key), hash(first.value)],
                "proves-absence"
            ),
            (
                "the absence of a key by its own leaf", first.key, nil, [2, path, hash(first.key), hash(first.value)],
                "same-key"
            ),
            (
                "the absence of a key by a leaf elsewhere", second.key, nil,
                [2, path, hash(first.key), hash(first.value)], "off-path"
            ),
            ("no child where there is one", first.key, nil, [3, path], "root-mismatch"),
            ("an unknown form", first.key, nil, [4, path], "malformed"),
            ("a hash of 31 bytes", first.key, nil, [3, [.bytes([UInt8](repeating: 0, count: 31))]], "malformed"),
            ("257 hashes", first.key, nil, [3, .array(Array(repeating: hash(.zero), count: 257))], "too-deep"),
        ]
        return cases.map { name, key, value, proof, reason in
            [
                "name": .string(name), "key": .string(key.hex), "value": value.map { .string($0.hex) } ?? .null,
                "root": .string(root.hex), "proof": GovernanceCast.hex(proof.encoded()), "reason": .string(reason),
            ]
        }
    }
}
