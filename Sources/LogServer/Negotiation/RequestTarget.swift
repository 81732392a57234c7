internal import Tlog

/// The path and the query of a request target (RFC 9112 section 3.2), taken apart and not yet decoded.
struct RequestTarget: Sendable {
    /// From the first slash to the query, as it was sent.
    let path: Substring
    /// Behind the question mark; nil where there is none.
    let query: Substring?

    init(_ target: String) {
        var rest = target[...]
        // RFC 9112 section 3.2.2: "A server MUST accept the absolute-form in requests even though most HTTP/1.1 clients
        // will only send the absolute-form to a proxy."
        if !rest.utf8.starts(with: "/".utf8), let colon = rest.utf8.firstIndex(of: UInt8(ascii: ":")),
            rest.utf8[colon...].starts(with: "://".utf8)
        {
            rest = rest[rest.utf8.index(colon, offsetBy: 3)...]
            let end = rest.utf8.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
            rest = rest[end...]
        }
        if let mark = rest.utf8.firstIndex(of: UInt8(ascii: "?")) {
            path = rest[..<mark]
            query = rest[rest.utf8.index(after: mark)...]
        } else {
            path = rest
            query = nil
        }
    }

    /// The segments of the path. Empty ones are kept, so that `//checkpoint` and `/checkpoint/` are other paths than
    /// `/checkpoint`. Nil unless the path begins with a slash.
    var segments: [Substring]? {
        guard path.utf8.first == UInt8(ascii: "/") else { return nil }
        return path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    }
}

/// Percent-encoding (RFC 3986 section 2.1).
enum Percent {
    /// Nil where a percent sign is not followed by two hexadecimal digits, or the result is not UTF-8.
    static func decode(_ text: Substring) -> String? {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var rest = text.utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// Everything but the unreserved characters encoded (RFC 3986 section 2.3).
    static func encode(_ text: String) -> String {
        var out = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e:
                out.unicodeScalars.append(Unicode.Scalar(byte))
            default: out += "%" + Hex.encode([byte]).uppercased()
            }
        }
        return out
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }
}
