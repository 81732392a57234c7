import COSE
import Governance
import LogStore
import StoredState
import Tlog

/// What a store has beside entries and tiles, held to the entries: the index by leaf hash, the links of streams, the
/// lists, the newest state and its map.
struct StoreCheck: Sendable {
    private let store: any LogStore
    /// Whether more than the index is looked at.
    private let isGovernance: Bool

    /// Keys of the state that are looked for in the map at once.
    private static let keysInGroup = 256

    init(_ store: any LogStore, isGovernance: Bool) {
        self.store = store
        self.isGovernance = isGovernance
    }

    // MARK: What follows from single entries

    /// Whether every entry of a bundle is found by its leaf hash, in its stream, and in its lists.
    func check(_ bundle: BundleCheck) throws -> [AuditDamage] {
        let first = bundle.index * UInt64(EntryBundle.fullWidth)
        return try store.read { snapshot in
            var damage: [AuditDamage] = []
            for (offset, hash) in bundle.leafHashes.enumerated() {
                let index = first + UInt64(offset)
                let found = try snapshot.index(ofLeaf: hash)
                if found != index {
                    damage.append(AuditDamage(.leafIndex, "leaf hash \(hash)", index, found))
                }
            }
            guard isGovernance, let entries = bundle.entries else { return damage }
            let read = bundle.verified ?? VerifiedEntry.all(entries[...], keys: nil)
            for (offset, entry) in read.enumerated() {
                guard let statement = entry.statement else { continue }
                damage += try checkLink(statement, entry.event, first + UInt64(offset), snapshot)
                damage += try checkLists(statement, entry.event, first + UInt64(offset), snapshot)
            }
            return damage
        }
    }

    private func checkLink(
        _ statement: SignedStatement, _ event: Event?, _ index: UInt64, _ snapshot: any LogSnapshot
    ) throws -> [AuditDamage] {
        guard let event else { return [] }
        let key = StateKey.stream(issuer: statement.header.issuer, stream: event.stream)
        let found = try snapshot.newestLink(stream: key.bytes, below: index + 1)
        if let found, found.seq == event.seq, found.index == index { return [] }
        return [
            AuditDamage(
                .streamLink, key.text, index: index, expected: "seq \(event.seq)",
                found: found.map { "seq \($0.seq) at entry \($0.index)" })
        ]
    }

    private func checkLists(
        _ statement: SignedStatement, _ event: Event?, _ index: UInt64, _ snapshot: any LogSnapshot
    ) throws -> [AuditDamage] {
        try ListingKey.lists(of: statement, event: event).compactMap { key in
            let found = try snapshot.listing(key.bytes, below: index + 1, before: nil, limit: 1).first
            return found == index ? nil : AuditDamage(.listing, StateKey(bytes: key.bytes).text, index, found)
        }
    }

    // MARK: What follows from all of them

    /// Whether the newest stored state is the one that the entries make, key by key, and its map has the root of the
    /// last seal, page by page.
    func check(_ replay: LogReplay) throws -> [AuditDamage] {
        guard isGovernance else { return [] }
        return try store.read { snapshot in
            try checkValues(replay, snapshot) + checkMap(replay, snapshot)
        }
    }

    private func checkValues(_ replay: LogReplay, _ snapshot: any LogSnapshot) throws -> [AuditDamage] {
        var damage: [AuditDamage] = []
        var values = replay.state.values
        try snapshot.forEachState(prefix: [], after: nil, at: replay.sealedSize) { bytes, value in
            let key = StateKey(bytes: bytes)
            let expected = values.removeValue(forKey: key)
            if expected != value { damage.append(Self.difference(key, expected: expected, found: value)) }
            return true
        }
        damage += values.map { Self.difference($0.key, expected: $0.value, found: nil) }
        return damage.sorted { $0.place < $1.place }
    }

    private static func difference(_ key: StateKey, expected: [UInt8]?, found: [UInt8]?) -> AuditDamage {
        AuditDamage(
            .state, key.text, expected: expected.map { Hash.sha256($0).hex } ?? "no value",
            found: found.map { Hash.sha256($0).hex })
    }

    /// Every page is on the way to some key.
    private func checkMap(_ replay: LogReplay, _ snapshot: any LogSnapshot) throws -> [AuditDamage] {
        let map = PagedMap(root: replay.map.root)
        let pages = SnapshotPages(snapshot, at: replay.sealedSize)
        let values = replay.state.values.map { (key: $0.key.mapKey, value: Optional(Hash.sha256($0.value))) }
            .sorted { $0.key < $1.key }
        var damaged: [MapPath: MapDamage] = [:]
        for start in stride(from: 0, to: values.count, by: Self.keysInGroup) {
            let group = values[start..<min(start + Self.keysInGroup, values.count)]
            do {
                try map.check(Array(group), reading: pages)
            } catch is MapDamage {
                // One by one, to find all that are damaged.
                for value in group {
                    do { try map.check([value], reading: pages) } catch let damage as MapDamage {
                        damaged[damage.path] = damage
                    }
                }
            }
        }
        return damaged.values.map { AuditDamage($0) }.sorted { $0.place < $1.place }
    }
}

extension AuditDamage {
    /// An entry that an index of the store has somewhere else, or not at all.
    fileprivate init(_ kind: Kind, _ place: String, _ index: UInt64, _ found: UInt64?) {
        self.init(kind, place, index: index, expected: "entry \(index)", found: found.map { "entry \($0)" })
    }

    /// A page of the state's map.
    fileprivate init(_ damage: MapDamage) {
        let (expected, found): (String?, String?) =
            switch damage.fault {
            case .missing: ("a page", nil)
            case .notEmpty: ("no page", "a page")
            case .malformed(let detail): ("a page", detail)
            case .otherHash(let expected, let found): (expected.hex, found.hex)
            case .otherCount(let expected, let found): ("\(expected) keys", "\(found) keys")
            case .otherValue(_, let expected, let found): (expected?.hex ?? "no value", found?.hex)
            }
        self.init(.map, "path \(damage.path)", expected: expected, found: found)
    }
}
