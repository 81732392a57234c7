import Foundation
import LMDB
import Testing

@Suite("Table of slots")
struct SlotTableTests {
    /// All candidates under a hash.
    private func candidates(_ hash: UInt64, in table: SlotTable) -> [UInt64] {
        var step = 0
        var found: [UInt64] = []
        while let number = table.candidate(under: hash, step: &step) { found.append(number) }
        return found
    }

    @Test("a number is found under its hash, and under no other")
    func found() throws {
        let table = try SlotTable(slotCount: 2000)
        func hash(_ number: UInt64) -> UInt64 { (number + 1) &* 0x9E37_79B9_7F4A_7C15 }
        for number in 0..<1000 as Range<UInt64> { #expect(table.add(number, under: hash(number))?.isNew == true) }
        for number in 0..<1000 as Range<UInt64> { #expect(candidates(hash(number), in: table) == [number]) }
        for number in 1000..<3000 as Range<UInt64> { #expect(candidates(hash(number), in: table) == []) }
    }

    @Test("numbers under one hash are all candidates, in the order in which they were added, round the end as well")
    func collisions() throws {
        let table = try SlotTable(slotCount: 8)
        for number in [7, 0, SlotTable.numberLimit - 1] {
            #expect(try #require(table.add(number, under: .max)).isNew)
        }
        #expect(candidates(.max, in: table) == [7, 0, SlotTable.numberLimit - 1])
        // The same place with another fingerprint.
        #expect(candidates(.max - 1, in: table) == [])
        #expect(table.add(7, under: .max)?.place == 7)
        #expect(table.add(0, under: .max)?.place == 0)
        #expect(table.add(0, under: .max)?.isNew == false)
    }

    @Test("a full table takes what it has already and nothing more, and a search in it ends")
    func full() throws {
        let table = try SlotTable(slotCount: 4)
        for number in 0..<4 as Range<UInt64> { #expect(table.add(number, under: number << 62)?.isNew == true) }
        #expect(table.add(4, under: 0) == nil)
        #expect(table.add(2, under: 2 << 62)?.isNew == false)
        #expect(candidates(5, in: table) == [])
    }

    @Test("whether any number lies under one of several hashes is what the searches say, one by one")
    func anyOf() throws {
        let table = try SlotTable(slotCount: 64)
        #expect(!table.hasCandidate(underAnyOf: [0, 1, .max]))
        // Three in one place, the last one two places on.
        let hashes: [UInt64] = [5, 6, 7]
        for hash in hashes { #expect(table.add(hash, under: hash)?.isNew == true) }
        for hash in hashes {
            #expect(table.hasCandidate(underAnyOf: [hash]))
            #expect(table.hasCandidate(underAnyOf: [1 << 60, .max, hash]))
        }
        #expect(!table.hasCandidate(underAnyOf: [8, 1 << 60, .max]))
        #expect(!table.hasCandidate(underAnyOf: []))
    }

    @Test("what is freed, the last first, leaves what was there before")
    func free() throws {
        let table = try SlotTable(slotCount: 16)
        let hashes = (0..<6).map { UInt64($0 % 2) << 60 | UInt64($0 % 3) }
        for number in 0..<3 { _ = table.add(UInt64(number), under: hashes[number]) }
        let before = hashes.map { candidates($0, in: table) }
        let places = try (3..<6).map { try #require(table.add(UInt64($0), under: hashes[$0])).place }
        #expect(hashes.map { candidates($0, in: table) } != before)
        for place in places.reversed() { table.free(place) }
        #expect(hashes.map { candidates($0, in: table) } == before)
        #expect((3..<6).allSatisfy { table.add(UInt64($0), under: hashes[$0])?.place == places[$0 - 3] })
    }

    @Test("in a file, two tables side by side are what another mapping of it sees")
    func inFile() throws {
        let scratch = try Scratch()
        let file = try StorageFile(creatingAt: scratch.path + "/slots")
        try file.allocate(3 * 4096, at: 0)
        #expect(try file.byteCount() == 3 * 4096)
        try file.write([1, 2, 3], at: 4094)
        #expect(try file.read(8192, at: 4094) == [1, 2, 3] + [UInt8](repeating: 0, count: 8189))
        #expect(try file.read(10, at: 3 * 4096 - 4).count == 4)
        try file.write([0], at: 4096)
        let first = try SlotTable(in: file, at: 4096, slotCount: 512)
        let second = try SlotTable(in: file, at: 8192, slotCount: 512)
        _ = first.add(11, under: .max)
        _ = second.add(22, under: 0)
        try file.syncData()
        let again = try StorageFile(existingAt: scratch.path + "/slots")
        #expect(candidates(.max, in: try SlotTable(in: again, at: 4096, slotCount: 512)) == [11])
        #expect(candidates(0, in: try SlotTable(in: again, at: 8192, slotCount: 512)) == [22])
        #expect(try again.read(16, at: 8184)[0..<8] == [12, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF])
    }

    @Test("who looks up while another adds finds what was added before")
    func concurrent() async throws {
        let table = try SlotTable(slotCount: 40_000)
        let count = AtomicCount()
        func hash(_ number: UInt64) -> UInt64 { (number + 1) &* 0x9E37_79B9_7F4A_7C15 }
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    var missed = 0
                    var seen: UInt64 = 0
                    while seen < 20_000 {
                        await Task.yield()
                        seen = count.value
                        for number in stride(from: 0, to: seen, by: 997) {
                            var step = 0
                            var isThere = false
                            while let found = table.candidate(under: (number + 1) &* 0x9E37_79B9_7F4A_7C15, step: &step)
                            {
                                if found == number { isThere = true }
                            }
                            if !isThere { missed += 1 }
                        }
                    }
                    return missed
                }
            }
            group.addTask {
                for number in 0..<20_000 as Range<UInt64> {
                    _ = table.add(number, under: (number + 1) &* 0x9E37_79B9_7F4A_7C15)
                    count.value = number + 1
                }
                return 0
            }
            for try await missed in group { #expect(missed == 0) }
        }
    }
}

/// `@unchecked`: the count is only touched with the lock held.
private final class AtomicCount: @unchecked Sendable {
    private let lock = NSLock()
    private var count: UInt64 = 0

    var value: UInt64 {
        get { lock.withLock { count } }
        set { lock.withLock { count = newValue } }
    }
}
