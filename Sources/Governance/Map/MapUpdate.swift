internal import Tlog

/// One walk through a ``PagedMap``: down to the keys that are visited, and back with what the pages become.
struct MapUpdate<Pages: MapPageReading> {
    let pages: Pages

    /// Pages of the top levels: as they were, then as they are.
    private(set) var top: [MapPath: MapPage]

    /// Pages that are made anew, nil for those that are gone.
    private var written: [MapPath: MapPage?] = [:]

    init(pages: Pages, top: [MapPath: MapPage]) {
        self.pages = pages
        self.top = top
    }

    /// What the store has to do, in the order of the paths.
    var changes: [MapPageChange] {
        written.map { MapPageChange(path: $0.key, bytes: $0.value?.encoded()) }
            .sorted { $0.path.bytes.span.precedes($1.path.bytes.span) }
    }

    /// What becomes of a subtree by visits that all lie in it, in the order of their keys.
    mutating func updated(_ slot: MapSlot, at path: MapPath, _ visits: ArraySlice<MapVisit>) throws -> MapSlot {
        if visits.isEmpty { return slot }
        let leaves: [MapLeaf]
        switch slot {
        case .empty: leaves = []
        case .leaf(let leaf): leaves = [leaf]
        case .page(let hash, let keys):
            switch try load(path, hash: hash, keys: keys) {
            case .inner(let page): return try updated(page, slot, at: path, visits)
            case .bucket(let stored, _): leaves = stored
            }
        }
        guard let changed = try leaves.visited(visits, at: path) else { return slot }
        return write(changed, at: path, replacing: slot)
    }

    private mutating func updated(
        _ page: MapInnerPage, _ slot: MapSlot, at path: MapPath, _ visits: ArraySlice<MapVisit>
    ) throws -> MapSlot {
        var changed: [(number: Int, slot: MapSlot)] = []
        var rest = visits
        while let first = rest.first {
            let digit = first.key.digit(path.depth)
            let end = rest.firstIndex { $0.key.digit(path.depth) != digit } ?? rest.endIndex
            let after = try updated(page.slots[digit], at: path.child(digit), rest[..<end])
            if after != page.slots[digit] { changed.append((digit, after)) }
            rest = rest[end...]
        }
        guard !changed.isEmpty else { return slot }
        var after = page
        after.set(changed)
        guard after.keys <= MapPage.bucketSize else { return keep(.inner(after), at: path) }
        // What is left is a bucket: the pages below are taken into it.
        var leaves: [MapLeaf] = []
        for (digit, below) in after.slots.enumerated() {
            leaves += try taken(below, at: path.child(digit), before: page.slots[digit])
        }
        return write(leaves, at: path, replacing: slot)
    }

    /// The keys of a slot whose page goes.
    private mutating func taken(_ slot: MapSlot, at path: MapPath, before: MapSlot) throws -> [MapLeaf] {
        switch slot {
        case .empty: return []
        case .leaf(let leaf): return [leaf]
        case .page(let hash, let keys):
            let page: MapPage
            if case .some(.some(let made)) = written[path] {
                page = made
            } else {
                page = try load(path, hash: hash, keys: keys)
            }
            guard case .bucket(let leaves, _) = page else {
                throw MapDamage(path, .otherCount(expected: keys ?? 0, found: page.keys))
            }
            drop(path, before: before)
            return leaves
        }
    }

    /// Makes the pages of a subtree of leaves, where no pages are below the path.
    private mutating func write(_ leaves: [MapLeaf], at path: MapPath, replacing before: MapSlot) -> MapSlot {
        if leaves.count > MapPage.bucketSize {
            var slots: [MapSlot] = []
            var rest = leaves[...]
            for digit in 0..<MapInnerPage.slotCount {
                let end = rest.firstIndex { $0.key.digit(path.depth) != digit } ?? rest.endIndex
                slots.append(write(Array(rest[..<end]), at: path.child(digit), replacing: .empty))
                rest = rest[end...]
            }
            return keep(.inner(MapInnerPage(slots)), at: path)
        }
        if leaves.count > 1 || leaves.count == 1 && path == .root {
            return keep(MapPage(bucket: leaves, at: path), at: path)
        }
        drop(path, before: before)
        return leaves.first.map { .leaf($0) } ?? .empty
    }

    private mutating func keep(_ page: MapPage, at path: MapPath) -> MapSlot {
        written[path] = .some(page)
        remember(page, at: path)
        return .page(hash: page.hash, keys: page.keys)
    }

    /// - Parameter before: what was at the path before the change. A page that is not stored need not be taken away.
    private mutating func drop(_ path: MapPath, before: MapSlot) {
        top[path] = nil
        if case .page = before {
            written.updateValue(nil, forKey: path)
        } else {
            written.removeValue(forKey: path)
        }
    }

    private mutating func load(_ path: MapPath, hash: Hash, keys: Int?) throws -> MapPage {
        // What is remembered was read or made under this root; its hash says that it is still meant.
        if let page = top[path], page.hash == hash { return page }
        let page = try MapPage(at: path, hash: hash, keys: keys, reading: pages)
        remember(page, at: path)
        return page
    }

    private mutating func remember(_ page: MapPage, at path: MapPath) {
        if path.depth < 2 { top[path] = page }
    }
}
