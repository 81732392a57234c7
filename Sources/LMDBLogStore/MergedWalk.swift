/// A walk over the keys of a table, among which those of the journal come in their places, and instead of those that have
/// the same name.
struct MergedWalk {
    typealias Version = (name: [UInt8], key: [UInt8], value: [UInt8]?)

    private var journaled: ArraySlice<Version>
    private var isEnded = false

    /// - Parameter journaled: in the order of their names.
    init(_ journaled: [Version]) { self.journaled = journaled[...] }

    /// Passes on what comes before the table's next key, and that key if the journal has nothing newer.
    mutating func show(
        _ key: [UInt8], _ value: [UInt8], to body: (_ key: [UInt8], _ value: [UInt8]) throws -> Bool
    ) throws -> Bool {
        var isNewer = false
        if !journaled.isEmpty {
            let name = RowName(key).bytes
            try pass(to: body) { $0.name.lexicographicallyPrecedes(name) }
            if !isEnded, let first = journaled.first, first.name == name {
                isNewer = true
                try pass(to: body) { $0.name == name }
            }
        }
        if !isEnded, !isNewer { isEnded = try !body(key, value) }
        return !isEnded
    }

    /// Passes on what comes behind the table's last key.
    mutating func finish(_ body: (_ key: [UInt8], _ value: [UInt8]) throws -> Bool) throws {
        try pass(to: body) { _ in true }
    }

    private mutating func pass(
        to body: (_ key: [UInt8], _ value: [UInt8]) throws -> Bool, while isDue: (Version) -> Bool
    ) throws {
        while !isEnded, let version = journaled.first, isDue(version) {
            journaled.removeFirst()
            if let value = version.value { isEnded = try !body(version.key, value) }
        }
    }
}
