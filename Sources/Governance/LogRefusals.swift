public import COSE
public import Tlog

/// What the log refused since the record before: its own entry directly before a seal, at most one a minute.
///
/// Only refusals of statements whose signature verified and whose key counted at the time are in it, so that nobody else
/// can make the log grow, and many of one kind are one row.
///
/// ```cddl
/// refusals-data = { "refusals": [1*64 [key: hash, reason: tstr .size (1..64), count: 1..18446744073709551615]],
///   "others": uint }
/// ```
public struct LogRefusals: Sendable, Hashable {
    public static let stream = "log.refusals"
    /// The most rows that one record has.
    public static let maxRows = 64
    /// The least time between two records, in ms.
    public static let interval: UInt64 = 60_000

    /// How often statements of a key were refused for a reason.
    public struct Row: Sendable, Hashable {
        /// The thumbprint of the key.
        public let keyID: Hash
        public let reason: String
        public let count: UInt64

        public init(keyID: Hash, reason: String, count: UInt64) {
            self.keyID = keyID
            self.reason = reason
            self.count = count
        }

        var cbor: CBOR { [.hash(keyID), .text(reason), .unsigned(count)] }

        static func precedes(_ left: Row, _ right: Row) -> Bool {
            if left.keyID != right.keyID { return left.keyID < right.keyID }
            return left.reason.utf8.lexicographicallyPrecedes(right.reason.utf8)
        }
    }

    /// The time of its batch.
    public let time: UInt64
    /// In the order of keys, then reasons; no pair twice.
    public let rows: [Row]
    /// How many more refusals there were, that no row has.
    public let others: UInt64
    public let seq: UInt64
    /// The leaf hash of the record before; nil if there is none.
    public let prev: Hash?

    /// The record of these counts: the most frequent rows, the rest in one number.
    public init(time: UInt64, counts: [Row], others: UInt64 = 0, seq: UInt64, prev: Hash?) {
        precondition((seq == 0) == (prev == nil), "the first record, and only it, has no predecessor")
        let sorted = counts.sorted {
            $0.count != $1.count ? $0.count > $1.count : Row.precedes($0, $1)
        }
        self.time = time
        rows = sorted.prefix(Self.maxRows).sorted(by: Row.precedes)
        self.others = sorted.dropFirst(Self.maxRows).reduce(others) { $0 &+ $1.count }
        self.seq = seq
        self.prev = prev
    }

    /// Signs the record as a log's entry.
    public func statement(origin: Origin, key: Ed25519.SigningKey) -> SignedStatement {
        do {
            let event = try Event(
                type: EventType.refusals, stream: Self.stream, seq: seq, prev: prev, time: time,
                data: ["refusals": .array(rows.map(\.cbor)), "others": .unsigned(others)])
            return try SignedStatement.sign(
                payload: event.encoded(), contentType: Event.contentType, issuer: origin.text, subject: origin.text,
                key: key)
        } catch {
            preconditionFailure("a record of refusals has no parts that cannot be signed: \(error)")
        }
    }

    /// Reads a record from a log's entry. Its signature, its place and what it says are not checked here.
    public init(_ statement: SignedStatement, origin: Origin) throws(SealError) {
        let event = try Seal.event(of: statement, origin: origin)
        guard event.type == EventType.refusals, event.stream.hasSameUTF8(as: Self.stream) else {
            throw .notASeal(type: event.type, stream: event.stream)
        }
        do {
            let fields = try FieldReader(event.data, path: "", fields: ["refusals", "others"])
            rows = try fields.elements("refusals", count: 1...Self.maxRows) { item, path throws(FieldError) in
                guard let parts = item.arrayValue, parts.count == 3,
                    let keyID = parts[0].bytesValue.flatMap({ Hash($0) }),
                    let reason = parts[1].textValue, let count = parts[2].unsignedValue
                else { throw .wrongKind(path) }
                guard (1...64).contains(reason.utf8.count), count > 0, TextRule.isName(reason, 1...64) else {
                    throw .invalid(path, "a key, a reason of at most 64 bytes and a number")
                }
                return Row(keyID: keyID, reason: reason, count: count)
            }
            others = try fields.unsigned("others")
        } catch {
            throw .fields(error)
        }
        time = event.time
        seq = event.seq
        prev = event.prev
    }
}
