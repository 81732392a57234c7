import COSE
import Governance
public import Tlog

/// A problem that the log answered with: RFC 9290 (CBOR), or RFC 9457 (JSON) where something between us and the log
/// speaks that. Nothing in it is verified: it is what the other side says.
public struct LogProblem: Error, Sendable, Hashable {
    /// The HTTP status.
    public var status: Int
    /// The stable code (`stream-gap`, `rate-limited` …; `spec/errors.md` has the table); nil if the answer has none.
    public var code: String?
    public var title: String?
    public var detail: String?
    /// Which check of admission refused the statement (`state-moved`, `grant-cover` …; `spec/governance.md`), and the
    /// entry that set the rule; nil if it was none.
    public var rule: String?
    public var setBy: UInt64?
    /// With `stream-gap` and `stream-fork`: the sequence number that the stream takes next, and the leaf hash of the
    /// statement before it (nil for the first of a stream).
    public var expectedSeq: UInt64?
    public var expectedPrev: Hash?
    /// Seconds that the log asks to wait.
    public var retryAfter: Int?

    public init(
        status: Int, code: String? = nil, title: String? = nil, detail: String? = nil, expectedSeq: UInt64? = nil,
        expectedPrev: Hash? = nil, retryAfter: Int? = nil
    ) {
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.expectedSeq = expectedSeq
        self.expectedPrev = expectedPrev
        self.retryAfter = retryAfter
    }

    /// Reads the body of an answer with this status. A body that is no problem gives one without code and words.
    init(status: Int, body: [UInt8], retryAfter: Int?) {
        self.init(status: status, retryAfter: retryAfter)
        if let map = try? CBOR(decoding: body, keyOrder: .any).mapValue {
            title = map[-1]?.textValue
            detail = map[-2]?.textValue
            read(Self.fields(map))
        } else if let json = try? JSON(parsing: body), json.objectValue != nil {
            title = json["title"]?.stringValue
            detail = json["detail"]?.stringValue
            code = json["code"]?.stringValue
            rule = json["rule"]?.stringValue
            setBy = json["set-by"]?.unsignedValue
            expectedSeq = json["expected-seq"]?.unsignedValue
            expectedPrev = json["expected-prev"]?.stringValue.flatMap { Hash(hex: $0) }
        }
    }

    /// RFC 9290 section 3: custom problem details stand in a map under a key that is a URI or an unsigned integer.
    private static func fields(_ map: CBORMap) -> CBORMap {
        for entry in map.entries {
            if case .map(let fields) = entry.value, fields["code"]?.textValue != nil { return fields }
        }
        return map
    }

    private mutating func read(_ fields: CBORMap) {
        code = fields["code"]?.textValue
        rule = fields["rule"]?.textValue
        setBy = fields["set-by"]?.unsignedValue
        expectedSeq = fields["expected-seq"]?.unsignedValue
        expectedPrev = fields["expected-prev"]?.bytesValue.flatMap { Hash($0) }
        retryAfter = retryAfter ?? fields["retry-after"]?.unsignedValue.map { Int(min($0, 86_400)) }
    }

    /// Whether the same bytes may be accepted when they are sent again later.
    public var isTemporary: Bool {
        [429, 502, 503, 504].contains(status)
    }
}
