internal import LogStore
internal import Tlog

/// The commits that a transaction of LMDB does not see: those of the segments behind the fold that it sees, as one.
struct JournalSegments {
    /// The oldest first, at least one, each behind the one before it: a segment, and those that were begun since.
    private let all: [JournalSegment]

    init(_ all: [JournalSegment]) { self.all = all }

    /// The newest commit that is in the tables.
    var base: JournalBase { all[0].base }
    var newest: JournalHead { all[all.count - 1].newest }

    /// The rows that have the entries from `index` on, and maybe others before them, the oldest first.
    func rows(from index: UInt64) -> [JournaledRow] {
        let newest = all[all.count - 1]
        return all.count == 1 || index >= newest.base.head.head.size ? newest.rows : all.flatMap(\.rows)
    }

    // MARK: What is found in a segment or else in an older one

    private func first<T>(_ find: (JournalSegment) -> T?) -> T? {
        for segment in all.reversed() { if let found = find(segment) { return found } }
        return nil
    }

    /// The row of a tile as the tree of `size` entries has it; nil if the tables have it, or nothing has.
    func tileRow(_ coordinate: TileCoordinate, size: UInt64) -> ArraySlice<UInt8>? {
        first { $0.tiles.row(coordinate, size: size) }
    }

    /// The greatest size not above `size` at which a batch ended; nil if the tables have it.
    func sealedSize(atMost size: UInt64) -> UInt64? { first { $0.sealedSize(atMost: size) } }

    /// The newest version of a key that is not above `size`; nil if the tables have it.
    func version(
        of key: [UInt8], at size: UInt64, in table: (JournalSegment) -> JournaledVersions
    ) -> JournaledVersions.Version? { first { table($0).version(of: key, at: size) } }

    /// The newest entry of a list; nil if the tables have it.
    func newestEntry(of key: HashedBytes, in table: (JournalSegment) -> JournaledEntries) -> IndexTable.Entry? {
        first { table($0).newest(key) }
    }

    // MARK: What all of them have a part of

    /// How many tiles they change, one that several change counted for each.
    var tileCount: Int { all.reduce(0) { $0 + $1.tiles.count } }

    /// The sizes at which batches ended, ascending.
    var seals: [UInt64] { all.flatMap(\.seals) }

    /// The entries of a list that the tables have not, the newest last.
    func entries(of key: [UInt8], in table: (JournalSegment) -> JournaledEntries) -> [IndexTable.Entry] {
        all.flatMap { table($0).entries(key) }
    }

    /// The keys that begin with `prefix` and come behind `last`, with their values as of `size`, in the order of their names.
    func versions(
        prefix: [UInt8], after last: [UInt8]?, at size: UInt64, in table: (JournalSegment) -> JournaledVersions
    ) -> [MergedWalk.Version] {
        guard all.count > 1 else { return table(all[0]).versions(prefix: prefix, after: last, at: size) }
        var newest: [[UInt8]: MergedWalk.Version] = [:]
        for segment in all {
            for version in table(segment).versions(prefix: prefix, after: last, at: size) {
                newest[version.name] = version
            }
        }
        return newest.values.sorted { $0.name.lexicographicallyPrecedes($1.name) }
    }

    /// Of the checkpoints of the commits up to `number`, the one of the greatest size not above `size`; of several the newest.
    func checkpoint(atMost size: UInt64, number: UInt64) -> (size: UInt64, bytes: [UInt8])? {
        var found: (size: UInt64, bytes: [UInt8])?
        for segment in all {
            guard let checkpoint = segment.checkpoint(atMost: size, number: number) else { continue }
            if found.map({ $0.size <= checkpoint.size }) ?? true { found = checkpoint }
        }
        return found
    }
}
