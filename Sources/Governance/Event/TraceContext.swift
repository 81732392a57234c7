internal import Tlog

/// Where an event belongs in a distributed trace: the two fields of W3C Trace Context, level 1.
public struct TraceContext: Sendable, Hashable {
    /// Version 00: `00-<32 hex digits>-<16 hex digits>-<2 hex digits>`, lowercase.
    public let traceparent: String
    /// Up to 512 characters of printable ASCII.
    public let tracestate: String?

    /// Nil if either field does not have the form above.
    public init?(traceparent: String, tracestate: String? = nil) {
        guard TraceContext.isTraceparent(traceparent) else { return nil }
        if let tracestate {
            guard (1...512).contains(tracestate.utf8.count),
                tracestate.utf8.allSatisfy({ (0x20...0x7e).contains($0) })
            else { return nil }
        }
        self.traceparent = traceparent
        self.tracestate = tracestate
    }

    private static func isTraceparent(_ text: String) -> Bool {
        let fields = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard fields.map(\.count) == [2, 32, 16, 2], fields.allSatisfy({ $0.allSatisfy(TextRule.isLowercaseHex) })
        else { return false }
        // "All bytes as zero … is considered an invalid value", for trace-id and parent-id both.
        let isZero = { (field: Substring.UTF8View) in field.allSatisfy { $0 == UInt8(ascii: "0") } }
        return fields[0].elementsEqual("00".utf8) && !isZero(fields[1]) && !isZero(fields[2])
    }
}
