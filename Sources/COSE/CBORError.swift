public import Tlog

/// Why bytes are not CBOR as Holdfast reads it. Offsets are positions in the decoded bytes.
public enum CBORError: NamedFailure, Hashable {
    /// The input ends inside an item.
    case endOfInput(offset: Int)
    /// Bytes follow the item.
    case trailingBytes(offset: Int)
    /// An argument is not in its shortest form (RFC 8949 section 4.2.1).
    case notShortest(offset: Int)
    /// An indefinite length, or a break without one.
    case indefiniteLength(offset: Int)
    /// Additional information 28, 29 or 30 (RFC 8949 section 3).
    case reserved(offset: Int)
    /// A floating-point number.
    case floatingPoint(offset: Int)
    /// A simple value other than false, true and null.
    case simpleValue(offset: Int)
    /// A string, array or map that says it is longer than the rest of the input can hold.
    case lengthBeyondInput(offset: Int, length: UInt64)
    /// A text string that is not UTF-8.
    case invalidUTF8(offset: Int)
    /// A map names a key twice.
    case duplicateKey(offset: Int)
    /// A map's keys are not in bytewise order.
    case keyOrder(offset: Int)
    /// Items nest deeper than the limit.
    case tooDeep(offset: Int, limit: Int)
    /// There are more items than the limit.
    case tooManyItems(offset: Int, limit: Int)
    /// The item is of another type than the one that has to stand here.
    case unexpectedType(offset: Int)

    public var reason: String {
        switch self {
        case .endOfInput: "end-of-input"
        case .trailingBytes: "trailing-bytes"
        case .notShortest: "not-shortest"
        case .indefiniteLength: "indefinite-length"
        case .reserved: "reserved"
        case .floatingPoint: "floating-point"
        case .simpleValue: "simple-value"
        case .lengthBeyondInput: "length-beyond-input"
        case .invalidUTF8: "invalid-utf8"
        case .duplicateKey: "duplicate-key"
        case .keyOrder: "key-order"
        case .tooDeep: "too-deep"
        case .tooManyItems: "too-many-items"
        case .unexpectedType: "unexpected-type"
        }
    }

    /// Where in the input the fault is.
    public var offset: Int {
        switch self {
        case .endOfInput(let offset), .trailingBytes(let offset), .notShortest(let offset),
            .indefiniteLength(let offset), .reserved(let offset), .floatingPoint(let offset),
            .simpleValue(let offset), .lengthBeyondInput(let offset, _), .invalidUTF8(let offset),
            .duplicateKey(let offset), .keyOrder(let offset), .tooDeep(let offset, _),
            .tooManyItems(let offset, _), .unexpectedType(let offset):
            offset
        }
    }
}

extension CBORError: CustomStringConvertible {
    public var description: String {
        let what =
            switch self {
            case .endOfInput: "the input ends inside an item"
            case .trailingBytes: "bytes follow the item"
            case .notShortest: "a number or length is not in its shortest form"
            case .indefiniteLength: "an indefinite length"
            case .reserved: "a reserved additional information"
            case .floatingPoint: "a floating-point number"
            case .simpleValue: "a simple value other than false, true and null"
            case .lengthBeyondInput(_, let length): "a length of \(length) reaches past the end of the input"
            case .invalidUTF8: "a text that is not UTF-8"
            case .duplicateKey: "a map names a key twice"
            case .keyOrder: "a map's keys are not in bytewise order"
            case .tooDeep(_, let limit): "items nest deeper than \(limit)"
            case .tooManyItems(_, let limit): "more than \(limit) items"
            case .unexpectedType: "an item of another type than expected"
            }
        return "CBOR at byte \(offset): \(what)"
    }
}
