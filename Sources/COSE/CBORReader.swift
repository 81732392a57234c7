package import Tlog

/// The encoding of a text that is the key of a field, or a usual value: made once, compared with what is read.
package struct TextKey: Sendable {
    let encoding: [UInt8]

    package init(_ text: String) {
        var writer = CBORWriter(capacity: text.utf8.count + 9)
        writer.text(text)
        encoding = writer.bytes
    }
}

/// A cursor over encoded CBOR. Each step either returns what stands there and moves behind it, or throws.
package struct CBORReader {
    /// The first byte of an item and its argument (RFC 8949 section 3).
    package struct Head {
        package let majorType: UInt8
        package let argument: UInt64
        /// Where the item starts.
        package let offset: Int
    }

    let bytes: [UInt8]
    let limits: CBORLimits
    let keyOrder: CBORKeyOrder
    private(set) var offset: Int
    let end: Int
    private var itemsLeft: Int

    package init(_ bytes: [UInt8], limits: CBORLimits = .default, keyOrder: CBORKeyOrder = .deterministic) {
        self.init(bytes, in: 0..<bytes.count, limits: limits, keyOrder: keyOrder)
    }

    /// Reads a part of the bytes; offsets in errors are those of the whole.
    package init(_ bytes: [UInt8], in range: Range<Int>, limits: CBORLimits, keyOrder: CBORKeyOrder) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        self.bytes = bytes
        self.limits = limits
        self.keyOrder = keyOrder
        offset = range.lowerBound
        end = range.upperBound
        itemsLeft = limits.items
    }

    var isAtEnd: Bool { offset == end }

    package func finish() throws(CBORError) {
        guard isAtEnd else { throw .trailingBytes(offset: offset) }
    }

    package mutating func head() throws(CBORError) -> Head {
        let start = offset
        guard start < end else { throw .endOfInput(offset: start) }
        let initial = bytes[start]
        let majorType = initial >> 5
        let information = initial & 31
        offset = start + 1
        if information < 24 {
            if majorType == 7 { try Self.checkSimple(information, at: start) }
            return Head(majorType: majorType, argument: UInt64(information), offset: start)
        }
        if majorType == 7 { throw Self.refusal(ofSimple: information, at: start) }
        guard information < 28 else {
            throw information == 31 ? .indefiniteLength(offset: start) : .reserved(offset: start)
        }
        let width = 1 << Int(information - 24)
        guard width <= end - offset else { throw .endOfInput(offset: end) }
        var argument: UInt64 = 0
        for position in offset..<offset + width {
            argument = argument << 8 | UInt64(bytes[position])
        }
        offset += width
        // "The argument […] MUST be as short as possible" (RFC 8949 section 4.2.1).
        let least: UInt64 = width == 1 ? 24 : 1 << UInt64(4 * width)
        guard argument >= least else { throw .notShortest(offset: start) }
        return Head(majorType: majorType, argument: argument, offset: start)
    }

    private static func checkSimple(_ value: UInt8, at offset: Int) throws(CBORError) {
        guard (20...22).contains(value) else { throw .simpleValue(offset: offset) }
    }

    private static func refusal(ofSimple information: UInt8, at offset: Int) -> CBORError {
        switch information {
        case 24: .simpleValue(offset: offset)
        case 25...27: .floatingPoint(offset: offset)
        case 31: .indefiniteLength(offset: offset)
        default: .reserved(offset: offset)
        }
    }

    /// The place of a string's content; the cursor moves behind it.
    mutating func content(of head: Head) throws(CBORError) -> Range<Int> {
        guard head.argument <= UInt64(end - offset) else {
            throw .lengthBeyondInput(offset: head.offset, length: head.argument)
        }
        let range = offset..<offset + Int(head.argument)
        offset = range.upperBound
        return range
    }

    /// The number of items that an array or map announces; each takes at least one byte, so a number beyond the
    /// rest of the input is refused here, before anything is reserved for it.
    private mutating func itemCount(of head: Head) throws(CBORError) -> Int {
        let (items, overflow) = head.argument.multipliedReportingOverflow(by: head.majorType == 5 ? 2 : 1)
        guard !overflow, items <= UInt64(end - offset) else {
            throw .lengthBeyondInput(offset: head.offset, length: head.argument)
        }
        return Int(items)
    }

    private mutating func charge(_ count: Int, at offset: Int) throws(CBORError) {
        guard count <= itemsLeft else { throw .tooManyItems(offset: offset, limit: limits.items) }
        itemsLeft -= count
    }

    package mutating func byteString() throws(CBORError) -> Range<Int> {
        let head = try head()
        guard head.majorType == 2 else { throw .unexpectedType(offset: head.offset) }
        return try content(of: head)
    }

    /// The hash that a byte string is; nil for one that has not 32 bytes.
    package mutating func hash() throws(CBORError) -> Hash? {
        let range = try byteString()
        return range.count == Hash.byteCount ? Hash(in: bytes, at: range.lowerBound) : nil
    }

    package mutating func arrayHead() throws(CBORError) -> Int {
        let head = try head()
        guard head.majorType == 4 else { throw .unexpectedType(offset: head.offset) }
        return try itemCount(of: head)
    }

    /// Moves behind an empty map, if one stands here.
    mutating func skipEmptyMap() -> Bool { skip(0xa0) }

    /// The next item, whole.
    package mutating func item() throws(CBORError) -> CBOR {
        try charge(1, at: offset)
        return try nested(depth: 1)
    }

    /// One item that has been charged for.
    private mutating func nested(depth: Int) throws(CBORError) -> CBOR {
        guard depth <= limits.depth else { throw .tooDeep(offset: offset, limit: limits.depth) }
        let head = try head()
        switch head.majorType {
        case 0: return .unsigned(head.argument)
        case 1: return .negative(head.argument)
        case 2: return .bytes(Array(bytes[try content(of: head)]))
        case 3: return .text(try text(of: head))
        case 4:
            let count = try itemCount(of: head)
            try charge(count, at: head.offset)
            var elements: [CBOR] = []
            elements.reserveCapacity(count)
            for _ in 0..<count { elements.append(try nested(depth: depth + 1)) }
            return .array(elements)
        case 5: return .map(try map(of: head, depth: depth))
        case 6:
            try charge(1, at: head.offset)
            return .tagged(head.argument, try nested(depth: depth + 1))
        default: return head.argument == 22 ? .null : .bool(head.argument == 21)
        }
    }

    /// The place of the next item; the cursor moves behind it. Refuses what ``item()`` refuses, for the same reason, and
    /// builds nothing. Only where keys must be in the deterministic order.
    package mutating func checkedItem() throws(CBORError) -> Range<Int> {
        precondition(keyOrder == .deterministic, "keys in any order are compared when they are sorted")
        let start = offset
        try charge(1, at: start)
        try check(depth: 1)
        return start..<offset
    }

    /// One item that has been charged for.
    private mutating func check(depth: Int) throws(CBORError) {
        guard depth <= limits.depth else { throw .tooDeep(offset: offset, limit: limits.depth) }
        let head = try head()
        switch head.majorType {
        case 2: _ = try content(of: head)
        case 3: try checkText(of: head)
        case 4:
            let count = try itemCount(of: head)
            try charge(count, at: head.offset)
            for _ in 0..<count { try check(depth: depth + 1) }
        case 5:
            let items = try itemCount(of: head)
            try charge(items, at: head.offset)
            var last: Range<Int>?
            for _ in 0..<items / 2 {
                let start = offset
                try check(depth: depth + 1)
                try checkOrder(of: start..<offset, after: last)
                last = start..<offset
                try check(depth: depth + 1)
            }
        case 6:
            try charge(1, at: head.offset)
            try check(depth: depth + 1)
        default: break
        }
    }

    /// "The keys in every map MUST be sorted in the bytewise lexicographic order of their deterministic encodings"
    /// (RFC 8949 section 4.2.1), and these are their encodings. None is the beginning of another.
    private func checkOrder(of key: Range<Int>, after last: Range<Int>?) throws(CBORError) {
        guard let last else { return }
        for (one, other) in zip(last, key) where bytes[one] != bytes[other] {
            guard bytes[one] < bytes[other] else { throw .keyOrder(offset: key.lowerBound) }
            return
        }
        throw .duplicateKey(offset: key.lowerBound)
    }

    /// An unsigned integer, and nothing else.
    package mutating func unsigned() throws(CBORError) -> UInt64 {
        let head = try head()
        guard head.majorType == 0 else { throw .unexpectedType(offset: head.offset) }
        return head.argument
    }

    /// A text, and nothing else.
    package mutating func text() throws(CBORError) -> String {
        let head = try head()
        guard head.majorType == 3 else { throw .unexpectedType(offset: head.offset) }
        return try text(of: head)
    }

    /// The head of a map, and how many entries follow.
    package mutating func mapHead() throws(CBORError) -> Int {
        let head = try head()
        guard head.majorType == 5 else { throw .unexpectedType(offset: head.offset) }
        return try itemCount(of: head) / 2
    }

    /// Moves behind one byte, if it stands here: a key of one byte, or a null.
    package mutating func skip(_ byte: UInt8) -> Bool {
        guard offset < end, bytes[offset] == byte else { return false }
        offset += 1
        return true
    }

    /// Moves behind a text, if it stands here.
    package mutating func skip(_ text: TextKey) -> Bool {
        let text = text.encoding
        guard end - offset >= text.count else { return false }
        for position in text.indices where bytes[offset + position] != text[position] { return false }
        offset += text.count
        return true
    }

    private mutating func text(of head: Head) throws(CBORError) -> String {
        let range = try content(of: head)
        do {
            return String(copying: try UTF8Span(validating: bytes.span.extracting(range)))
        } catch {
            throw .invalidUTF8(offset: head.offset)
        }
    }

    private mutating func checkText(of head: Head) throws(CBORError) {
        let range = try content(of: head)
        do {
            _ = try UTF8Span(validating: bytes.span.extracting(range))
        } catch {
            throw .invalidUTF8(offset: head.offset)
        }
    }

    private mutating func map(of head: Head, depth: Int) throws(CBORError) -> CBORMap {
        let items = try itemCount(of: head)
        try charge(items, at: head.offset)
        var entries: [CBORMap.Entry] = []
        entries.reserveCapacity(items / 2)
        var last: Range<Int>?
        for _ in 0..<items / 2 {
            let start = offset
            let key = try nested(depth: depth + 1)
            if keyOrder == .deterministic {
                try checkOrder(of: start..<offset, after: last)
                last = start..<offset
            }
            entries.append(CBORMap.Entry(key: key, value: try nested(depth: depth + 1)))
        }
        switch keyOrder {
        case .deterministic: return CBORMap(sorted: entries)
        case .any: return try CBORMap(sorting: entries, offset: head.offset)
        }
    }

    /// Moves behind the next item without building it. Its structure is checked; the content of texts and the keys
    /// of maps are not.
    mutating func skip() throws(CBORError) {
        var pending = 1
        while pending > 0 {
            pending -= 1
            try charge(1, at: offset)
            let head = try head()
            switch head.majorType {
            case 2, 3: _ = try content(of: head)
            case 4, 5: pending += try itemCount(of: head)
            case 6: pending += 1
            default: break
            }
        }
    }
}

extension CBOR {
    /// Decodes one item that takes all of the bytes.
    ///
    /// - Parameters:
    ///   - bytes: the encoding.
    ///   - limits: bounds on depth and number of items.
    ///   - keyOrder: whether maps must be in the deterministic order.
    /// - Throws: ``CBORError`` for anything but the shortest, definite-length encoding of one item.
    public init(
        decoding bytes: [UInt8], limits: CBORLimits = .default, keyOrder: CBORKeyOrder = .deterministic
    ) throws(CBORError) {
        var reader = CBORReader(bytes, limits: limits, keyOrder: keyOrder)
        self = try reader.item()
        try reader.finish()
    }
}
