/// A CBOR map: entries in the bytewise order of their encoded keys (RFC 8949 section 4.2.1), no key twice.
public struct CBORMap: Sendable, Hashable {
    /// One key and its value.
    public struct Entry: Sendable, Hashable {
        public let key: CBOR
        public let value: CBOR

        public init(key: CBOR, value: CBOR) {
            self.key = key
            self.value = value
        }
    }

    /// The entries in their order.
    public private(set) var entries: [Entry]

    /// A map without entries.
    public init() {
        entries = []
    }

    /// A map of these pairs, given in any order. A key given twice is a programming error and traps; for pairs
    /// that come from outside, use ``init(checking:)``.
    public init(_ pairs: some Sequence<(CBOR, CBOR)>) {
        do throws(CBORError) {
            try self.init(checking: pairs)
        } catch {
            preconditionFailure("a CBOR map names a key twice")
        }
    }

    /// A map of these pairs, given in any order.
    ///
    /// - Throws: ``CBORError/duplicateKey(offset:)`` with the offset 0 if a key is given twice.
    public init(checking pairs: some Sequence<(CBOR, CBOR)>) throws(CBORError) {
        try self.init(sorting: pairs.map { Entry(key: $0.0, value: $0.1) }, offset: 0)
    }

    /// Sorts the entries and refuses a key that is there twice.
    init(sorting unsorted: [Entry], offset: Int) throws(CBORError) {
        entries = unsorted.sorted { $0.key.order(to: $1.key) == .before }
        for (entry, next) in zip(entries, entries.dropFirst()) where entry.key == next.key {
            throw .duplicateKey(offset: offset)
        }
    }

    /// Entries that the decoder found in order.
    init(sorted entries: [Entry]) {
        self.entries = entries
    }

    public var count: Int { entries.count }
    public var isEmpty: Bool { entries.isEmpty }

    /// The keys in their order.
    public var keys: some Sequence<CBOR> { entries.lazy.map(\.key) }

    /// The value of a key; setting `nil` removes the key.
    public subscript(key: CBOR) -> CBOR? {
        get {
            let position = position(of: key)
            guard position < entries.count, entries[position].key == key else { return nil }
            return entries[position].value
        }
        set {
            let position = position(of: key)
            let isPresent = position < entries.count && entries[position].key == key
            switch (newValue, isPresent) {
            case (let value?, true): entries[position] = Entry(key: key, value: value)
            case (let value?, false): entries.insert(Entry(key: key, value: value), at: position)
            case (nil, true): entries.remove(at: position)
            case (nil, false): break
            }
        }
    }

    /// The first position whose key is not before this one.
    private func position(of key: CBOR) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].key.order(to: key) == .before {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }
}

extension CBORMap: ExpressibleByDictionaryLiteral {
    /// A literal that names a key twice is a programming error and traps.
    public init(dictionaryLiteral elements: (CBOR, CBOR)...) {
        self.init(elements)
    }
}
