public import Tlog

/// The answer to a statement that was not registered: what was wrong, with the values, and what would be right.
///
/// Behind one reference, so that the results of what is registered, which nearly everything is, stay small.
public struct Rejection: Error, Sendable, Hashable {
    private struct Fields: Sendable, Hashable {
        let code: RejectionCode
        let detail: String
        let rule: String?
        let setBy: UInt64?
        let expected: ExpectedLink?
        let existingIndex: UInt64?
        let retryAfter: Int?
    }

    private final class Box: Sendable {
        let fields: Fields
        init(_ fields: Fields) { self.fields = fields }
    }

    private let box: Box

    public var code: RejectionCode { box.fields.code }

    /// A sentence for people: the values that were found and what to do.
    public var detail: String { box.fields.detail }

    /// Which check of admission refused it: a name of `spec/governance.md`, finer than the code; nil if it was none.
    public var rule: String? { box.fields.rule }

    /// The index of the entry that set the rule, or made what the statement runs against; nil where there is none.
    public var setBy: UInt64? { box.fields.setBy }

    /// With ``RejectionCode/streamGap`` and ``RejectionCode/streamFork``: the link that the stream would take next.
    public var expected: ExpectedLink? { box.fields.expected }

    /// With ``RejectionCode/streamFork``: the index of the statement that already stands there.
    public var existingIndex: UInt64? { box.fields.existingIndex }

    /// With a temporary code: how many seconds to wait before the same bytes are sent again.
    public var retryAfter: Int? { box.fields.retryAfter }

    public init(
        _ code: RejectionCode, _ detail: String, rule: String? = nil, setBy: UInt64? = nil,
        expected: ExpectedLink? = nil, existingIndex: UInt64? = nil, retryAfter: Int? = nil
    ) {
        box = Box(
            Fields(
                code: code, detail: detail, rule: rule, setBy: setBy, expected: expected, existingIndex: existingIndex,
                retryAfter: retryAfter))
    }

    public static func == (left: Rejection, right: Rejection) -> Bool { left.box.fields == right.box.fields }

    public func hash(into hasher: inout Hasher) { hasher.combine(box.fields) }

    /// The sequence number that the stream takes next, where the rejection is about a stream.
    public var expectedSeq: UInt64? { expected?.seq }

    /// The leaf hash that the stream's next statement must name; nil for the first of a stream, and where
    /// ``expectedSeq`` is nil.
    public var expectedPrev: Hash? { expected?.prev }
}

extension Rejection {
    /// The place in a stream that is free: the next statement has this number and names this predecessor.
    public struct ExpectedLink: Sendable, Hashable {
        public let seq: UInt64

        /// The leaf hash of the newest statement in the stream; nil where the stream has none yet.
        public let prev: Hash?

        public init(seq: UInt64, prev: Hash?) {
            self.seq = seq
            self.prev = prev
        }
    }
}

extension Rejection: CustomStringConvertible {
    public var description: String { "\(code.rawValue): \(detail)" }
}
