internal import Glibc
internal import Synchronization

/// A hash table of numbers in mapped memory, which is a file's or nobody's: any number of threads look up while one adds.
///
/// It has no keys: a number lies in the first free of the slots that follow the place of its 64-bit hash, with 24 bits of
/// that hash. So a look-up answers *candidates*, of which the caller knows which one he means. A slot is one word, written at
/// once; a number that was added before a look-up began is among its answers.
///
/// `@unchecked`: the memory is there as long as this object, and all of it is read and written as atomics.
@safe
public final class SlotTable: @unchecked Sendable {
    /// Numbers are below this.
    public static let numberLimit: UInt64 = 1 << 40 - 1
    /// Bytes of a slot: the fingerprint in the high 24 bits, the number plus one in the low 40; zero is a free slot.
    public static let slotByteCount = 8

    public let slotCount: Int
    private let slots: UnsafeMutablePointer<Atomic<UInt64>>

    /// A table in memory, empty.
    public convenience init(slotCount: Int) throws(SystemCallError) {
        try self.init(slotCount, flags: MAP_PRIVATE | MAP_ANONYMOUS, descriptor: -1, offset: 0, path: "memory")
        // A page that is looked up in before it has a number is at first the one of zeros that all share, and is copied at
        // its first number, which stops every thread. So all are made now, huge ones where the system has them. Where it
        // knows none of this (before Linux 5.14), they come one by one.
        let byteCount = slotCount * Self.slotByteCount
        unsafe _ = madvise(slots, byteCount, MADV_HUGEPAGE)
        unsafe _ = madvise(slots, byteCount, MADV_POPULATE_WRITE)
    }

    /// The table that lies in a file from `offset` on, a multiple of the page size. The file must have these bytes, on the
    /// disk too (see `StorageFile.allocate`): the system ends a process that touches what is not there (SIGBUS).
    public convenience init(in file: StorageFile, at offset: Int, slotCount: Int) throws(SystemCallError) {
        try self.init(
            slotCount, flags: MAP_SHARED, descriptor: file.descriptor, offset: offset, path: file.path)
    }

    private init(_ slotCount: Int, flags: Int32, descriptor: Int32, offset: Int, path: String) throws(SystemCallError) {
        precondition(slotCount > 0, "a table without slots")
        let mapped = unsafe mmap(
            nil, slotCount * Self.slotByteCount, PROT_READ | PROT_WRITE, flags, descriptor, offset)
        guard let mapped = unsafe mapped, unsafe mapped != MAP_FAILED else { throw SystemCallError("mmap", path) }
        self.slotCount = slotCount
        unsafe slots = unsafe mapped.assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    deinit {
        unsafe _ = munmap(slots, slotCount * Self.slotByteCount)
    }

    // MARK: Reading

    /// The next number that may lie under this hash; nil if there is none any more.
    ///
    /// - Parameter step: how far the search has come: 0 at first, then as the call before left it.
    public func candidate(under hash: UInt64, step: inout Int) -> UInt64? {
        let first = place(of: hash)
        while step < slotCount {
            let slot = load((first, step))
            step += 1
            if slot == 0 {
                step = slotCount
            } else if slot >> 40 == hash & Self.fingerprintMask {
                return slot & Self.numberMask - 1
            }
        }
        return nil
    }

    /// Whether any number may lie under one of these hashes.
    public func hasCandidate(underAnyOf hashes: [UInt64]) -> Bool {
        // All places first, whatever is in them, so that the processor fetches them side by side: each lies elsewhere in
        // memory, and a search that has to see one before it knows where to look next waits for each.
        var seen: UInt64 = 0
        for hash in hashes { seen |= load((place(of: hash), 0)) }
        guard seen != 0 else { return false }
        return hashes.contains { hash in
            var step = 0
            return candidate(under: hash, step: &step) != nil
        }
    }

    // MARK: Writing: one thread at a time

    /// Adds a number under a hash, unless it is there already.
    ///
    /// - Returns: its place, and whether it is new; nil if all slots are taken.
    public func add(_ number: UInt64, under hash: UInt64) -> (place: Int, isNew: Bool)? {
        precondition(number < Self.numberLimit, "number \(number) in a slot of 40 bits")
        let first = place(of: hash)
        let added = (hash & Self.fingerprintMask) << 40 | (number + 1)
        for step in 0..<slotCount {
            let slot = load((first, step))
            if slot == added { return (position((first, step)), false) }
            guard slot == 0 else { continue }
            unsafe slots[position((first, step))].store(added, ordering: .releasing)
            return (position((first, step)), true)
        }
        return nil
    }

    /// Frees a slot. What was added after it must be freed before, the last one first: another number may lie where it
    /// does because this slot was taken.
    public func free(_ place: Int) {
        precondition(place >= 0 && place < slotCount)
        unsafe slots[place].store(0, ordering: .releasing)
    }

    // MARK: Places

    private static let fingerprintMask: UInt64 = 1 << 24 - 1
    private static let numberMask: UInt64 = 1 << 40 - 1

    /// By the high bits of the hash; the fingerprint is the low ones.
    private func place(of hash: UInt64) -> Int { Int(hash.multipliedFullWidth(by: UInt64(slotCount)).high) }

    private func position(_ search: (first: Int, step: Int)) -> Int {
        let position = search.first + search.step
        return position < slotCount ? position : position - slotCount
    }

    private func load(_ search: (first: Int, step: Int)) -> UInt64 {
        unsafe slots[position(search)].load(ordering: .acquiring)
    }
}

/// Between what a reader has learned from the store and what it looks up next, and between what a writer adds and its
/// commit: neither is put before the other.
public func orderSlots() {
    atomicMemoryFence(ordering: .acquiringAndReleasing)
}
