/// What keys stood for as of each sealed size, in memory: the obvious form of what a store promises.
struct VersionedValues: Sendable {
    /// The versions of each key, the oldest first; nil where the key was removed.
    private var versions: [[UInt8]: [(size: UInt64, value: [UInt8]?)]] = [:]

    /// Number of versions, removals included.
    var versionCount: Int { versions.values.reduce(0) { $0 + $1.count } }

    /// Sets or removes a key as of `size`, and forgets the versions of it that nobody can ask for.
    mutating func set(_ key: [UInt8], to value: [UInt8]?, at size: UInt64, retainedFrom: UInt64) {
        var list = versions[key, default: []]
        if list.last?.size == size { list.removeLast() }
        if value != nil || list.last?.value != nil { list.append((size, value)) }
        // The newest of those that are not above the oldest retained size is still asked for; what is before it, not.
        if let base = list.lastIndex(where: { $0.size <= retainedFrom }) {
            list.removeFirst(list[base].value == nil ? base + 1 : base)
        }
        versions[key] = list.isEmpty ? nil : list
    }

    func value(_ key: [UInt8], at size: UInt64) -> [UInt8]? {
        versions[key]?.last { $0.size <= size }?.value
    }

    /// The keys that begin with `prefix` and come after `last`, in the order of their bytes.
    func keys(prefix: [UInt8], after last: [UInt8]?) -> [[UInt8]] {
        versions.keys.filter { key in
            key.starts(with: prefix) && last.map { $0.lexicographicallyPrecedes(key) } ?? true
        }.sorted { $0.lexicographicallyPrecedes($1) }
    }
}
