/// CBOR sequences (RFC 8742): items one after another, nothing between them.
public enum CBORSequence {
    /// Where each item of a sequence stands.
    ///
    /// Only the structure of the items is looked at (lengths, nesting, shortest form), enough to tell them apart;
    /// decode each one to know that it is sound.
    ///
    /// - Parameters:
    ///   - bytes: the whole sequence; no bytes are a sequence of no items.
    ///   - count: how many items there may be.
    ///   - limits: `items` bounds all data items of the whole sequence.
    /// - Throws: ``CBORError``, ``CBORError/tooManyItems(offset:limit:)`` if there are more than `count`.
    public static func ranges(
        in bytes: [UInt8], count: Int, limits: CBORLimits = CBORLimits(items: 1_000_000)
    ) throws(CBORError) -> [Range<Int>] {
        var reader = CBORReader(bytes, limits: limits, keyOrder: .any)
        var ranges: [Range<Int>] = []
        while !reader.isAtEnd {
            guard ranges.count < count else { throw .tooManyItems(offset: reader.offset, limit: count) }
            let start = reader.offset
            try reader.skip()
            ranges.append(start..<reader.offset)
        }
        return ranges
    }
}
