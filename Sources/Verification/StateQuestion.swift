import COSE
public import Governance
import Tlog

/// What a caller wants to know from a state proof.
public struct StateQuestion: Sendable {
    /// What the key should have.
    public enum Expectation: Sendable {
        /// A record, whatever it says.
        case present
        /// None.
        case absent
        /// A record with these members: see ``CBOR/has(_:)``.
        case value(JSON)
    }

    /// The key that the proof must be of; any if nil.
    public var key: StateKey?
    public var expectation: Expectation?
    /// The state must be at this size of the log or a later one.
    public var leastSize: UInt64?
    /// Whether an answer will do that nobody but the log vouches for, where the trust file names no state quorum.
    public var isWithoutStateQuorum: Bool

    public init(
        key: StateKey? = nil, expectation: Expectation? = nil, leastSize: UInt64? = nil,
        isWithoutStateQuorum: Bool = false
    ) {
        self.key = key
        self.expectation = expectation
        self.leastSize = leastSize
        self.isWithoutStateQuorum = isWithoutStateQuorum
    }
}

/// What a verified state proof shows.
public struct ProvenState: Sendable, Hashable {
    public let key: StateKey
    /// The record's bytes; nil if the key is absent.
    public let value: [UInt8]?
    /// The size of the log that the state is of.
    public let size: UInt64
    /// The seal's time, ms since 1970.
    public let time: UInt64

    /// The value as JSON; bytes are `{"$bytes": …}` as in events.
    public var json: JSON {
        guard let value, let item = try? CBOR(decoding: value) else { return .null }
        return JSON(item)
    }
}

extension CBOR {
    /// Whether the item says what a person wrote in JSON: of an object, that the members named are there and say so,
    /// whatever else is there; of anything else, that it is the same. Bytes are written in lowercase hex, or as
    /// `{"$bytes": …}`.
    func has(_ expected: JSON) -> Bool {
        switch (self, expected) {
        case (.bytes(let bytes), .string(let text)): return Hex.encode(bytes) == text
        case (.array(let items), .array(let others)):
            return items.count == others.count && zip(items, others).allSatisfy { $0.has($1) }
        case (.map(let map), .object(let members)):
            return members.allSatisfy { member in map[.text(member.name)]?.has(member.value) ?? false }
        default: return JSON(self) == expected
        }
    }

    /// The item as names and texts, to show to people: the members of maps by their path, bytes in hex.
    func values(named name: String) -> [CheckValue] {
        switch self {
        case .map(let map) where !map.isEmpty:
            return map.entries.flatMap { entry in
                let member = entry.key.textValue ?? entry.key.plainText
                return entry.value.values(named: name.isEmpty ? member : "\(name).\(member)")
            }
        default: return [CheckValue(name.isEmpty ? "value" : name, plainText)]
        }
    }

    private var plainText: String {
        switch self {
        case .text(let text): text
        case .bytes(let bytes): Hex.encode(bytes)
        case .array(let items): "[" + items.map(\.plainText).joined(separator: ", ") + "]"
        default: description
        }
    }
}
