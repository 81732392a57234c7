/// Base64 of RFC 4648, strict: decoding accepts exactly what encoding prints, so that a value has one form.
public enum Base64 {
    /// The standard alphabet (RFC 4648 §4), padded.
    public static func encode(_ bytes: [UInt8]) -> String {
        encode(bytes, alphabet: standard, padded: true)
    }

    /// The alphabet that is safe in URLs (RFC 4648 §5), without padding.
    public static func encodeURL(_ bytes: [UInt8]) -> String {
        encode(bytes, alphabet: urlSafe, padded: false)
    }

    /// Nil unless `text` is exactly what `encode` prints for some bytes: standard alphabet, padded, no white space,
    /// and the unused bits zero.
    public static func decode(_ text: String) -> [UInt8]? {
        text.withUTF8Bytes { decode($0, padded: true, last: (0x2b, 0x2f)) }
    }

    /// Nil unless `text` is exactly what `encodeURL` prints for some bytes.
    public static func decodeURL(_ text: String) -> [UInt8]? {
        text.withUTF8Bytes { decode($0, padded: false, last: (0x2d, 0x5f)) }
    }

    /// Strict decoding of ASCII bytes in the standard alphabet.
    static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        decode(text, padded: true, last: (0x2b, 0x2f))
    }

    private static let standard = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let urlSafe = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    private static func encode(_ bytes: [UInt8], alphabet: [UInt8], padded: Bool) -> String {
        var out: [UInt8] = []
        out.reserveCapacity((bytes.count + 2) / 3 * 4)
        var offset = 0
        while offset < bytes.count {
            let left = bytes.count - offset
            let second = left > 1 ? bytes[offset + 1] : 0
            let third = left > 2 ? bytes[offset + 2] : 0
            let group = UInt32(bytes[offset]) << 16 | UInt32(second) << 8 | UInt32(third)
            out.append(alphabet[Int(group >> 18)])
            out.append(alphabet[Int(group >> 12 & 63)])
            if left > 1 { out.append(alphabet[Int(group >> 6 & 63)]) } else if padded { out.append(0x3d) }
            if left > 2 { out.append(alphabet[Int(group & 63)]) } else if padded { out.append(0x3d) }
            offset += 3
        }
        return String(decoding: out, as: UTF8.self)
    }

    private static func decode(_ text: ArraySlice<UInt8>, padded: Bool, last: (UInt8, UInt8)) -> [UInt8]? {
        var digits = text
        if padded {
            guard digits.count % 4 == 0 else { return nil }
            for _ in 0..<2 where digits.last == 0x3d { digits.removeLast() }
        }
        // One digit alone holds no whole byte. With padding, one can't be left: three "=" would remain a digit.
        guard digits.count % 4 != 1 else { return nil }
        var out: [UInt8] = []
        out.reserveCapacity(digits.count * 3 / 4)
        var bits: UInt32 = 0
        var count = 0
        for digit in digits {
            guard let value = value(of: digit, last: last) else { return nil }
            bits = bits << 6 | value
            count += 6
            if count >= 8 {
                count -= 8
                out.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        // RFC 4648 §3.5: the unused bits must be zero, or a value would have several encodings.
        guard bits & (1 << UInt32(count) - 1) == 0 else { return nil }
        return out
    }

    private static func value(of digit: UInt8, last: (UInt8, UInt8)) -> UInt32? {
        switch digit {
        case 0x41...0x5a: UInt32(digit - 0x41)
        case 0x61...0x7a: UInt32(digit - 0x61 + 26)
        case 0x30...0x39: UInt32(digit - 0x30 + 52)
        case last.0: 62
        case last.1: 63
        default: nil
        }
    }
}
