public import Tlog

/// The answer to a statement that was not registered: what was wrong, with the values, and what would be right.
public struct Rejection: Error, Sendable, Hashable {
    public let code: RejectionCode

    /// A sentence for people: the values that were found and what to do.
    public let detail: String

    /// Which check of admission refused it: a name of `spec/governance.md`, finer than the code; nil if it was none.
    public let rule: String?

    /// The index of the entry that set the rule, or made what the statement runs against; nil where there is none.
    public let setBy: UInt64?

    /// With ``RejectionCode/streamGap`` and ``RejectionCode/streamFork``: the link that the stream would take next.
    public let expected: ExpectedLink?

    /// With ``RejectionCode/streamFork``: the index of the statement that already stands there.
    public let existingIndex: UInt64?

    /// With a temporary code: how many seconds to wait before the same bytes are sent again.
    public let retryAfter: Int?

    public init(
        _ code: RejectionCode, _ detail: String, rule: String? = nil, setBy: UInt64? = nil,
        expected: ExpectedLink? = nil, existingIndex: UInt64? = nil, retryAfter: Int? = nil
    ) {
        self.code = code
        self.detail = detail
        self.rule = rule
        self.setBy = setBy
        self.expected = expected
        self.existingIndex = existingIndex
        self.retryAfter = retryAfter
    }

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
