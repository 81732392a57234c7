import LMDB
import Testing
import Tlog

@testable import LMDBLogStore
@testable import LogStore

/// What a store gives up, when, and how much at a time.
@Suite("Retention of old states")
struct RetentionTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test("versions that nobody can ask for are removed when their key is written again, and only those")
    func superseded() throws {
        var log = GrowingLog()
        let store = try scratch.store {
            $0.retainedSeals = 5
            $0.journalCommits = 0
        }
        for round in 0..<20 {
            var batch = log.nextBatch(1)
            batch.state = [([1], [UInt8(round)])]
            batch.mapPages = [([], [UInt8(round)])]
            // Written at the beginning, in the middle, and at the end.
            if [0, 10, 19].contains(round) { batch.state.append(([2], [UInt8(round)])) }
            if round == 0 { batch.state.append(([3], [3])) }
            try log.commit(batch, to: store)
        }
        try store.read { snapshot throws in
            for size in UInt64(16)...20 {
                #expect(try snapshot.stateValue([1], at: size) == [UInt8(size - 1)])
                #expect(try snapshot.stateValue([2], at: size) == [size == 20 ? 19 : 10])
            }
        }
        store.close()
        // Five of the first key, two of the second, one of the third.
        #expect(try rowCount("state") == 8)
        #expect(try rowCount("pages") == 5)
        #expect(try rowCount("seals") == 20)
    }

    @Test("a removed key leaves nothing behind once it is written again after its removal was given up")
    func removedKeys() throws {
        var log = GrowingLog()
        let store = try scratch.store {
            $0.retainedSeals = 3
            $0.journalCommits = 0
        }
        func commit(_ changes: (key: [UInt8], value: [UInt8]?)...) throws {
            var batch = log.nextBatch(1)
            batch.state = changes
            try log.commit(batch, to: store)
        }
        try commit(([1], [1]), ([2], [2]))
        try commit(([1], nil))
        for _ in 0..<5 { try commit() }
        // Gone at every retained size: neither the removal nor what it removed is needed below a new value.
        try commit(([1], [3]))
        try commit(([1], nil))
        for _ in 0..<5 { try commit() }
        try commit(([1], nil), ([4], nil), ([5], nil))
        store.close()
        // The value of the second key; of the first what it was written with last: a value and its removal.
        #expect(try rowCount("state") == 3)
    }

    @Test("with one sealed size only the newest versions are kept, and removed keys leave no row")
    func headOnly() throws {
        var log = GrowingLog()
        let store = try scratch.store {
            $0.retainedSeals = 1
            $0.journalCommits = 0
        }
        for round in 0..<10 {
            var batch = log.nextBatch(1)
            batch.state = [([1], [UInt8(round)]), ([2], round % 2 == 0 ? [1] : nil)]
            try log.commit(batch, to: store)
        }
        #expect(try store.read { try $0.retainedStateFrom } == 10)
        store.close()
        #expect(try rowCount("state") == 1)
    }

    @Test("one change removes a few versions at most, and the rest goes with the next ones")
    func boundedRemovals() throws {
        var log = GrowingLog()
        func open(retaining seals: Int) throws -> LMDBLogStore {
            try scratch.store {
                $0.retainedSeals = seals
                $0.journalCommits = 0
            }
        }
        var store = try open(retaining: 1000)
        func write(_ value: UInt8) throws {
            var batch = log.nextBatch(1)
            batch.state = [([1], [value])]
            try log.commit(batch, to: store)
        }
        for round in 0..<30 { try write(UInt8(round)) }
        var rows = 30
        for round in 0..<5 {
            store.close()
            #expect(try rowCount("state") == rows)
            store = try open(retaining: 1)
            try write(UInt8(round))
            #expect(try store.read { try $0.stateValue([1]) } == [UInt8(round)])
            rows = max(1, rows + 1 - VersionedTable.maxRemovals)
        }
        #expect(rows == 1)
    }

    @Test("fewer sizes are kept from the next commit on, and those given up do not come back")
    func changedNumber() throws {
        var history = StateHistory(seed: 8)
        for (retained, expected) in [(100, 20), (7, 7), (12, 12), (100, 32)] {
            let store = try scratch.store { $0.retainedSeals = retained }
            // Nothing is lost by opening.
            let before = try store.read { try $0.retainedStateFrom }
            for round in 0..<20 {
                try history.grow(store)
                let from = try store.read { try $0.retainedStateFrom }
                #expect(from >= before)
                if round == 0, retained == 7 { #expect(from == history.sizes.suffix(7).first) }
            }
            try store.read { snapshot throws in
                let kept = history.sizes.suffix(expected)
                #expect(try snapshot.retainedStateFrom == kept.first)
                for size in kept {
                    for key in StateHistory.keys {
                        #expect(try snapshot.stateValue(key, at: size) == history.state[size]?[key])
                    }
                }
            }
            store.close()
        }
    }

    @Test("in memory, as many versions are kept")
    func inMemory() {
        var values = VersionedValues()
        for size in UInt64(1)...20 {
            let retained = size > 5 ? size - 4 : 1
            values.set([1], to: [UInt8(size)], at: size, retainedFrom: retained)
            if [1, 10, 20].contains(size) { values.set([2], to: [1], at: size, retainedFrom: retained) }
        }
        #expect(values.versionCount == 7)
        values.set([2], to: nil, at: 30, retainedFrom: 30)
        #expect(values.versionCount == 5)
    }

    @Test("a store is opened in the time that its head takes: no key of the state is read")
    func opening() throws {
        var log = GrowingLog()
        let store = try scratch.store { $0.journalCommits = 0 }
        var batch = log.nextBatch(1)
        batch.state = [([1], [1])]
        try log.commit(batch, to: store)
        store.close()
        try edit { try $0.put([99], for: [1, 2, 3], in: $1("state")) }
        let damaged = try scratch.store()
        #expect(try damaged.read { try $0.head } == log.head)
        #expect(code { try damaged.read { try $0.forEachState { _, _ in } } } == .corrupt)
    }

    @Test("a version that says nothing that is known is damage")
    func damage() throws {
        var log = GrowingLog()
        let store = try scratch.store { $0.journalCommits = 0 }
        var batch = log.nextBatch(1)
        let long = [UInt8](repeating: 5, count: 2000)
        batch.state = [([1], [1]), (long, [2])]
        try log.commit(batch, to: store)
        store.close()
        let rows: [([UInt8], [UInt8])] = [
            (RowName([1]).row(1), [9]), (RowName([1]).row(1), []), (RowName([1]).row(1), [2, 0, 0, 0, 1, 1]),
            (RowName(long).row(1), [1, 7]), (RowName(long).row(1), [2, 0, 0]),
            (RowName(long).row(1), [2, 0, 0, 0, 1, 5, 7]),
        ]
        for (row, value) in rows {
            try edit { try $0.put(value, for: row, in: $1("state")) }
            let damaged = try scratch.store()
            let key = row == RowName([1]).row(1) ? [1] : long
            #expect(code { _ = try damaged.read { try $0.stateValue(key) } } == .corrupt)
            damaged.close()
        }
    }

    private func rowCount(_ name: String) throws -> Int {
        let environment = try Environment(directory: scratch.log)
        let database = try #require(try environment.database(name))
        return try environment.read { try $0.statistics(of: database).entryCount }
    }

    private func edit(_ body: (WriteTransaction, (String) throws -> Database) throws -> some Any) throws {
        let environment = try Environment(directory: scratch.log)
        try environment.write { transaction in
            _ = try body(transaction) { try transaction.createDatabase($0) }
        }
    }
}
