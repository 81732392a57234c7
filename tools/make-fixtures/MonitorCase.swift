import COSE
import Governance
import Tlog

/// One log that is looked at several times.
struct MonitorCase {
    private let name: String
    private let settings: [(name: String, value: FixtureValue)]
    private let looks: [MonitorLook]
    private let conditions: [String]
    private let evidence: String?

    init(
        _ name: String, settings: [(name: String, value: FixtureValue)] = [], looks: [MonitorLook],
        conditions: [String] = [], evidence: String? = nil
    ) {
        self.name = name
        self.settings = settings
        self.looks = looks
        self.conditions = conditions
        self.evidence = evidence
    }

    var value: FixtureValue {
        .object([
            (name: "name", value: .string(name)), (name: "settings", value: .object(settings)),
            (name: "looks", value: .array(looks.map(\.value))),
            (name: "conditions", value: .array(conditions.map { .string($0) })),
            (name: "evidence", value: evidence.map { .string($0) } ?? .null),
        ])
    }
}

/// What there is to see, and what is to be said of it.
struct MonitorLook {
    private let seconds: UInt64
    private let log: String?
    private var checkpoint: SignedCheckpoint?
    private let without: [String]
    private let reports: [MonitorReport]
    private var witnesses: [(name: String, value: FixtureValue)] = []

    /// A log with a head of its own, and so many seconds later than the first look.
    static func of(
        _ cast: MonitorCast, _ log: String, _ size: UInt64, cosigners: Int = 2, after seconds: UInt64 = 0,
        without: [String] = [], _ reports: [MonitorReport] = []
    ) throws -> MonitorLook {
        MonitorLook(
            seconds: seconds, log: log, checkpoint: try cast[log].checkpoint(size, witnesses: cosigners),
            without: without, reports: reports)
    }

    /// No answer.
    static func silent(after seconds: UInt64 = 0, _ reports: [MonitorReport] = []) -> MonitorLook {
        MonitorLook(seconds: seconds, log: nil, checkpoint: nil, without: [], reports: reports)
    }

    func showing(_ checkpoint: SignedCheckpoint) -> MonitorLook {
        var look = self
        look.checkpoint = checkpoint
        return look
    }

    func witnesses(_ witnesses: [(name: String, value: FixtureValue)]) -> MonitorLook {
        var look = self
        look.witnesses = witnesses
        return look
    }

    private var time: UInt64 { MonitorReportFixtures.start + seconds * 1000 }

    var value: FixtureValue {
        .object([
            (name: "time", value: .number(time)), (name: "log", value: log.map { .string($0) } ?? .null),
            (name: "checkpoint", value: checkpoint.map { .text($0.bytes) } ?? .null),
            (name: "without", value: .array(without.map { .string($0) })),
            (name: "witnesses", value: .object(witnesses)),
            (name: "reports", value: .array(reports.map { $0.value(at: time) })),
        ])
    }
}

/// One line of a monitor's output.
struct MonitorReport {
    private let event: String
    private let members: [(name: String, value: FixtureValue)]

    private init(_ event: String, _ members: [(name: String, value: FixtureValue)] = []) {
        self.event = event
        self.members = members
    }

    static func growth(
        _ log: TestLog, from: UInt64, to size: UInt64, by cosigners: [String] = ["w0", "w1"],
        headTime: UInt64 = 1_750_000_000
    ) throws -> MonitorReport {
        let seal = try Seal(try log.statement(size - 1), origin: log.origin)
        return MonitorReport(
            "growth",
            [
                ("from", .number(from)), ("size", .number(size)), ("root", .string(log.head(size).root.hex)),
                ("sealTime", .number(seal.time)), ("stateRoot", .string(seal.stateRoot.hex)),
                ("headTime", .number(headTime)), ("cosignedBy", .array(cosigners.map { .string($0) })),
            ])
    }

    /// An event as the test's logs have them.
    static func statement(_ log: TestLog, _ index: UInt64, _ stream: String, seq: UInt64) throws -> MonitorReport {
        let opaque = try Self.opaque(log, index, subject: "task/7", "application/vnd.holdfast.event+cbor")
        let event = try Event(decoding: try log.statement(index).payload)
        return MonitorReport(
            "statement",
            opaque.members + [
                (
                    "statement",
                    [
                        "type": "work.done", "stream": .string(stream), "seq": .number(seq),
                        "prev": event.prev.map { .string($0.hex) } ?? .null, "time": .number(event.time),
                        "data": ["entry": .number(index)],
                    ]
                )
            ])
    }

    /// Any statement, of which no more is known than its header says.
    static func opaque(_ log: TestLog, _ index: UInt64, subject: String, _ contentType: String) throws -> MonitorReport
    {
        MonitorReport(
            "statement",
            [
                ("index", .number(index)), ("id", .string(Hash.leaf(log.entries[Int(index)]).hex)),
                ("issuer", .string(TestLog.issuer)), ("subject", .string(subject)),
                ("contentType", .string(contentType)),
            ])
    }

    static func condition(_ name: String, witness: String? = nil, reason: String? = nil) -> MonitorReport {
        MonitorReport(
            name,
            [("witness", witness), ("reason", reason)].compactMap { member in
                member.1.map { (member.0, .string($0)) }
            })
    }

    static func recovered(_ name: String, witness: String? = nil, seconds: UInt64) -> MonitorReport {
        var members: [(name: String, value: FixtureValue)] = [("of", .string(name))]
        if let witness { members.append(("witness", .string(witness))) }
        return MonitorReport("recovered", members + [("seconds", .number(seconds))])
    }

    static func violation(_ index: UInt64?, _ reason: String) -> MonitorReport {
        MonitorReport(
            "violation", [("index", index.map { .number($0) } ?? .null), ("reason", .string(reason))])
    }

    static var fork: MonitorReport { MonitorReport("fork") }

    func value(at time: UInt64) -> FixtureValue {
        .object(
            [("event", .string(event)), ("log", "log.example/test"), ("time", .number(time))] + members)
    }
}
