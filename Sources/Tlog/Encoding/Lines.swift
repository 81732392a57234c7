extension String {
    /// The UTF-8 bytes as an array slice, for the byte parsers.
    func withUTF8Bytes<R>(_ body: (ArraySlice<UInt8>) -> R) -> R {
        body(Array(utf8)[...])
    }

    /// The lines of a text whose last line ends with a newline, without their newlines; nil if it does not end so.
    ///
    /// Works on bytes: to Swift, a carriage return and a newline are one character.
    func newlineTerminatedLines() -> [String]? {
        let bytes = Array(utf8)
        guard bytes.last == 0x0a else { return nil }
        return bytes.dropLast().split(separator: 0x0a, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    /// Whether the bytes are the same. Swift's `==` also equates texts that differ only in Unicode normalisation,
    /// which signatures do not.
    func hasSameBytes(as other: String) -> Bool {
        utf8.elementsEqual(other.utf8)
    }
}

extension String {
    /// Goes with `hasSameBytes`.
    func hashBytes(into hasher: inout Hasher) {
        for byte in utf8 { hasher.combine(byte) }
        hasher.combine(0xff as UInt8)
    }
}

extension [UInt8] {
    /// The lines before the first empty line, without their newlines, and everything after it; nil if no line is empty.
    func splitAtFirstEmptyLine() -> (lines: [ArraySlice<UInt8>], rest: ArraySlice<UInt8>)? {
        var lines: [ArraySlice<UInt8>] = []
        var rest = self[...]
        while let end = rest.firstIndex(of: 0x0a) {
            let line = rest[..<end]
            rest = rest[(end + 1)...]
            if line.isEmpty { return (lines, rest) }
            lines.append(line)
        }
        return nil
    }
}

extension ArraySlice<UInt8> {
    /// What follows `prefix`; nil if it is not there.
    func removingPrefix(_ prefix: StaticString) -> ArraySlice<UInt8>? {
        let bytes = Array(prefix.description.utf8)
        return starts(with: bytes) ? dropFirst(bytes.count) : nil
    }
}
