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
