public import Tlog

/// A JSON value (RFC 8259) of the part of JSON that stands one to one with the CBOR of the log.
///
/// Numbers are whole and exact, from -2^64 to 2^64 - 1; fractions and exponents are refused, and so is a member
/// named twice. Members keep their order. Strings are compared by their UTF-8 bytes, not by Unicode equivalence.
public indirect enum JSON: Sendable {
    case null
    case bool(Bool)
    case integer(Int128)
    case string(String)
    case array([JSON])
    case object([JSONMember])

    /// The whole numbers that CBOR has without tags.
    public static let integerRange: ClosedRange<Int128> = -(1 << 64)...((1 << 64) - 1)
}

/// One member of a JSON object.
public struct JSONMember: Sendable, Equatable {
    public let name: String
    public let value: JSON

    public init(_ name: String, _ value: JSON) {
        self.name = name
        self.value = value
    }

    public static func == (left: JSONMember, right: JSONMember) -> Bool {
        left.name.utf8.elementsEqual(right.name.utf8) && left.value == right.value
    }
}

extension JSON: Equatable {
    public static func == (left: JSON, right: JSON) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.integer(let left), .integer(let right)): left == right
        case (.string(let left), .string(let right)): left.utf8.elementsEqual(right.utf8)
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        default: false
        }
    }
}

extension JSON {
    /// The value of the member of this name; nil if there is none or this is no object.
    public subscript(name: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name.utf8.elementsEqual(name.utf8) }?.value
    }

    public var stringValue: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    public var boolValue: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    /// The number, if it is one and not below zero.
    public var unsignedValue: UInt64? {
        guard case .integer(let value) = self else { return nil }
        return UInt64(exactly: value)
    }

    public var arrayValue: [JSON]? {
        guard case .array(let elements) = self else { return nil }
        return elements
    }

    public var objectValue: [JSONMember]? {
        guard case .object(let members) = self else { return nil }
        return members
    }

    public var isNull: Bool { self == .null }

    /// A number that CBOR can carry.
    public init(_ value: UInt64) {
        self = .integer(Int128(value))
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .integer(Int128(value)) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(nilLiteral: ()) { self = .null }
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    /// The members in the order given.
    public init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(elements.map { JSONMember($0.0, $0.1) })
    }
}

/// Why a text is no JSON of ours. Offsets are in bytes from the start of the text.
public enum JSONError: NamedFailure, Hashable {
    /// The text ends inside a value.
    case endOfText
    /// A byte that cannot stand here.
    case unexpected(byte: UInt8, offset: Int)
    /// Something follows the value.
    case trailing(offset: Int)
    /// A number with a fraction, an exponent, a leading zero or plus, or minus zero.
    case notWhole(offset: Int)
    /// A whole number outside -2^64 ... 2^64 - 1.
    case outOfRange(offset: Int)
    /// A string that is not UTF-8.
    case invalidUTF8(offset: Int)
    /// An escape that does not exist, or half a surrogate pair.
    case invalidEscape(offset: Int)
    /// A control character that is not escaped.
    case controlCharacter(offset: Int)
    /// The object already has a member of this name.
    case duplicateName(String, offset: Int)
    /// Arrays and objects nest deeper than the limit.
    case tooDeep(limit: Int)

    public var reason: String {
        switch self {
        case .endOfText: "end-of-text"
        case .unexpected: "unexpected-byte"
        case .trailing: "trailing-text"
        case .notWhole: "not-a-whole-number"
        case .outOfRange: "number-out-of-range"
        case .invalidUTF8: "invalid-utf8"
        case .invalidEscape: "invalid-escape"
        case .controlCharacter: "control-character"
        case .duplicateName: "duplicate-name"
        case .tooDeep: "too-deep"
        }
    }
}

extension JSONError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .endOfText: "the JSON text ends inside a value"
        case .unexpected(let byte, let offset): "byte 0x\(Hex.encode([byte])) at offset \(offset) cannot stand there"
        case .trailing(let offset): "something follows the JSON value at offset \(offset)"
        case .notWhole(let offset):
            "the number at offset \(offset) is not a plain whole number (no fraction, exponent, or leading zero)"
        case .outOfRange(let offset): "the number at offset \(offset) is outside -2^64 ... 2^64 - 1"
        case .invalidUTF8(let offset): "the string at offset \(offset) is not UTF-8"
        case .invalidEscape(let offset): "the escape at offset \(offset) is not valid"
        case .controlCharacter(let offset): "the control character at offset \(offset) must be escaped"
        case .duplicateName(let name, let offset): "the member '\(name)' at offset \(offset) is there twice"
        case .tooDeep(let limit): "arrays and objects nest deeper than \(limit)"
        }
    }
}
