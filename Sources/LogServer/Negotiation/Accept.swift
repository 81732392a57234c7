internal import HTTPServing

/// What a client says it can read (RFC 9110 section 12.5.1).
struct Accept: Sendable {
    private struct Range: Sendable {
        /// Nil is `*`.
        let type: String?
        let subtype: String?
        /// In thousandths, 0 ... 1000.
        let quality: Int

        /// How exactly the range names a type: 0 for `*/*`, 1 for `type/*`, 2 for the type itself.
        var precision: Int { type == nil ? 0 : subtype == nil ? 1 : 2 }

        func contains(_ media: MediaType) -> Bool {
            (type == nil || type == media.type) && (subtype == nil || subtype == media.subtype)
        }
    }

    /// Empty where the client said nothing that is well formed: it takes anything.
    private let ranges: [Range]

    /// A client may list this many ranges; those after them are not read.
    private static let maxRanges = 32

    /// - Parameter field: the Accept field, several of them joined by commas; nil where there was none.
    init(_ field: String?) {
        guard let field, field != "*/*" else {
            ranges = []
            return
        }
        ranges = field.utf8[...].split(separator: UInt8(ascii: ",")).prefix(Self.maxRanges).compactMap(Self.range)
    }

    /// How much the client wants a type, in thousandths; 0 means not at all.
    ///
    /// "Media ranges can be overridden by more specific media ranges or specific media types. If more than one media
    /// range applies to a given type, the most specific reference has precedence."
    func quality(of media: MediaType) -> Int {
        guard !ranges.isEmpty else { return 1000 }
        var best: Range?
        for range in ranges where range.contains(media) {
            if let known = best, known.precision >= range.precision { continue }
            best = range
        }
        return best?.quality ?? 0
    }

    /// The type that the client wants most; of equals the first. Nil if it takes none of them.
    func preferred(among offers: MediaType...) -> MediaType? {
        var best: (media: MediaType, quality: Int)?
        for offer in offers {
            let quality = quality(of: offer)
            if quality > best?.quality ?? 0 { best = (offer, quality) }
        }
        return best?.media
    }

    /// Nil for a range that is not well formed: it names nothing.
    private static func range(_ text: Substring.UTF8View) -> Range? {
        let parts = text.split(separator: UInt8(ascii: ";"))
        guard let names = parts.first?.trimmed.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false),
            names.count == 2, !names[0].isEmpty, !names[1].isEmpty
        else { return nil }
        let type = Substring(names[0]).lowercased()
        let subtype = Substring(names[1]).lowercased()
        guard type != "*" || subtype == "*" else { return nil }
        var quality = 1000
        for parameter in parts.dropFirst() {
            let pair = parameter.trimmed.split(separator: UInt8(ascii: "="), maxSplits: 1)
            guard pair.count == 2, pair[0].trimmed.equalsIgnoringCase("q") else { continue }
            guard let weight = weight(pair[1].trimmed) else { return nil }
            quality = weight
        }
        return Range(type: type == "*" ? nil : type, subtype: subtype == "*" ? nil : subtype, quality: quality)
    }

    /// RFC 9110 section 12.4.2: `( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )`.
    private static func weight(_ text: Substring.UTF8View) -> Int? {
        guard let first = text.first, first == UInt8(ascii: "0") || first == UInt8(ascii: "1"), text.count <= 5 else {
            return nil
        }
        var thousandths = first == UInt8(ascii: "1") ? 1000 : 0
        var digits = text.dropFirst()
        guard let point = digits.popFirst() else { return thousandths }
        guard point == UInt8(ascii: ".") else { return nil }
        var unit = 100
        for digit in digits {
            guard (0x30...0x39).contains(digit) else { return nil }
            thousandths += Int(digit - 0x30) * unit
            unit /= 10
        }
        return thousandths <= 1000 ? thousandths : nil
    }
}

extension Accept {
    /// The type that the client wants most among those that a resource has.
    func choose(_ first: MediaType, _ others: [MediaType] = []) throws(Problem) -> MediaType {
        var best = first
        for other in others where quality(of: other) > quality(of: best) { best = other }
        guard quality(of: best) > 0 else {
            let names = ([first] + others).map(\.text).joined(separator: " or ")
            throw Problem(.notAcceptable, "The answer is \(names); accept that.")
        }
        return best
    }

    /// For answers in COSE: application/cbor is what COSE is made of, so whoever accepts that gets it too.
    func requireCOSE() throws(Problem) {
        guard quality(of: .cose) > 0 || quality(of: .cbor) > 0 else {
            throw Problem(.notAcceptable, "The answer is application/cose; accept that.")
        }
    }
}
