public import Governance
public import Tlog

/// One thing that a monitor reports: a line of its output. `spec/monitor.md` has the members of each.
public struct MonitorEvent: Sendable, Equatable {
    /// Stable names.
    public enum Name: String, Sendable, Hashable, CaseIterable {
        /// A log is followed from here on.
        case started
        /// The log has a newer head; everything up to it is verified.
        case growth
        /// An entry that the filter asks for.
        case statement
        /// How a log stands at the end of a single round.
        case checked
        /// The log can't be reached.
        case unreachable
        /// The head that is shown is not vouched for.
        case unverified
        /// A head that covers a change of the log's keys is signed with one from before.
        case formerKey = "former-key"
        /// The log shows a head and not all that is under it.
        case gap
        /// What the log serves is not what is under its head.
        case mismatch
        /// The log shows an older head than before.
        case behind
        /// The head's time, which the witnesses vouch for, is too long ago.
        case stale
        /// Nothing was added for too long.
        case silence
        /// The newest seal has a time that has not come yet.
        case futureTime = "future-time"
        /// A witness does not say what it cosigned.
        case witnessUnreachable = "witness-unreachable"
        /// A witness shows what the log did not sign.
        case witnessUnverified = "witness-unverified"
        /// A witness shows a larger tree than the log, for too long.
        case withheld
        /// What the monitor keeps can't be used.
        case storage
        /// One of the conditions above is over.
        case recovered
        /// An entry that the log's own rules don't allow.
        case violation
        /// The log signed two histories.
        case fork
    }

    public let name: Name
    public let origin: Origin
    /// Milliseconds since 1970.
    public let time: UInt64
    /// What belongs to this kind of event.
    public let members: [JSONMember]
    /// The same for people, without the log and the time.
    public let sentence: String

    public init(_ name: Name, _ origin: Origin, at time: UInt64, _ members: [JSONMember], sentence: String) {
        self.name = name
        self.origin = origin
        self.time = time
        self.members = members
        self.sentence = sentence
    }

    /// One object.
    public var json: JSON {
        .object(
            [
                JSONMember("event", .string(name.rawValue)), JSONMember("log", .string(origin.text)),
                JSONMember("time", JSON(time)),
            ] + members)
    }
}

/// Something about a log that is not as it should be, until it is again.
public struct Condition: Sendable, Hashable {
    public let name: MonitorEvent.Name
    /// The witness that it is about, where it is about one.
    public let witness: String?

    init(_ name: MonitorEvent.Name, witness: String? = nil) {
        self.name = name
        self.witness = witness
    }
}
