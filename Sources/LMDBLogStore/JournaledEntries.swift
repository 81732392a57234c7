internal import LMDB
internal import Synchronization
internal import Tlog

/// What the commits of the journal add to an `IndexTable`: entries of lists, in memory, until they are folded.
final class JournaledEntries: Sendable {
    typealias Entry = IndexTable.Entry

    private let lists = Mutex<[HashedBytes: [Entry]]>([:])

    func add(_ added: JournalChanges.Lists) {
        lists.withLock { lists in
            for (key, entries) in added { lists[key, default: []].append(contentsOf: entries) }
        }
    }

    /// The newest entry of a list; nil if the tables have it.
    func newest(_ key: HashedBytes) -> Entry? { lists.withLock { $0[key]?.last } }

    /// The entries of a list that the tables have not, the newest last.
    func entries(_ key: [UInt8]) -> [Entry] {
        let key = HashedBytes(key)
        return lists.withLock { $0[key] ?? [] }
    }

    var keyCount: Int { lists.withLock { $0.count } }

    /// Adds everything to the table, in the order of its rows.
    func fold(into table: IndexTable, _ transaction: WriteTransaction) throws {
        // Commits ask while this goes on, and wait for the lock.
        let lists = lists.withLock { $0 }
        let named = lists.map { (name: RowName($0.key.bytes), entries: $0.value) }
        for (name, entries) in named.sorted(by: { $0.name < $1.name }) {
            try table.add(entries, to: name, transaction)
        }
    }
}
