extension TlogPolicy {
    /// A name in a policy file: "names must be handled as opaque octet strings".
    public struct Name: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
        public let bytes: [UInt8]

        public init(_ bytes: some Sequence<UInt8>) {
            self.bytes = Array(bytes)
        }

        public init(stringLiteral text: String) {
            bytes = Array(text.utf8)
        }

        /// "The special name `none` is predefined".
        public static let none: Name = "none"

        /// For people; octets that are not UTF-8 are replaced.
        public var description: String { String(decoding: bytes, as: UTF8.self) }
    }

    /// A line that is neither empty nor a comment: its number, from 1, and its items; there is at least one.
    package struct Line: Sendable, Hashable {
        package let number: Int
        package let items: [Name]
        package var keyword: Name { items[0] }
    }

    /// Bytes a policy file may have.
    public static let maxByteCount = 1 << 20

    /// The lines of a policy file or of another file in the same syntax, comments and empty lines left out.
    package static func lines(of file: [UInt8]) throws(TlogPolicyError) -> [Line] {
        guard file.count <= maxByteCount else { throw .tooLarge(bytes: file.count, limit: maxByteCount) }
        // "The policy file is line based, where each line is terminated by ASCII newline"
        guard file.isEmpty || file.last == 0x0a else { throw .noFinalNewline }
        var lines: [Line] = []
        for (offset, line) in file.dropLast().split(separator: 0x0a, omittingEmptySubsequences: false).enumerated() {
            // "the allowed octet values are 0x09 (tab), 0x0A (newline), 0x20-0x7E, and 0x80-0xFF"
            if let byte = line.first(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7f }) {
                throw .controlCharacter(byte: byte, line: offset + 1)
            }
            // "whitespace" means "sequences of ASCII space and tab characters only. Leading and trailing whitespace
            // is allowed."
            let items = line.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 })
            // "Empty lines (whitespace only) and comment lines (lines starting with "#", possibly preceded by
            // whitespace) are allowed and ignored."
            guard let first = items.first, first.first != 0x23 else { continue }
            lines.append(Line(number: offset + 1, items: items.map { Name($0) }))
        }
        return lines
    }
}
