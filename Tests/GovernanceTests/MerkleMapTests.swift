import COSE
import Governance
import Testing
import Tlog

/// The prefix tree written down as its definition, without sharing, from all keys at once.
private func naiveRoot(_ content: [(key: Hash, value: Hash)], depth: Int = 0) -> Hash {
    if content.isEmpty { return .zero }
    if content.count == 1 { return Hash.sha256([0x02] + content[0].key.bytes + content[0].value.bytes) }
    let bit = { (key: Hash) in key.bytes[depth / 8] & (0x80 >> (depth % 8)) != 0 }
    let left = naiveRoot(content.filter { !bit($0.key) }, depth: depth + 1)
    let right = naiveRoot(content.filter { bit($0.key) }, depth: depth + 1)
    return Hash.sha256([0x03] + left.bytes + right.bytes)
}

/// A key whose first bits are these, and else zero.
private func key(_ bits: String) -> Hash {
    var bytes = [UInt8](repeating: 0, count: 32)
    for (position, bit) in bits.enumerated() where bit == "1" { bytes[position / 8] |= 0x80 >> UInt8(position % 8) }
    guard let hash = Hash(bytes) else { preconditionFailure("32 bytes are a hash") }
    return hash
}

private func leaf(_ key: Hash, _ value: Hash) -> [UInt8] {
    Hash.sha256([0x02] + key.bytes + value.bytes).bytes
}

private func parent(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
    Hash.sha256([0x03] + left + right).bytes
}

private let absent = [UInt8](repeating: 0, count: 32)

@Suite("Merkle map")
struct MerkleMapTests {
    private let values = (0..<8).map { Hash.sha256([UInt8($0)]) }

    @Test("an empty map's root is 32 zero bytes, and a map of one key is its leaf")
    func small() {
        var map = MerkleMap()
        #expect(map.root == .zero)
        #expect(map.count == 0)
        map.set(key("1"), values[0])
        #expect(map.root.bytes == leaf(key("1"), values[0]))
        #expect(map.count == 1)
        map.set(key("1"), nil)
        #expect(map.root == .zero)
        #expect(map.count == 0)
    }

    @Test("two keys part at their first different bit, with nothing beside the way there")
    func two() {
        var map = MerkleMap()
        map.set([(key("0010"), values[0]), (key("0011"), values[1])])
        let deepest = parent(leaf(key("0010"), values[0]), leaf(key("0011"), values[1]))
        let expected = parent(parent(parent(absent, deepest), absent), absent)
        #expect(map.root.bytes == expected)
    }

    @Test("the five keys of the draft's picture, and the sixth")
    func picture() {
        var map = MerkleMap()
        let keys = ["00010", "00101", "10001", "10111", "11011"].map(key)
        for (key, value) in zip(keys, values) { map.set(key, value) }
        let left = parent(leaf(keys[0], values[0]), leaf(keys[1], values[1]))
        let right = parent(parent(leaf(keys[2], values[2]), leaf(keys[3], values[3])), leaf(keys[4], values[4]))
        #expect(map.root.bytes == parent(parent(left, absent), right))
        let sixth = key("01101")
        map.set(sixth, values[5])
        #expect(map.root.bytes == parent(parent(left, leaf(sixth, values[5])), right))
        map.set(sixth, nil)
        #expect(map.root.bytes == parent(parent(left, absent), right))
    }

    @Test("keys that differ in their last bit only lie 256 deep")
    func deepest() throws {
        var last = [UInt8](repeating: 0, count: 32)
        last[31] = 1
        let second = try #require(Hash(last))
        var map = MerkleMap()
        map.set([(.zero, values[0]), (second, values[1])])
        #expect(map.root == naiveRoot([(.zero, values[0]), (second, values[1])]))
        let proof = map.proof(second)
        #expect(proof.elements.count == 256)
        try proof.verify(key: second, value: values[1], root: map.root)
        map.set(second, nil)
        #expect(map.root.bytes == leaf(.zero, values[0]))
    }

    @Test("of two changes of one key in a batch, the later counts")
    func laterCounts() {
        var map = MerkleMap()
        map.set([(key("1"), values[0]), (key("1"), nil), (key("0"), nil), (key("0"), values[1])])
        #expect(map.root.bytes == leaf(key("0"), values[1]))
    }

    @Test("a copy stays as it was")
    func copies() {
        var map = MerkleMap()
        map.set([(key("0"), values[0]), (key("1"), values[1])])
        let before = map
        let root = map.root
        map.set(key("1"), values[2])
        #expect(before.root == root)
        #expect(map.root != root)
        #expect(before[key("1")] == values[1])
        map.set(key("1"), values[1])
        #expect(map.root == root)
    }

