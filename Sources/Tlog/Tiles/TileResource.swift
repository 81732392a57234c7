/// A resource of tlog-tiles, by its path below the log's prefix:
///
///     tile/0/x001/x234/067
///     tile/1/000.p/8
///     tile/entries/x001/067.p/255
public enum TileResource: Sendable, Hashable, CustomStringConvertible {
    /// Hashes.
    case tile(Tile)
    /// `width` entries (1 ... 256) from number `index * 256` on.
    case entries(index: UInt64, width: Int)

    /// Nil unless `path` is exactly what `path` prints for the resource.
    public init?(path: String) {
        let elements = path.utf8.split(separator: 0x2f, omittingEmptySubsequences: false)
        guard elements.count >= 3, elements[0].elementsEqual("tile".utf8) else { return nil }
        guard let (index, width) = Self.parse(elements[2...]) else { return nil }
        if elements[1].elementsEqual("entries".utf8) {
            // Where the leaf hashes of these entries are.
            guard TileCoordinate(level: 0, index: index) != nil else { return nil }
            self = .entries(index: index, width: width)
        } else {
            guard let level = Decimal.parse(elements[1]), level <= 63,
                let coordinate = TileCoordinate(level: Int(level), index: index),
                let tile = Tile(coordinate: coordinate, width: width)
            else { return nil }
            self = .tile(tile)
        }
        // One form only: whatever the parsing above lets through must print as it was.
        guard self.path.hasSameBytes(as: path) else { return nil }
    }

    public var path: String {
        switch self {
        case .tile(let tile): "tile/\(tile.level)/" + Self.print(index: tile.index, width: tile.width)
        case .entries(let index, let width): "tile/entries/" + Self.print(index: index, width: width)
        }
    }

    public var description: String { path }

    /// "It MUST be a non-negative integer encoded into zero-padded 3-digit path elements. All but the last path
    /// element MUST begin with an x."
    private static func print(index: UInt64, width: Int) -> String {
        var text = digits(index % 1000)
        var rest = index / 1000
        while rest > 0 {
            text = "x\(digits(rest % 1000))/\(text)"
            rest /= 1000
        }
        // "The .p/<W> suffix is only present for partial tiles"
        return width < Tile.fullWidth ? "\(text).p/\(width)" : text
    }

    private static func digits(_ number: UInt64) -> String {
        let text = String(number)
        return String(repeating: "0", count: 3 - text.utf8.count) + text
    }

    private typealias Elements = ArraySlice<Substring.UTF8View>

    private static func parse(_ elements: Elements) -> (index: UInt64, width: Int)? {
        var elements = elements
        var width = UInt64(Tile.fullWidth)
        if let partial = elements.dropLast().last, partial.count == 5, partial.suffix(2).elementsEqual(".p".utf8) {
            // "W is the width of the tile, a decimal ASCII integer between 1 and 255, with no additional leading
            // zeroes."
            guard let stated = elements.last.flatMap({ Decimal.parse($0) }), (1...255).contains(stated) else {
                return nil
            }
            width = stated
            elements.removeLast(2)
            elements.append(partial.dropLast(2))
        }
        guard let last = elements.last, let low = threeDigits(last) else { return nil }
        var index: UInt64 = 0
        for element in elements.dropLast() {
            guard element.first == 0x78, let group = threeDigits(element.dropFirst()) else { return nil }
            let (thousands, overflowed) = index.multipliedReportingOverflow(by: 1000)
            guard !overflowed, thousands <= UInt64.max - 999_999 else { return nil }
            index = thousands + group
        }
        let (thousands, overflowed) = index.multipliedReportingOverflow(by: 1000)
        guard !overflowed, thousands <= UInt64.max - 999 else { return nil }
        return (thousands + low, Int(width))
    }

    private static func threeDigits(_ element: Substring.UTF8View) -> UInt64? {
        guard element.count == 3 else { return nil }
        var value: UInt64 = 0
        for digit in element {
            guard (0x30...0x39).contains(digit) else { return nil }
            value = value * 10 + UInt64(digit - 0x30)
        }
        return value
    }
}
