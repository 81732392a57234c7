internal import Tlog

/// A page of a ``PagedMap``, read and hashed. `spec/state-map.md` has its bytes.
enum MapPage: Sendable {
    /// All keys of a subtree that has few, in their order.
    case bucket([MapLeaf], hash: Hash)
    /// The top of a subtree that has more.
    case inner(MapInnerPage)

    /// The keys of the largest bucket.
    static let bucketSize = 16
    /// Stands for any number of keys that no bucket holds.
    static let many = bucketSize + 1

    init(bucket leaves: [MapLeaf], at path: MapPath) {
        self = .bucket(leaves, hash: leaves[...].subtreeHash(depth: path.depth * MapInnerPage.levels))
    }

    /// The hash of the subtree.
    var hash: Hash {
        switch self {
        case .bucket(_, let hash): hash
        case .inner(let page): page.hash
        }
    }

    /// The number of keys, ``many`` for an inner page.
    var keys: Int {
        switch self {
        case .bucket(let leaves, _): leaves.count
        case .inner: MapPage.many
        }
    }
}

/// The bytes of a page: one byte for its kind, then what is in it.
extension MapPage {
    private static let bucketKind = 1 as UInt8
    private static let innerKind = 2 as UInt8
    private static let leafBytes = 2 * Hash.byteCount

    func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        switch self {
        case .bucket(let leaves, _):
            bytes.reserveCapacity(2 + leaves.count * MapPage.leafBytes)
            bytes += [MapPage.bucketKind, UInt8(leaves.count)]
            for leaf in leaves { leaf.append(to: &bytes) }
        case .inner(let page):
            bytes.reserveCapacity(1 + MapInnerPage.slotCount * (1 + Hash.byteCount))
            bytes.append(MapPage.innerKind)
            for slot in page.slots { bytes.append(slot.keyCount) }
            for slot in page.slots { slot.append(to: &bytes) }
        }
        return bytes
    }

    /// Reads a page: its form, that its keys are in order and lie below its path, and that it is the one way to write
    /// its content. Whether its hash is the one that the page above has is for the caller to ask.
    init(decoding bytes: [UInt8], at path: MapPath) throws(MapDamage) {
        switch bytes.first {
        case MapPage.bucketKind: try self.init(bucketIn: bytes, at: path)
        case MapPage.innerKind: try self.init(slotsIn: bytes, at: path)
        default: throw MapDamage(path, .malformed("it begins with no kind of page"))
        }
    }

    private init(bucketIn bytes: [UInt8], at path: MapPath) throws(MapDamage) {
        // A page with one key is only where there is none above that could have the key in it.
        let least = path == .root ? 1 : 2
        guard bytes.count >= 2, (least...MapPage.bucketSize).contains(Int(bytes[1])) else {
            throw MapDamage(path, .malformed("a bucket has \(least) to \(MapPage.bucketSize) keys"))
        }
        guard bytes.count == 2 + Int(bytes[1]) * MapPage.leafBytes else {
            throw MapDamage(path, .malformed("\(bytes.count) bytes are no bucket of \(bytes[1]) keys"))
        }
        var leaves: [MapLeaf] = []
        leaves.reserveCapacity(Int(bytes[1]))
        for start in stride(from: 2, to: bytes.count, by: MapPage.leafBytes) {
            let leaf = MapLeaf(in: bytes, at: start)
            guard path.leads(to: leaf.key) else { throw MapDamage(path, .malformed("key \(leaf.key) is elsewhere")) }
            if let last = leaves.last, last.key >= leaf.key {
                throw MapDamage(path, .malformed("key \(leaf.key) is not in order"))
            }
            leaves.append(leaf)
        }
        self.init(bucket: leaves, at: path)
    }

    private init(slotsIn bytes: [UInt8], at path: MapPath) throws(MapDamage) {
        let counts = bytes.dropFirst().prefix(MapInnerPage.slotCount)
        let length = counts.reduce(1 + MapInnerPage.slotCount) { $0 + MapSlot.byteCount(keys: $1) }
        guard counts.count == MapInnerPage.slotCount, bytes.count == length else {
            throw MapDamage(path, .malformed("\(bytes.count) bytes are no inner page of its counts"))
        }
        var slots: [MapSlot] = []
        slots.reserveCapacity(MapInnerPage.slotCount)
        var start = 1 + MapInnerPage.slotCount
        for (digit, count) in counts.enumerated() {
            let slot = try MapSlot(keys: Int(count), in: bytes, at: start, of: path)
            if case .leaf(let leaf) = slot, !path.leads(to: leaf.key) || leaf.key.digit(path.depth) != digit {
                throw MapDamage(path, .malformed("key \(leaf.key) is elsewhere"))
            }
            slots.append(slot)
            start += MapSlot.byteCount(keys: count)
        }
        let page = MapInnerPage(slots)
        guard page.keys > MapPage.bucketSize else {
            throw MapDamage(path, .malformed("\(page.keys) keys are a bucket"))
        }
        self = .inner(page)
    }
}

extension MapLeaf {
    fileprivate func append(to bytes: inout [UInt8]) {
        key.append(to: &bytes)
        value.append(to: &bytes)
    }

    /// The leaf from `start` on, which must be there.
    fileprivate init(in bytes: [UInt8], at start: Int) {
        self.init(key: Hash(in: bytes, from: start), value: Hash(in: bytes, from: start + Hash.byteCount))
    }
}

extension MapSlot {
    /// The slot's byte in the page's head.
    fileprivate var keyCount: UInt8 {
        switch self {
        case .empty: 0
        case .leaf: 1
        case .page(_, let keys): UInt8(keys ?? MapPage.many)
        }
    }

    /// What a slot takes after the head.
    fileprivate static func byteCount(keys: UInt8) -> Int {
        keys == 0 ? 0 : keys == 1 ? 2 * Hash.byteCount : Hash.byteCount
    }

    fileprivate func append(to bytes: inout [UInt8]) {
        switch self {
        case .empty: break
        case .leaf(let leaf): leaf.append(to: &bytes)
        case .page(let hash, _): hash.append(to: &bytes)
        }
    }

    /// The slot from `start` on, whose bytes must be there.
    fileprivate init(keys: Int, in bytes: [UInt8], at start: Int, of path: MapPath) throws(MapDamage) {
        switch keys {
        case 0: self = .empty
        case 1: self = .leaf(MapLeaf(in: bytes, at: start))
        case 2...MapPage.many: self = .page(hash: Hash(in: bytes, from: start), keys: keys)
        default: throw MapDamage(path, .malformed("\(keys) is no number of keys in a slot"))
        }
    }
}

extension Hash {
    /// The 32 bytes from `start` on, which must be there.
    fileprivate init(in bytes: [UInt8], from start: Int) {
        guard let hash = Hash(bytes[start..<start + Hash.byteCount]) else { preconditionFailure("32 bytes are a hash") }
        self = hash
    }
}
