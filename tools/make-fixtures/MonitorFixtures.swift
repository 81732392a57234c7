import COSE
import Governance
import Tlog

/// The vectors of a monitor and of a state witness. What is expected of each case is written here by hand;
/// `MonitorTests` holds the code to it.
enum MonitorFixtures {
    static let suites: [FixtureSuite] = [
        FixtureSuite(folder: "monitor") {
            [
                ("report.json", try MonitorReportFixtures.document().file),
                ("state-witness.json", try StateWitnessFixtures.document().file),
            ]
        }
    ]
}

/// Logs of one origin and one key, by name; at most one of them can be honest.
struct MonitorCast {
    let logs: [(name: String, log: TestLog)]

    init() throws {
        var honest = try TestLog()
        try honest.grow(to: 30)
        // Entries 0 to 4 as in the honest one: its batches are shorter.
        var other = try TestLog()
        try other.grow(to: 30, batch: 3)
        var begun = try TestLog()
        try begun.grow(to: 13)
        var liar = begun
        try liar.append(try liar.event())
        liar.seal(root: .zero)
        var twice = begun
        let opaque = try SignedStatement.sign(
            payload: Array("evidence".utf8), contentType: "text/plain", issuer: TestLog.issuer, subject: "task/9",
            key: twice.issuerKey)
        try twice.append(opaque)
        twice.seal()
        try twice.append(opaque)
        twice.seal()
        var unsealed = begun
        try unsealed.append(try unsealed.event())
        logs = [
            ("honest", honest), ("other", other), ("liar", liar), ("twice", twice), ("unsealed", unsealed),
        ]
    }

    subscript(name: String) -> TestLog {
        guard let found = logs.first(where: { $0.name == name }) else { preconditionFailure("no log \(name)") }
        return found.log
    }

    /// The entries of each log, base64.
    var entries: FixtureValue {
        .object(
            logs.map { name, log in
                (name: name, value: .array(log.entries.map { .string(Base64.encode($0)) }))
            })
    }
}

/// What a state witness cosigns and what not.
enum StateWitnessFixtures {
    private static let time: UInt64 = 1_750_000_200
    private static let name = "state.example/s"

    static func document() throws -> FixtureValue {
        let cast = try MonitorCast()
        let key = try TestLog.key(220)
        let vkey = VerifierKey.cosigner(name: try KeyName(name), publicKey: key.publicKey)
        return [
            "about": .string(
                """
                What a state witness does with a head that it is asked to cosign, after it has followed what the log \
                shows. shown: whose entries the log serves, and the head it shows. answer: cosigned, not-yet (503), or \
                refused (403); line is the cosignature at the time given (seconds), by the key with this seed (hex).
                """),
            "trust": .string(try cast["honest"].trustText()),
            "key": [
                "name": .string(name), "seed": .string(String(repeating: "dc", count: 32)), "vkey": .string(vkey.text),
            ],
            "time": .number(time),
            "logs": cast.entries,
            "cases": .array(try cases(cast)),
        ]
    }

    private static func cases(_ cast: MonitorCast) throws -> [FixtureValue] {
        let (honest, other) = (cast["honest"], cast["other"])
        let stranger = try TestLog(origin: "log.example/other")
        return [
            try cosigned("the head that is shown", "honest", 13, of: honest, 13),
            try cosigned("an older head", "honest", 30, of: honest, 13),
            try cosigned("the first head", "honest", 30, of: honest, 2),
            try cosigned("a head that nobody else has cosigned", "honest", 13, of: honest, 13, witnesses: 0),
            try refused("a head that is not shown yet", "honest", 13, of: honest, 24, "not-yet"),
            try refused("a larger head of another history", "honest", 13, of: other, 30, "not-yet"),
            try refused("another tree of the same size", "honest", 30, of: other, 30),
            try refused("a smaller head of another history", "honest", 30, of: other, 14),
            try refused("a head that does not end with a seal", "honest", 30, of: honest, 12),
            try refused("the empty tree", "honest", 30, of: honest, 0),
            try refused("a seal with another state root", "liar", 15, of: cast["liar"], 15),
            try refused("an older head of a log that lied since", "liar", 15, of: cast["liar"], 13),
            try refused("a statement for the second time", "twice", 17, of: cast["twice"], 17),
            try refused("statements without a seal", "unsealed", 14, of: cast["unsealed"], 14),
            try refused("a log that is not followed", "honest", 30, of: stranger, 2),
        ]
    }

    private static func cosigned(
        _ name: String, _ shown: String, _ size: UInt64, of log: TestLog, _ asked: UInt64, witnesses: Int = 2
    ) throws -> FixtureValue {
        let checkpoint = try log.checkpoint(asked).checkpoint
        let line = Cosignature.sign(checkpoint, name: try KeyName(Self.name), key: try TestLog.key(220), time: time)
        return try value(name, shown, size, try log.checkpoint(asked, witnesses: witnesses), "cosigned", line)
    }

    private static func refused(
        _ name: String, _ shown: String, _ size: UInt64, of log: TestLog, _ asked: UInt64, _ answer: String = "refused"
    ) throws -> FixtureValue {
        try value(name, shown, size, try log.checkpoint(asked), answer, nil)
    }

    private static func value(
        _ name: String, _ shown: String, _ size: UInt64, _ asked: SignedCheckpoint, _ answer: String,
        _ line: NoteSignature?
    ) throws -> FixtureValue {
        var members: [(name: String, value: FixtureValue)] = [
            ("name", .string(name)),
            ("shown", ["log": .string(shown), "checkpoint": .text(try MonitorCast()[shown].checkpoint(size).bytes)]),
            ("asked", .text(asked.bytes)), ("answer", .string(answer)),
        ]
        if let line { members.append(("line", .string(line.line))) }
        return .object(members)
    }
}
