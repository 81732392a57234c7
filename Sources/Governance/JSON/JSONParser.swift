internal import Tlog

extension JSON {
    /// Parses one JSON text and nothing after it.
    ///
    /// - Parameters:
    ///   - bytes: UTF-8, without a byte order mark.
    ///   - depth: how many arrays and objects may be inside one another.
    public init(parsing bytes: [UInt8], depth: Int = 32) throws(JSONError) {
        var parser = JSONParser(bytes: bytes, depth: depth)
        self = try parser.text()
    }

    /// Parses one JSON text and nothing after it.
    public init(parsing text: String, depth: Int = 32) throws(JSONError) {
        try self.init(parsing: Array(text.utf8), depth: depth)
    }
}

struct JSONParser {
    let bytes: [UInt8]
    let depth: Int
    var position = 0

    init(bytes: [UInt8], depth: Int) {
        self.bytes = bytes
        self.depth = depth
    }

    mutating func text() throws(JSONError) -> JSON {
        let value = try value(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw .trailing(offset: position) }
        return value
    }

    private mutating func value(depth level: Int) throws(JSONError) -> JSON {
        switch try next() {
        case UInt8(ascii: "{"): return try object(depth: level + 1)
        case UInt8(ascii: "["): return try array(depth: level + 1)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        case let byte: throw .unexpected(byte: byte, offset: position)
        }
    }

    /// The next byte that is no space; it is not taken.
    private mutating func next() throws(JSONError) -> UInt8 {
        skipSpace()
        guard position < bytes.count else { throw .endOfText }
        return bytes[position]
    }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[position]) { position += 1 }
    }

    private mutating func take(_ expected: Unicode.Scalar) throws(JSONError) {
        let byte = try next()
        guard byte == UInt8(ascii: expected) else { throw .unexpected(byte: byte, offset: position) }
        position += 1
    }

    private mutating func word(_ word: StaticString, _ value: JSON) throws(JSONError) -> JSON {
        for expected in "\(word)".utf8 {
            guard position < bytes.count else { throw .endOfText }
            guard bytes[position] == expected else { throw .unexpected(byte: bytes[position], offset: position) }
            position += 1
        }
        return value
    }

    private mutating func array(depth level: Int) throws(JSONError) -> JSON {
        guard level <= depth else { throw .tooDeep(limit: depth) }
        try take("[")
        var elements: [JSON] = []
        if try next() == UInt8(ascii: "]") {
            position += 1
            return .array(elements)
        }
        while true {
            elements.append(try value(depth: level))
            if try next() == UInt8(ascii: "]") {
                position += 1
                return .array(elements)
            }
            try take(",")
        }
    }

    private mutating func object(depth level: Int) throws(JSONError) -> JSON {
        guard level <= depth else { throw .tooDeep(limit: depth) }
        try take("{")
        var members: [JSONMember] = []
        // By bytes: two spellings of one character are two names, as they are in CBOR.
        var names: Set<[UInt8]> = []
        if try next() == UInt8(ascii: "}") {
            position += 1
            return .object(members)
        }
        while true {
            let byte = try next()
            guard byte == UInt8(ascii: "\"") else { throw .unexpected(byte: byte, offset: position) }
            let start = position
            let name = try string()
            guard names.insert(Array(name.utf8)).inserted else { throw .duplicateName(name, offset: start) }
            try take(":")
            members.append(JSONMember(name, try value(depth: level)))
            if try next() == UInt8(ascii: "}") {
                position += 1
                return .object(members)
            }
            try take(",")
        }
    }

    private mutating func number() throws(JSONError) -> JSON {
        let start = position
        let isNegative = bytes[position] == UInt8(ascii: "-")
        if isNegative { position += 1 }
        let firstDigit = position
        var magnitude: Int128 = 0
        while position < bytes.count, case let digit = bytes[position] &- UInt8(ascii: "0"), digit <= 9 {
            guard position - firstDigit < 20 else { throw .outOfRange(offset: start) }
            magnitude = magnitude * 10 + Int128(digit)
            position += 1
        }
        guard position > firstDigit else {
            guard position < bytes.count else { throw .endOfText }
            throw .unexpected(byte: bytes[position], offset: position)
        }
        let hasLeadingZero = bytes[firstDigit] == UInt8(ascii: "0") && (position - firstDigit > 1 || isNegative)
        let follows = position < bytes.count ? bytes[position] : 0
        guard !hasLeadingZero, ![UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E")].contains(follows) else {
            throw .notWhole(offset: start)
        }
        let value = isNegative ? -magnitude : magnitude
        guard JSON.integerRange.contains(value) else { throw .outOfRange(offset: start) }
        return .integer(value)
    }

    private mutating func string() throws(JSONError) -> String {
        let start = position
        position += 1
        var text: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                guard let string = String(validating: text, as: UTF8.self) else { throw .invalidUTF8(offset: start) }
                return string
            case UInt8(ascii: "\\"):
                text.append(contentsOf: String(try escape()).utf8)
            case 0..<0x20:
                throw .controlCharacter(offset: position)
            default:
                text.append(byte)
                position += 1
            }
        }
        throw .endOfText
    }

    private mutating func escape() throws(JSONError) -> Unicode.Scalar {
        let start = position
        guard position + 1 < bytes.count else { throw .endOfText }
        let letter = bytes[position + 1]
        position += 2
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): break
        default: throw .invalidEscape(offset: start)
        }
        let unit = try codeUnit(start)
        // RFC 8259 §7: a character outside the Basic Multilingual Plane "is represented as a 12-character sequence,
        // encoding the UTF-16 surrogate pair". Half a pair is no character.
        guard (0xd800..<0xdc00).contains(unit) else {
            guard let scalar = Unicode.Scalar(unit) else { throw .invalidEscape(offset: start) }
            return scalar
        }
        guard position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u")
        else { throw .invalidEscape(offset: start) }
        position += 2
        let low = try codeUnit(start)
        guard (0xdc00..<0xe000).contains(low),
            let scalar = Unicode.Scalar(0x10000 + (unit - 0xd800) << 10 + (low - 0xdc00))
        else { throw .invalidEscape(offset: start) }
        return scalar
    }

    /// Four hexadecimal digits of either case.
    private mutating func codeUnit(_ start: Int) throws(JSONError) -> UInt32 {
        guard position + 4 <= bytes.count else { throw .endOfText }
        var unit: UInt32 = 0
        for byte in bytes[position..<position + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw .invalidEscape(offset: start)
            }
            unit = unit << 4 | UInt32(digit)
        }
        position += 4
        return unit
    }
}
