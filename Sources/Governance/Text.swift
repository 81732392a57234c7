internal import Tlog

extension String {
    /// Byte equality. Swift's own equality also holds between different spellings of one character, which would
    /// make two keys of the state one.
    package func hasSameUTF8(as other: String) -> Bool {
        utf8.span.hasSameBytes(as: other.utf8.span)
    }
}

/// Which texts may name things. Fixed ranges, no Unicode tables: everybody who folds the log has to come to the same
/// answer, whatever their version of Unicode.
enum TextRule {
    /// Visible ASCII, without spaces.
    static func isVisibleASCII(_ text: String, _ bytes: ClosedRange<Int>) -> Bool {
        bytes.contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    }

    /// Any Unicode but control characters (C0, DEL, C1) and the line and paragraph separators.
    static func isName(_ text: String, _ bytes: ClosedRange<Int>) -> Bool {
        guard bytes.contains(text.utf8.count) else { return false }
        if isPrintableASCII(text) { return true }
        return text.unicodeScalars.allSatisfy { scalar in
            scalar.value >= 0x20 && !(0x7f...0x9f).contains(scalar.value)
                && scalar.value != 0x2028 && scalar.value != 0x2029
        }
    }

    /// Most names are. Without a way out in between, so that several bytes are looked at at once.
    private static func isPrintableASCII(_ text: String) -> Bool {
        let bytes = text.utf8.span
        var others: UInt8 = 0
        for index in bytes.indices { others |= bytes[index] &- 0x20 > 0x7e - 0x20 ? 1 : 0 }
        return others == 0
    }

    /// An absolute URI in visible ASCII: a scheme, a colon and something after it (RFC 3986 §3).
    static func isURI(_ text: String) -> Bool {
        guard isVisibleASCII(text, 3...512), let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else {
            return false
        }
        let scheme = text.utf8[..<colon]
        guard let first = scheme.first, isLetter(first), text.utf8.index(after: colon) < text.utf8.endIndex else {
            return false
        }
        return scheme.allSatisfy { isLetter($0) || isDigit($0) || [0x2b, 0x2d, 0x2e].contains($0) }
    }

    /// Two words or more of lowercase letters, digits and inner hyphens, each starting with a letter, with dots
    /// between them.
    static func isEventType(_ text: String) -> Bool {
        guard text.utf8.count <= 64 else { return false }
        let (dot, hyphen) = (UInt8(ascii: "."), UInt8(ascii: "-"))
        var dots = 0
        var previous = dot
        for byte in text.utf8 {
            switch byte {
            case 0x61...0x7a: break
            case dot where previous != dot && previous != hyphen: dots += 1
            case hyphen where previous != dot: break
            case _ where isDigit(byte) && previous != dot: break
            default: return false
            }
            previous = byte
        }
        return dots > 0 && previous != dot && previous != hyphen
    }

    static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte | 0x20) }
    static func isLowercaseHex(_ byte: UInt8) -> Bool { isDigit(byte) || (0x61...0x66).contains(byte) }
}
