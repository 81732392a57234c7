/// One CBOR data item (RFC 8949), of the part of CBOR that Holdfast uses.
///
/// Left out, and refused by the decoder: floating-point numbers, `undefined`, other simple values and
/// indefinite lengths. What is left has exactly one encoding, ``encoded()``, the deterministic one of
/// RFC 8949 section 4.2.1, so equal values have equal bytes and the other way round.
///
/// Texts are compared by their UTF-8 bytes, not by Swift's canonical equivalence: `"é"` written as one
/// scalar and as two are different items, as they are different bytes.
public enum CBOR: Sendable {
    /// Major type 0.
    case unsigned(UInt64)
    /// Major type 1: the number −1 − n.
    case negative(UInt64)
    /// Major type 2.
    case bytes([UInt8])
    /// Major type 3.
    case text(String)
    /// Major type 4.
    case array([CBOR])
    /// Major type 5.
    case map(CBORMap)
    /// Major type 6.
    indirect case tagged(UInt64, CBOR)
    /// Simple values 20 and 21.
    case bool(Bool)
    /// Simple value 22.
    case null
}

extension CBOR {
    /// The item for an integer of either sign.
    public init(_ value: Int64) {
        self = value >= 0 ? .unsigned(UInt64(value)) : .negative(UInt64(bitPattern: ~value))
    }

    /// The item for an integer of either sign.
    public init(_ value: Int) {
        self.init(Int64(value))
    }

    /// The integer, if the item is one and it is in the range of `Int64`.
    public var integerValue: Int64? {
        switch self {
        case .unsigned(let value): Int64(exactly: value)
        case .negative(let value): Int64(exactly: value).map { ~$0 }
        default: nil
        }
    }

    /// The number, if the item is an unsigned integer.
    public var unsignedValue: UInt64? {
        if case .unsigned(let value) = self { value } else { nil }
    }

    /// The bytes, if the item is a byte string.
    public var bytesValue: [UInt8]? {
        if case .bytes(let value) = self { value } else { nil }
    }

    /// The text, if the item is a text string.
    public var textValue: String? {
        if case .text(let value) = self { value } else { nil }
    }

    /// The elements, if the item is an array.
    public var arrayValue: [CBOR]? {
        if case .array(let value) = self { value } else { nil }
    }

    /// The map, if the item is one.
    public var mapValue: CBORMap? {
        if case .map(let value) = self { value } else { nil }
    }

    /// The truth value, if the item is one.
    public var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// Whether the item is `null`.
    public var isNull: Bool {
        if case .null = self { true } else { false }
    }
}

extension CBOR: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(integerLiteral value: Int64) { self.init(value) }
    public init(stringLiteral value: String) { self = .text(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(nilLiteral: ()) { self = .null }
    public init(arrayLiteral elements: CBOR...) { self = .array(elements) }
    /// A literal that names a key twice is a programming error and traps.
    public init(dictionaryLiteral elements: (CBOR, CBOR)...) { self = .map(CBORMap(elements)) }
}

extension CBOR: Hashable {
    public static func == (left: CBOR, right: CBOR) -> Bool {
        left.order(to: right) == .same
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(majorType)
        hasher.combine(argument)
        switch self {
        case .unsigned, .negative, .bool, .null: break
        case .bytes(let value): hasher.combine(value)
        case .text(let value): for byte in value.utf8 { hasher.combine(byte) }
        case .array(let value): for element in value { hasher.combine(element) }
        case .map(let value): hasher.combine(value)
        case .tagged(_, let content): hasher.combine(content)
        }
    }
}

extension CBOR: CustomStringConvertible {
    /// Diagnostic notation (RFC 8949 section 8).
    public var description: String {
        switch self {
        case .unsigned(let value): "\(value)"
        case .negative(let value): value == .max ? "-18446744073709551616" : "-\(value + 1)"
        case .bytes(let value): "h'" + CBOR.hex(value) + "'"
        case .text(let value): "\"" + value + "\""
        case .array(let value): "[" + value.map(\.description).joined(separator: ", ") + "]"
        case .map(let value):
            "{" + value.entries.map { "\($0.key): \($0.value)" }.joined(separator: ", ") + "}"
        case .tagged(let tag, let content): "\(tag)(\(content))"
        case .bool(let value): value ? "true" : "false"
        case .null: "null"
        }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(2 * bytes.count)
        for byte in bytes {
            for digit in [byte >> 4, byte & 15] {
                text.append(digit < 10 ? 48 + digit : 87 + digit)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
