internal import Tlog

extension JSON {
    /// How a JSON text is laid out. The order of members is kept in both.
    public enum Layout: Sendable, Hashable {
        /// One line without spaces.
        case compact
        /// One member or element a line, indented by two spaces.
        case pretty
    }

    /// The JSON text, without a newline at the end.
    public func text(_ layout: Layout = .compact) -> String {
        var text = ""
        write(to: &text, layout, indent: 0)
        return text
    }

    private func write(to text: inout String, _ layout: Layout, indent: Int) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        case .string(let value): JSON.quote(value, to: &text)
        case .array(let elements):
            JSON.list(elements, open: "[", close: "]", to: &text, layout, indent) { element, text in
                element.write(to: &text, layout, indent: indent + 1)
            }
        case .object(let members):
            JSON.list(members, open: "{", close: "}", to: &text, layout, indent) { member, text in
                JSON.quote(member.name, to: &text)
                text += layout == .pretty ? ": " : ":"
                member.value.write(to: &text, layout, indent: indent + 1)
            }
        }
    }

    private static func list<Element>(
        _ elements: [Element], open: String, close: String, to text: inout String, _ layout: Layout, _ indent: Int,
        _ write: (Element, inout String) -> Void
    ) {
        text += open
        for (position, element) in elements.enumerated() {
            if position > 0 { text += "," }
            if layout == .pretty { text += "\n" + String(repeating: "  ", count: indent + 1) }
            write(element, &text)
        }
        if layout == .pretty, !elements.isEmpty { text += "\n" + String(repeating: "  ", count: indent) }
        text += close
    }

    /// What a terminal may obey instead of showing it: the control characters C0, DEL and C1, the separators of lines
    /// and paragraphs, and what turns the direction of writing. Texts in a log are anybody's.
    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7f...0x9f, 0x61c, 0x200e...0x200f, 0x2028...0x202e, 0x2066...0x2069: true
        default: false
        }
    }

    private static func quote(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where isHidden(scalar):
                text += "\\u" + Hex.encode([UInt8(scalar.value >> 8), UInt8(scalar.value & 0xff)])
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}

extension JSON: CustomStringConvertible {
    /// The compact text.
    public var description: String { text() }
}
