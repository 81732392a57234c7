/// Metrics in the text format of Prometheus, version 0.0.4.
///
/// "The last line must end with a line feed character." `label_value`: "the backslash (\), double-quote ("), and line
/// feed (\n) characters have to be escaped as \\, \", and \n".
package struct MetricsText {
    package enum Kind: String {
        case counter, gauge, histogram
    }

    package private(set) var bytes: [UInt8] = []

    package init() {
        bytes.reserveCapacity(16 << 10)
    }

    /// Begins a metric: its samples come next.
    package mutating func metric(_ name: String, _ kind: Kind, _ help: String) {
        // In help only the backslash and the line feed are escaped; ours have neither.
        append("# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n")
    }

    package mutating func sample(_ name: String, _ value: UInt64, _ labels: (String, String)...) {
        head(name, labels)
        append("\(value)\n")
    }

    package mutating func sample(_ name: String, _ value: Double, _ labels: (String, String)...) {
        head(name, labels)
        append("\(Self.number(value))\n")
    }

    /// The samples of a histogram.
    ///
    /// - Parameters:
    ///   - bounds: ascending upper bounds, each inclusive.
    ///   - counts: one for each bound and one for what is above; not cumulative. The text has them cumulative.
    package mutating func histogram(
        _ name: String, _ labels: (String, String)..., bounds: [Double], counts: some Sequence<UInt64>, sum: Double
    ) {
        var total: UInt64 = 0
        for (index, count) in counts.enumerated() {
            total += count
            let bound = index < bounds.count ? Self.number(bounds[index]) : "+Inf"
            head("\(name)_bucket", labels + [("le", bound)])
            append("\(total)\n")
        }
        head("\(name)_sum", labels)
        append("\(Self.number(sum))\n")
        head("\(name)_count", labels)
        append("\(total)\n")
    }

    private mutating func head(_ name: String, _ labels: [(String, String)]) {
        append(name)
        var separator = "{"
        for (label, value) in labels {
            append("\(separator)\(label)=\"")
            escape(value)
            append("\"")
            separator = ","
        }
        append(labels.isEmpty ? " " : "} ")
    }

    private mutating func escape(_ value: String) {
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): append(#"\\"#)
            case UInt8(ascii: "\""): append(#"\""#)
            case UInt8(ascii: "\n"): append(#"\n"#)
            default: bytes.append(byte)
            }
        }
    }

    private mutating func append(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    /// As Go's ParseFloat reads it: whole numbers without a fraction.
    private static func number(_ value: Double) -> String {
        if let whole = Int64(exactly: value) { return String(whole) }
        return value.isNaN ? "NaN" : value.isInfinite ? (value > 0 ? "+Inf" : "-Inf") : String(value)
    }
}
