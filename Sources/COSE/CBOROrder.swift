/// The order of RFC 8949 section 4.2.1, found without encoding anything.
///
/// "The keys in every map MUST be sorted in the bytewise lexicographic order of their deterministic encodings."
/// An item's head is its major type and a shortest argument. Bytewise, heads of one major type are in the order of
/// their arguments, because a longer argument is announced by a greater additional information. So encodings
/// compare as (major type, argument, content), content element by element.
enum CBOROrder {
    case before, same, after

    init<Value: Comparable>(_ left: Value, _ right: Value) {
        self = left < right ? .before : left == right ? .same : .after
    }

    /// Lexicographic order of two sequences of which neither is a proper prefix of the other.
    init<Left: Sequence<UInt8>, Right: Sequence<UInt8>>(bytes left: Left, _ right: Right) {
        var others = right.makeIterator()
        for byte in left {
            guard let other = others.next() else {
                self = .after
                return
            }
            if byte != other {
                self = byte < other ? .before : .after
                return
            }
        }
        self = others.next() == nil ? .same : .before
    }
}

extension CBOR {
    /// Major type (RFC 8949 section 3.1), 0 to 7.
    var majorType: UInt8 {
        switch self {
        case .unsigned: 0
        case .negative: 1
        case .bytes: 2
        case .text: 3
        case .array: 4
        case .map: 5
        case .tagged: 6
        case .bool, .null: 7
        }
    }

    /// The argument of the head (RFC 8949 section 3).
    var argument: UInt64 {
        switch self {
        case .unsigned(let value), .negative(let value): value
        case .bytes(let value): UInt64(value.count)
        case .text(let value): UInt64(value.utf8.count)
        case .array(let value): UInt64(value.count)
        case .map(let value): UInt64(value.count)
        case .tagged(let tag, _): tag
        case .bool(let value): value ? 21 : 20
        case .null: 22
        }
    }

    /// Where this item's encoding sorts relative to another's.
    func order(to other: CBOR) -> CBOROrder {
        let byType = CBOROrder(majorType, other.majorType)
        guard byType == .same else { return byType }
        let byArgument = CBOROrder(argument, other.argument)
        guard byArgument == .same else { return byArgument }
        switch (self, other) {
        case (.bytes(let left), .bytes(let right)):
            return CBOROrder(bytes: left, right)
        case (.text(let left), .text(let right)):
            return CBOROrder(bytes: left.utf8, right.utf8)
        case (.array(let left), .array(let right)):
            for (one, another) in zip(left, right) {
                let order = one.order(to: another)
                guard order == .same else { return order }
            }
            return .same
        case (.map(let left), .map(let right)):
            for (one, another) in zip(left.entries, right.entries) {
                let byKey = one.key.order(to: another.key)
                guard byKey == .same else { return byKey }
                let byValue = one.value.order(to: another.value)
                guard byValue == .same else { return byValue }
            }
            return .same
        case (.tagged(_, let left), .tagged(_, let right)):
            return left.order(to: right)
        default:
            return .same
        }
    }
}