    @Test("random changes, one by one and in batches, come to the tree of the definition", arguments: 0..<20)
    func random(_ seed: Int) throws {
        var numbers = SeededNumbers(seed: UInt64(seed))
        // Few first bytes, so that paths share long prefixes.
        let keys = (0..<24).map { number in
            var bytes = Hash.sha256([UInt8(number)]).bytes
            bytes[0] = UInt8(number % 3)
            return Hash(bytes) ?? .zero
        }
        var reference: [Hash: Hash] = [:]
        var single = MerkleMap()
        var batched = MerkleMap()
        for _ in 0..<60 {
            var batch: [(key: Hash, value: Hash?)] = []
            for _ in 0..<Int.random(in: 0...6, using: &numbers) {
                let key = keys[Int.random(in: 0..<keys.count, using: &numbers)]
                let value = Int.random(in: 0..<3, using: &numbers) == 0 ? nil : values.randomElement(using: &numbers)
                batch.append((key, value))
                reference[key] = value
                single.set(key, value)
            }
            batched.set(batch)
            let expected = naiveRoot(reference.map { (key: $0.key, value: $0.value) })
            #expect(single.root == expected)
            #expect(batched.root == expected)
            #expect(batched.count == reference.count)
            #expect(single.count == reference.count)
        }
        for key in keys { #expect(batched[key] == reference[key]) }
        batched.set(keys.map { ($0, nil) })
        #expect(batched.root == .zero)
    }

    @Test("every key has a proof of its value, every other of its absence; none shows anything else", arguments: 0..<40)
    func proofs(_ count: Int) throws {
        var numbers = SeededNumbers(seed: UInt64(count))
        let present = (0..<count).map { _ in numbers.hash() }
        let absentKeys = (0..<20).map { _ in numbers.hash() }
        var map = MerkleMap()
        map.set(present.map { (key: $0, value: Hash.sha256($0.bytes)) })
        let other = numbers.hash()
        for key in present {
            let proof = map.proof(key)
            let value = Hash.sha256(key.bytes)
            try proof.verify(key: key, value: value, root: map.root)
            #expect(try MapProof(decoding: proof.encoded()) == proof)
            #expect(throws: MapProofError.self) { try proof.verify(key: key, value: other, root: map.root) }
            #expect(throws: MapProofError.provesPresence) { try proof.verify(key: key, value: nil, root: map.root) }
            for wrong in present + absentKeys where wrong != key {
                #expect(throws: MapProofError.self) { try proof.verify(key: wrong, value: value, root: map.root) }
            }
        }
        for key in absentKeys {
            let proof = map.proof(key)
            try proof.verify(key: key, value: nil, root: map.root)
            #expect(try MapProof(decoding: proof.encoded()) == proof)
            #expect(throws: MapProofError.provesAbsence) { try proof.verify(key: key, value: other, root: map.root) }
            for wrong in present {
                #expect(throws: MapProofError.self) { try proof.verify(key: wrong, value: nil, root: map.root) }
            }
        }
    }

    @Test("a proof with a bit of any hash flipped fails")
    func flippedBits() throws {
        var numbers = SeededNumbers(seed: 99)
        let keys = (0..<16).map { _ in numbers.hash() }
        var map = MerkleMap()
        map.set(keys.map { (key: $0, value: $0) })
        for key in keys + [numbers.hash(), numbers.hash(), numbers.hash()] {
            let value = map[key]
            let proof = map.proof(key).cbor
            guard case .array(var parts) = proof, case .array(let elements) = parts[1] else { return }
            for position in elements.indices {
                var bytes = elements[position].bytesValue ?? []
                bytes[Int.random(in: 0..<32, using: &numbers)] ^= 1 << UInt8.random(in: 0..<8, using: &numbers)
                var changed = elements
                changed[position] = .bytes(bytes)
                parts[1] = .array(changed)
                let tampered = try MapProof(.array(parts))
                #expect(throws: MapProofError.self) { try tampered.verify(key: key, value: value, root: map.root) }
            }
            parts[1] = .array(Array(elements.dropLast()))
            let shorter = try MapProof(.array(parts))
            #expect(throws: MapProofError.self) { try shorter.verify(key: key, value: value, root: map.root) }
            parts[1] = .array(elements + [.bytes(Hash.zero.bytes)])
            let longer = try MapProof(.array(parts))
            #expect(throws: MapProofError.self) { try longer.verify(key: key, value: value, root: map.root) }
        }
    }

    @Test("another key's leaf shows an absence only where it lies on the key's path")
    func offPath() throws {
        var map = MerkleMap()
        map.set([(key("00"), values[0]), (key("01"), values[1]), (key("1"), values[2])])
        let elements = map.proof(key("00")).cbor.arrayValue?[1] ?? []
        // The leaf of 00 with its own siblings, said to show that 01 is absent.
        let forged = try MapProof([2, elements, .bytes(key("00").bytes), .bytes(values[0].bytes)])
        #expect(throws: MapProofError.offPath) { try forged.verify(key: key("01"), value: nil, root: map.root) }
        #expect(throws: MapProofError.sameKey) { try forged.verify(key: key("00"), value: nil, root: map.root) }
        try forged.verify(key: key("001"), value: nil, root: map.root)
    }

    @Test("refuses bytes that are no proof")
    func decoding() {
        let hash = CBOR.bytes(absent)
        let cases: [(CBOR, MapProofError)] = [
            (1, .malformed), ([1], .malformed), ([4, []], .malformed), ([1, [], hash], .malformed),
            ([2, []], .malformed), ([2, [], hash], .malformed), ([3, [.bytes([1])]], .malformed),
            ([1, .array(Array(repeating: hash, count: 257))], .tooDeep(257)),
        ]
        for (item, error) in cases {
            #expect(throws: error) { try MapProof(decoding: item.encoded()) }
        }
        #expect(throws: MapProofError.cbor(.endOfInput(offset: 0))) { try MapProof(decoding: []) }
    }
}
