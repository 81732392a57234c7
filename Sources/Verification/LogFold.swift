import COSE
public import Governance
import Tlog

/// What the entries of a whole log fold into, and the first of them that the log's own rules don't allow.
public struct LogFold: Sendable, Hashable {
    /// The first difference between the log and its rules.
    public struct Difference: Sendable, Hashable {
        /// The entry; nil if one is missing at the end.
        public let entry: UInt64?
        /// The rule, by its name in the specification of governance.
        public let rule: String
        /// The entry that set the rule, where there is one.
        public let setBy: UInt64?
        public let sentence: String
    }

    /// The size that the state is of: the last seal that is right.
    public let size: UInt64
    public let seals: UInt64
    /// That seal's time, ms since 1970, and the root of the state.
    public let time: UInt64
    public let stateRoot: String
    /// The digest of the policy in force, and the entry that set it.
    public let policy: String
    public let policyIndex: UInt64
    /// How many keys the state has of each kind, in the order of their names.
    public let kinds: [Kind]
    /// The log's keys, and those that were.
    public let logKeys: ReplayedLogKeys?
    /// What a trust file of the genesis lacks to name them; empty in a log that has kept its keys.
    public let trustLines: [String]
    public let difference: Difference?

    public struct Kind: Sendable, Hashable {
        public let name: String
        public let count: UInt64
    }

    /// Nil before the first seal that is right, if nothing is wrong.
    init?(_ reading: LogReading<some TileSource>) {
        self.init(reading.replay, genesis: reading.genesisPolicy, failure: reading.replayFailure)
    }

    /// What a replay has come to, and what ended it.
    ///
    /// - Parameter genesis: the policy of entry 0.
    public init?(_ replay: LogReplay, genesis: Policy?, failure: ReplayError?) {
        guard let rules = replay.rules else { return nil }
        let logKeys = ReplayedLogKeys(replay)
        self.logKeys = logKeys
        trustLines = genesis.flatMap { logKeys?.trustLines(beside: $0) } ?? []
        size = replay.sealedSize
        seals = replay.lastSeal.map { $0.seq + 1 } ?? 0
        time = replay.lastSeal?.time ?? 0
        stateRoot = replay.map.root.hex
        policy = rules.policy.digest.hex
        policyIndex = rules.policyIndex
        var counts: [String: UInt64] = [:]
        for key in replay.state.values.keys { counts[key.kind, default: 0] += 1 }
        kinds = counts.sorted { $0.key < $1.key }.map { Kind(name: $0.key, count: $0.value) }
        difference = failure.map { failure in
            Difference(
                entry: failure.index, rule: failure.reason, setBy: failure.setBy, sentence: failure.description)
        }
    }

    /// Lines for people.
    public var text: String {
        var text = "governance at size \(size): \(seals) seals, policy \(policy) of entry \(policyIndex)\n"
        text += "state \(stateRoot): " + kinds.map { "\($0.count) \($0.name)" }.joined(separator: ", ") + "\n"
        if !trustLines.isEmpty {
            text += "the log's keys have changed; a trust file of its genesis takes these lines:\n"
            text += trustLines.map { "  \($0)\n" }.joined()
        }
        if let difference {
            let setBy = difference.setBy.map { " set by entry \($0)" } ?? ""
            text += "first difference: \(difference.rule)\(setBy): \(difference.sentence)\n".withoutControlsInLine
        }
        return text
    }

    /// An object; `first-difference` is null in a log that keeps its rules.
    public var json: JSON {
        let difference = self.difference.map { difference -> JSON in
            .object([
                JSONMember("entry", difference.entry.map { JSON($0) } ?? .null),
                JSONMember("rule", .string(difference.rule)),
                JSONMember("set-by", difference.setBy.map { JSON($0) } ?? .null),
                JSONMember("reason", .string(difference.sentence)),
            ])
        }
        return .object([
            JSONMember("size", JSON(size)), JSONMember("seals", JSON(seals)), JSONMember("time", JSON(time)),
            JSONMember("state-root", .string(stateRoot)), JSONMember("policy", .string(policy)),
            JSONMember("policy-entry", JSON(policyIndex)),
            JSONMember("state", .object(kinds.map { JSONMember($0.name, JSON($0.count)) })),
            JSONMember("log-keys", logKeys?.json ?? .null),
            JSONMember("trust-lines", .array(trustLines.map { .string($0) })),
            JSONMember("first-difference", difference ?? .null),
        ])
    }
}

extension String {
    /// One line that ends with its newline, and no other control character.
    fileprivate var withoutControlsInLine: String { String(dropLast()).withoutControls + "\n" }
}
