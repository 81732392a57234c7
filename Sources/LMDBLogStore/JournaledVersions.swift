internal import LMDB
internal import Synchronization
internal import Tlog

/// What the commits of the journal change in a `VersionedTable`: versions of keys, in memory, until they are folded.
///
/// They are found by the size they begin at, so a snapshot at an older size reads what it must, whatever was added since.
final class JournaledVersions: Sendable {
    /// From `size` on the key has this value, or with nil is not there. Of one key the newest comes last.
    typealias Version = (size: UInt64, value: [UInt8]?)

    private let versions = Mutex<[HashedBytes: [Version]]>([:])

    func add(_ changes: JournalChanges.Values, at size: UInt64) {
        versions.withLock { versions in
            for (key, value) in changes { Self.add((size, value), to: &versions[key, default: []]) }
        }
    }

    private static func add(_ version: Version, to versions: inout [Version]) {
        // Of two changes of a key in a batch the later one counts.
        if versions.last?.size == version.size { versions.removeLast() }
        versions.append(version)
    }

    /// The newest version of a key that is not above `size`; nil if the tables have it.
    func version(of key: [UInt8], at size: UInt64) -> Version? {
        let key = HashedBytes(key)
        return versions.withLock { $0[key]?.last { $0.size <= size } }
    }

    /// The keys that begin with `prefix` and come behind `last`, with their values as of `size`, in the order of their
    /// names.
    func versions(
        prefix: [UInt8], after last: [UInt8]?, at size: UInt64
    ) -> [(name: [UInt8], key: [UInt8], value: [UInt8]?)] {
        let end = last.map { RowName($0).bytes }
        let found = versions.withLock { versions in
            versions.compactMap { key, versions in
                guard key.bytes.starts(with: prefix), let newest = versions.last(where: { $0.size <= size }) else {
                    return nil as (key: [UInt8], value: [UInt8]?)?
                }
                return (key.bytes, newest.value)
            }
        }
        return found.map { (RowName($0.key).bytes, $0.key, $0.value) }
            .filter { version in end.map { $0.lexicographicallyPrecedes(version.name) } ?? true }
            .sorted { $0.name.lexicographicallyPrecedes($1.name) }
    }

    var keyCount: Int { versions.withLock { $0.count } }

    /// Writes everything into the table, in the order of its rows, but for what nobody can ask for any more.
    func fold(into table: VersionedTable, retainedFrom: UInt64, _ transaction: WriteTransaction) throws {
        // Commits ask while this goes on, and wait for the lock.
        let versions = versions.withLock { $0 }
        let named = versions.map { (name: RowName($0.key.bytes), key: $0.key.bytes, versions: $0.value) }
        try transaction.withCursor(in: table.database) { cursor in
            for (name, key, versions) in named.sorted(by: { $0.name < $1.name }) {
                let first = versions.lastIndex { $0.size <= retainedFrom } ?? 0
                try table.set(key, name, to: versions[first...], retainedFrom: retainedFrom, &cursor)
            }
        }
    }
}
