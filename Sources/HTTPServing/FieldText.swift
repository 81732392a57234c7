extension Substring.UTF8View {
    /// Without spaces and tabs at both ends (RFC 9110 section 5.6.3, OWS).
    package var trimmed: Substring.UTF8View {
        var view = self
        while let first = view.first, first == 0x20 || first == 0x09 { view.removeFirst() }
        while let last = view.last, last == 0x20 || last == 0x09 { view.removeLast() }
        return view
    }

    /// Compares with a lowercase ASCII text.
    package func equalsIgnoringCase(_ lowercase: String) -> Bool {
        elementsEqual(lowercase.utf8) { ours, theirs in
            ((0x41...0x5a).contains(ours) ? ours | 0x20 : ours) == theirs
        }
    }
}

extension UInt64 {
    /// Nil unless `text` is the one decimal form of a number: digits only, no leading zeros.
    package init?(canonical text: some StringProtocol) {
        guard let first = text.utf8.first, (0x30...0x39).contains(first), first != 0x30 || text.utf8.count == 1 else {
            return nil
        }
        self.init(text)
    }
}
