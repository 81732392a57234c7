/// JSON as the vectors are written in: members in the order given, two spaces of indent, a final newline.
indirect enum FixtureValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    case string(String)
    case number(UInt64)
    case bool(Bool)
    case null
    case array([FixtureValue])
    case object([(name: String, value: FixtureValue)])

    init(stringLiteral value: String) { self = .string(value) }
    init(integerLiteral value: UInt64) { self = .number(value) }
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(arrayLiteral elements: FixtureValue...) { self = .array(elements) }
    init(dictionaryLiteral elements: (String, FixtureValue)...) { self = .object(elements.map { ($0.0, $0.1) }) }

    /// The bytes of the file.
    var file: [UInt8] {
        var out = ""
        write(to: &out, indent: "")
        return Array((out + "\n").utf8)
    }

    private func write(to out: inout String, indent: String) {
        switch self {
        case .string(let text): Self.write(text, to: &out)
        case .number(let number): out += String(number)
        case .bool(let bool): out += bool ? "true" : "false"
        case .null: out += "null"
        case .array(let elements):
            Self.write(elements.map { (nil, $0) }, open: "[", close: "]", to: &out, indent: indent)
        case .object(let members):
            Self.write(members.map { ($0.name, $0.value) }, open: "{", close: "}", to: &out, indent: indent)
        }
    }

    private static func write(
        _ items: [(name: String?, value: FixtureValue)], open: String, close: String, to out: inout String,
        indent: String
    ) {
        guard !items.isEmpty else { return out += open + close }
        out += open
        for (offset, item) in items.enumerated() {
            out += (offset == 0 ? "\n" : ",\n") + indent + "  "
            if let name = item.name {
                write(name, to: &out)
                out += ": "
            }
            item.value.write(to: &out, indent: indent + "  ")
        }
        out += "\n" + indent + close
    }

    private static func write(_ text: String, to out: inout String) {
        out += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\t": out += "\\t"
            case "\r": out += "\\r"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                let hex = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: out.unicodeScalars.append(scalar)
            }
        }
        out += "\""
    }
}
