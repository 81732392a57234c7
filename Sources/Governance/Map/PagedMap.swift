public import Tlog

/// Where the pages of a map are read from.
public protocol MapPageReading {
    /// The bytes of the page at a path, nil if there is none.
    func page(_ path: MapPath) throws -> [UInt8]?
}

/// A page that a change of the map wrote, or with nil took away.
public struct MapPageChange: Sendable, Hashable {
    public let path: MapPath
    public let bytes: [UInt8]?

    init(path: MapPath, bytes: [UInt8]?) {
        self.path = path
        self.bytes = bytes
    }
}

/// The map of ``MerkleMap``, kept in pages: it is its root, and reads what it needs.
///
/// Four levels of the prefix tree are a page; a subtree of at most 16 keys is one page with these keys. What the pages
/// are depends on the content of the map alone, not on how it came to it. `spec/state-map.md` has the layout and why.
///
/// Every page is hashed when it is read and must be what the page above it says, up to the root. So whatever is read
/// is what the root stands for, or an error: a damaged page can't lead to another root, nor to a proof.
public struct PagedMap: Sendable {
    /// 32 bytes that fix the whole content; ``Hash/zero`` if there is none.
    public private(set) var root: Hash

    /// The pages of the two top levels, as far as they were met: every change goes through them.
    private var top: [MapPath: MapPage] = [:]

    /// The map with a root.
    public init(root: Hash = .zero) {
        self.root = root
    }

    /// Checks that the pages are those of this root, as far as the topmost one tells.
    ///
    /// - Throws: ``MapDamage``, or what the pages throw.
    public func checkTop(reading pages: some MapPageReading) throws {
        if case .page(let hash, let keys) = slot {
            _ = try MapPage(at: .root, hash: hash, keys: keys, reading: pages)
        } else if try pages.page(.root) != nil {
            throw MapDamage(.root, .notEmpty)
        }
    }

    /// Sets keys to values, or with `nil` takes them out, and says what that changes in the pages, in the order of
    /// their paths. Only pages on the way to a key named here are read, and those of the keys beside it when a bucket
    /// is made of what is left. Of two changes of one key, the later in the list counts.
    ///
    /// - Parameter expected: values that keys should have before, `nil` for keys that should be absent: what was read
    ///   of the state from elsewhere, held to the root.
    /// - Throws: ``MapDamage``, or what the pages throw. The map is then what it was.
    public mutating func set(
        _ changes: [(key: Hash, value: Hash?)], expecting expected: [(key: Hash, value: Hash?)] = [],
        reading pages: some MapPageReading
    ) throws -> [MapPageChange] {
        let visits = MapVisit.sorted(expecting: expected, changing: changes)
        var update = MapUpdate(pages: pages, top: top)
        let after = try update.updated(slot, at: .root, visits[...])
        root = after.hash
        top = update.top
        return update.changes
    }

    /// Holds values that were read of the state from elsewhere to the root; `nil` for keys that should be absent.
    ///
    /// - Throws: ``MapDamage``, or what the pages throw.
    public func check(_ values: [(key: Hash, value: Hash?)], reading pages: some MapPageReading) throws {
        var copy = self
        _ = try copy.set([], expecting: values, reading: pages)
    }

    /// The value of a key.
    ///
    /// - Throws: ``MapDamage``, or what the pages throw.
    public func value(_ key: Hash, reading pages: some MapPageReading) throws -> Hash? {
        var siblings = MapSiblings()
        return try search(key, &siblings, pages).value
    }

    /// The proof that a key has its value, or that it is absent, under ``root``.
    ///
    /// - Throws: ``MapDamage``, or what the pages throw.
    public func proof(_ key: Hash, reading pages: some MapPageReading) throws -> MapProof {
        var siblings = MapSiblings()
        let end = try search(key, &siblings, pages).end
        return MapProof(end: end, elements: siblings.elements)
    }

    private var slot: MapSlot { root == .zero ? .empty : .page(hash: root, keys: nil) }

    private func search(
        _ key: Hash, _ siblings: inout MapSiblings, _ pages: some MapPageReading
    ) throws -> (end: MapProof.End, value: Hash?) {
        var path = MapPath.root
        var slot = slot
        while case .page(let hash, let keys) = slot {
            let depth = path.depth * MapInnerPage.levels
            switch try page(path, hash: hash, keys: keys, pages) {
            case .bucket(let leaves, _):
                let end = leaves[...].search(key, depth: depth, &siblings)
                return (end, end == .present ? leaves.first { $0.key == key }?.value : nil)
            case .inner(let page):
                slot = page.search(key, depth: depth, &siblings)
                path = path.child(key.digit(path.depth))
            }
        }
        guard case .leaf(let leaf) = slot else { return (.absentChild, nil) }
        return (MapProof.End(leaf, searching: key), leaf.key == key ? leaf.value : nil)
    }

    private func page(_ path: MapPath, hash: Hash, keys: Int?, _ pages: some MapPageReading) throws -> MapPage {
        if let page = top[path], page.hash == hash { return page }
        return try MapPage(at: path, hash: hash, keys: keys, reading: pages)
    }
}

extension MapPage {
    /// Reads the page of a slot, and holds it to what the slot says.
    init(at path: MapPath, hash: Hash, keys: Int?, reading pages: some MapPageReading) throws {
        guard let bytes = try pages.page(path) else { throw MapDamage(path, .missing) }
        let page = try MapPage(decoding: bytes, at: path)
        guard page.hash == hash else { throw MapDamage(path, .otherHash(expected: hash, found: page.hash)) }
        if let keys, page.keys != keys { throw MapDamage(path, .otherCount(expected: keys, found: page.keys)) }
        self = page
    }
}

extension MapSlot {
    /// The hash of what is in the slot.
    var hash: Hash {
        switch self {
        case .empty: .zero
        case .leaf(let leaf): leaf.hash
        case .page(let hash, _): hash
        }
    }
}
