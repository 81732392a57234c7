internal import COSE
public import Tlog

/// The text form of a key, for URLs, command lines and reports: the segments with `/` between them, texts
/// percent-encoded, bytes in lowercase hex.
///
///     policy
///     grant/5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03
///     stream/spiffe%3A%2F%2Fexample.org%2Fagent/work
///     containment/runtime/spiffe%3A%2F%2Fexample.org%2Fagent
extension StateKey {
    /// What a segment of a key is.
    private enum Segment {
        case text
        /// As many bytes.
        case bytes(ClosedRange<Int>)

        static let hash = Segment.bytes(32...32)
    }

    /// What follows the kind, for each kind of `state-key` in `spec/event.cddl`; nil for a kind that there is not.
    private static func segments(of kind: String, _ first: String?) -> [Segment]? {
        switch kind {
        case "policy", "approvals", "frozen", "refusals": []
        case "identity": [.text, .hash]
        case "stream", "model", "execution": [.text, .text]
        case "streams", "attestation", "heartbeat", "telemetry", "peer", "route": [.text]
        case "grant", "uses", "lease", "peerGrant", "logKey": [.hash]
        case "decision": [.bytes(16...32)]
        case "containment":
            switch first {
            case "execution", "model": [.text, .text, .text]
            case "runtime", "route", "domain": [.text, .text]
            default: nil
            }
        default: nil
        }
    }

    /// The kind: the first part, such as `grant`; empty for bytes that are no key.
    public var kind: String { parts?.first?.textValue ?? "" }

    /// The parts of the key; nil for bytes that are no CBOR array.
    var parts: [CBOR]? { (try? CBOR(decoding: bytes))?.arrayValue }

    /// A key from its deterministic CBOR; nil if it is none of the kinds that a state has.
    public init?(decoding bytes: [UInt8]) {
        self.init(bytes: bytes)
        guard let parts, let kind = parts.first?.textValue else { return nil }
        let rest = parts.dropFirst()
        guard let segments = Self.segments(of: kind, rest.first?.textValue), segments.count == rest.count else {
            return nil
        }
        for (part, segment) in zip(rest, segments) {
            switch (segment, part) {
            case (.text, .text(let text)) where !text.isEmpty: break
            case (.bytes(let count), .bytes(let bytes)) where count.contains(bytes.count): break
            default: return nil
            }
        }
    }

    /// The text form. For bytes that are no key of a state, which neither the fold nor ``init(decoding:)`` gives,
    /// CBOR's diagnostic notation.
    public var text: String {
        guard StateKey(decoding: bytes) != nil, let parts else { return description }
        return parts.map { part in
            part.bytesValue.map { Hex.encode($0) } ?? PercentEncoding.encode(part.textValue ?? "")
        }.joined(separator: "/")
    }

    /// Reads the text form. What ``text`` gives is read back as the same key; percent-encoding that RFC 3986 would
    /// allow and not ask for is read too.
    ///
    /// - Throws: ``StateKeyTextError``.
    public init(text: String) throws(StateKeyTextError) {
        let words = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        var texts: [String] = []
        for word in words.prefix(5) {
            guard let text = PercentEncoding.decode(word), !text.isEmpty else {
                throw .segment(String(decoding: word, as: UTF8.self))
            }
            texts.append(text)
        }
        guard let kind = texts.first else { throw .segment("") }
        guard let segments = Self.segments(of: kind, texts.dropFirst().first) else {
            throw .unknownKind(texts.prefix(kind == "containment" ? 2 : 1).joined(separator: "/"))
        }
        guard segments.count == words.count - 1 else {
            throw .segmentCount(kind, found: words.count - 1, expected: segments.count)
        }
        var parts: [CBOR] = [.text(kind)]
        for (text, segment) in zip(texts.dropFirst(), segments) {
            switch segment {
            case .text: parts.append(.text(text))
            case .bytes(let count):
                guard let bytes = Hex.decode(text), count.contains(bytes.count) else {
                    throw .hex(text, bytes: count)
                }
                parts.append(.bytes(bytes))
            }
        }
        self.init(bytes: CBOR.array(parts).encoded())
        guard bytes.count <= StateProof.maxKeyByteCount else { throw .tooLong(bytes.count) }
    }
}

/// Why a text is not that of a key.
public enum StateKeyTextError: NamedFailure, Hashable {
    case unknownKind(String)
    /// How many segments follow the kind.
    case segmentCount(String, found: Int, expected: Int)
    /// Empty, or not percent-encoded UTF-8.
    case segment(String)
    /// The segment should be so many bytes in lowercase hex.
    case hex(String, bytes: ClosedRange<Int>)
    case tooLong(Int)

    public var reason: String {
        switch self {
        case .unknownKind: "unknown-kind"
        case .segmentCount: "segment-count"
        case .segment: "segment"
        case .hex: "not-hex"
        case .tooLong: "too-long"
        }
    }
}

extension StateKeyTextError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknownKind(let kind): "'\(kind)' is no kind of key of the governance state"
        case .segmentCount(let kind, let found, let expected):
            "a key '\(kind)' has \(expected) segments after its kind, not \(found)"
        case .segment(let segment): "the segment '\(segment)' of the key is empty or not percent-encoded"
        case .hex(let segment, let bytes):
            "the segment '\(segment)' of the key is not "
                + (bytes.count == 1 ? "\(2 * bytes.lowerBound)" : "\(2 * bytes.lowerBound) to \(2 * bytes.upperBound)")
                + " lowercase hexadecimal digits"
        case .tooLong(let bytes): "a key of \(bytes) bytes; there is none with more than \(StateProof.maxKeyByteCount)"
        }
    }
}

/// Percent-encoding of one segment of a URI's path (RFC 3986 sections 2 and 3.3).
private enum PercentEncoding {
    /// "unreserved = ALPHA / DIGIT / "-" / "." / "_" / "~""; everything else is encoded.
    private static func isUnreserved(_ byte: UInt8) -> Bool {
        TextRule.isDigit(byte) || TextRule.isLetter(byte) || Array("-._~".utf8).contains(byte)
    }

    /// "pchar = unreserved / pct-encoded / sub-delims / ":" / "@"".
    private static func isPathCharacter(_ byte: UInt8) -> Bool {
        isUnreserved(byte) || Array("!$&'()*+,;=:@".utf8).contains(byte)
    }

    static func encode(_ text: String) -> String {
        var out = ""
        for byte in text.utf8 {
            if isUnreserved(byte) {
                out.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                // "For consistency, URI producers and normalizers should use uppercase hexadecimal digits".
                out += "%" + Hex.encode([byte]).uppercased()
            }
        }
        return out
    }

    /// Nil for characters that a segment can't have, a percent sign without two digits, and what is not UTF-8.
    static func decode(_ segment: Substring.UTF8View) -> String? {
        var bytes: [UInt8] = []
        var rest = segment[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%") {
                guard rest.count >= 2,
                    let decoded = Hex.decode(String(decoding: rest.prefix(2), as: UTF8.self).lowercased())
                else { return nil }
                bytes += decoded
                rest = rest.dropFirst(2)
            } else {
                guard isPathCharacter(byte) else { return nil }
                bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
