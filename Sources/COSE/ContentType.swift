/// How a content type (header 3, or 259 for the preimage of a hash) is written as text.
///
/// RFC 9052 section 3.1 allows a media type as text, or a CoAP content format as number. A number n is shown as
/// `coap:n`, which can't be mistaken for a media type, as those have a slash.
public enum ContentType {
    /// The media type of Holdfast's own events.
    public static let event = "application/vnd.holdfast.event+cbor"

    /// In bytes.
    static let lengthLimit = 255

    /// Whether a statement can have this content type: a media type, or a content format as `coap:n`.
    public static func isWellFormed(_ text: String) -> Bool { value(of: text) != nil }

    /// Nil unless the value is a media type of visible ASCII characters and inner spaces, or a content format.
    static func text(of value: CBOR) -> String? {
        switch value {
        case .unsigned(let number): number <= 0xffff ? "coap:\(number)" : nil
        case .text(let text): isMediaType(text) ? text : nil
        default: nil
        }
    }

    /// The header value of a text that ``text(of:)`` returns; nil for any other text.
    static func value(of text: String) -> CBOR? {
        if isMediaType(text) { return .text(text) }
        let scheme = "coap:"
        guard text.hasPrefix(scheme), let number = UInt16(text.dropFirst(scheme.count)) else { return nil }
        let value = CBOR.unsigned(UInt64(number))
        return self.text(of: value) == text ? value : nil
    }

    /// "Leading and trailing whitespace is not permitted" (RFC 9052 section 3.1).
    static func isMediaType(_ text: String) -> Bool {
        let bytes = text.utf8
        guard (3...lengthLimit).contains(bytes.count), bytes.first != 0x20, bytes.last != 0x20 else { return false }
        guard bytes.allSatisfy({ (0x20...0x7e).contains($0) }) else { return false }
        guard let slash = bytes.firstIndex(of: 0x2f) else { return false }
        return slash != bytes.startIndex && bytes.index(after: slash) != bytes.endIndex
    }
}
