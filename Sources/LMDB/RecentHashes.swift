internal import Synchronization

/// Hashes that were put in lately: each has one place, and takes it from the one before. Any number of threads put in and ask.
///
/// It forgets, but never has what was not put in.
///
/// `@unchecked`: the memory is there as long as this object, and all of it is read and written as atomics.
@safe
public final class RecentHashes: @unchecked Sendable {
    /// Places: half a megabyte, ten times what a busy log has under way.
    private static let count = 1 << 16

    /// Zero is a free place: that hash is never had.
    private let places: UnsafeMutablePointer<Atomic<UInt64>>

    public init() {
        unsafe places = .allocate(capacity: Self.count)
        for place in 0..<Self.count { unsafe (places + place).initialize(to: Atomic(0)) }
    }

    deinit {
        unsafe places.deinitialize(count: Self.count)
        unsafe places.deallocate()
    }

    public func insert(_ hash: UInt64) {
        unsafe places[Self.place(of: hash)].store(hash, ordering: .releasing)
    }

    public func contains(_ hash: UInt64) -> Bool {
        unsafe hash != 0 && places[Self.place(of: hash)].load(ordering: .acquiring) == hash
    }

    private static func place(of hash: UInt64) -> Int { Int(hash % UInt64(count)) }
}
