import COSE
import Governance
import Tlog

/// What a monitor reports of a log and its witnesses, look by look.
enum MonitorReportFixtures {
    static func document() throws -> FixtureValue {
        let cast = try MonitorCast()
        return [
            "about": .string(
                """
                What a monitor reports at each of several looks at one log. settings are named as in its configuration \
                file; max-age is 900 where it is not there. A look: time is the monitor's clock (ms); log, whose \
                entries are served, and checkpoint, what is shown (null: no answer); without, paths that are not \
                there; witnesses, what each shows (null: it has none; "down": no answer). reports leave out detail, \
                which is for people, and the path of the evidence, whose content is in evidence. conditions last at \
                the end.
                """),
            "trust": .string(try cast["honest"].trustText()),
            "logs": cast.entries,
            "cases": .array(
                try
                    (growth(cast) + grease(cast) + statements(cast) + times(cast) + faults(cast) + witnesses(cast)
                    + lies(cast)
                    + forks(cast)).map(\.value)),
        ]
    }

    /// One minute after the logs began.
    static let start = TestLog.start + 60_000

    // MARK: Logs that are as they should be

    private static func growth(_ cast: MonitorCast) throws -> [MonitorCase] {
        let honest = cast["honest"]
        return [
            MonitorCase(
                "growth",
                looks: [
                    try .of(cast, "honest", 13, [.growth(honest, from: 0, to: 13)]),
                    try .of(cast, "honest", 13, after: 10),
                    try .of(cast, "honest", 30, after: 20, [.growth(honest, from: 13, to: 30)]),
                ]),
            MonitorCase(
                "one more witness than the quorum needs, and its time is no quorum's",
                looks: [
                    try .of(
                        cast, "honest", 13, cosigners: 3,
                        [.growth(honest, from: 0, to: 13, by: ["w0", "w1", "w2"], headTime: 1_750_000_001)])
                ]),
        ]
    }

    /// Lines that mean nothing to a monitor, as other logs have them.
    private static func grease(_ cast: MonitorCast) throws -> [MonitorCase] {
        let honest = cast["honest"]
        let lines = [
            NoteSignature(name: try KeyName("grease.example"), keyID: 0x0102_0304, signature: [1]),
            NoteSignature(
                name: try KeyName("witness.example/pq"), keyID: 7, signature: [UInt8](repeating: 7, count: 2428)),
            // The log's name and a witness's, under keys that nobody knows.
            NoteSignature(name: honest.origin.keyName, keyID: 1, signature: [UInt8](repeating: 1, count: 64)),
            NoteSignature(name: try KeyName("w2.example"), keyID: 1, signature: [UInt8](repeating: 2, count: 72)),
        ]
        let extended = try Checkpoint(
            origin: honest.origin, head: honest.head(13), extensions: ["an extension line", "2"])
        let grown = try MonitorReport.growth(honest, from: 0, to: 13)
        let greased = (shown: try honest.checkpoint(13).adding(lines), old: try honest.checkpoint(2).adding(lines))
        return [
            MonitorCase(
                "a head with lines of unknown keys",
                looks: [try MonitorLook.of(cast, "honest", 13, [grown]).showing(greased.shown)]),
            MonitorCase(
                "a head with extension lines",
                looks: [try MonitorLook.of(cast, "honest", 13, [grown]).showing(honest.cosigned(extended))]),
            MonitorCase(
                "a witness shows a head with lines of unknown keys",
                looks: [
                    try MonitorLook.of(cast, "honest", 13, [grown])
                        .witnesses([("w0", .text(greased.old.bytes))])
                ]),
        ]
    }

    private static func statements(_ cast: MonitorCast) throws -> [MonitorCase] {
        let (other, twice) = (cast["other"], cast["twice"])
        return [
            MonitorCase(
                "statements of an issuer and a type",
                settings: [
                    ("issuers", [.string(TestLog.issuer)]), ("types", ["work.done", "work.begun"]),
                ],
                looks: [
                    try .of(
                        cast, "other", 6,
                        [
                            .statement(other, 2, "s2", seq: 0), .statement(other, 3, "s0", seq: 0),
                            .statement(other, 4, "s1", seq: 0), .growth(other, from: 0, to: 6),
                        ])
                ]),
            MonitorCase(
                "a content type and a subject", settings: [("subjects", ["task/9"]), ("types", ["text/plain"])],
                looks: [
                    try .of(
                        cast, "twice", 15,
                        [.opaque(twice, 13, subject: "task/9", "text/plain"), .growth(twice, from: 0, to: 15)])
                ]),
            MonitorCase(
                "nothing of the log's own is of that issuer and type",
                settings: [("issuers", [.string(TestLog.issuer)]), ("types", ["log.seal"])],
                looks: [try .of(cast, "other", 6, [.growth(other, from: 0, to: 6)])]),
        ]
    }

    private static func times(_ cast: MonitorCast) throws -> [MonitorCase] {
        let honest = cast["honest"]
        let grown = try MonitorReport.growth(honest, from: 0, to: 13)
        // A quorum vouches for second 0 of the log's time, which is a minute before the first look.
        return [
            MonitorCase(
                "a head's time that is too old", settings: [("max-age", 70)],
                looks: [
                    try .of(cast, "honest", 13, after: 10, [grown]),
                    try .of(cast, "honest", 13, after: 11, [.condition("stale")]),
                    try .of(cast, "honest", 13, after: 12),
                    try .of(cast, "honest", 13, after: 9, [.recovered("stale", seconds: 0)]),
                ]),
            MonitorCase(
                "any age will do", settings: [("max-age", 0)],
                looks: [try .of(cast, "honest", 13, after: 9999, [grown])]),
            MonitorCase(
                "nothing is added", settings: [("max-silence", 60)],
                looks: [
                    try .of(cast, "honest", 13, [grown]),
                    try .of(cast, "honest", 13, after: 2, [.condition("silence")]),
                    try .of(
                        cast, "honest", 30, after: 3,
                        [.growth(honest, from: 13, to: 30), .recovered("silence", seconds: 1)]),
                ]),
        ]
    }

    // MARK: Logs that do not show what they should

    private static func faults(_ cast: MonitorCast) throws -> [MonitorCase] {
        let honest = cast["honest"]
        let grown = try MonitorReport.growth(honest, from: 0, to: 13)
        return [
            MonitorCase(
                "no answer",
                looks: [
                    .silent([.condition("unreachable")]), .silent(after: 10),
                    try .of(cast, "honest", 13, after: 30, [.recovered("unreachable", seconds: 30), grown]),
                ]),
            MonitorCase(
                "a quorum is not there",
                looks: [
                    try .of(
                        cast, "honest", 13, cosigners: 1,
                        [.condition("unverified", reason: "quorum-not-reached")]),
                    try .of(cast, "honest", 13, after: 1, [.recovered("unverified", seconds: 1), grown]),
                ]),
            MonitorCase(
                "a bundle under the head is not there",
                looks: [
                    try .of(cast, "honest", 13, without: ["tile/entries/000.p/13"], [.condition("gap")]),
                    try .of(cast, "honest", 13, after: 5, [.recovered("gap", seconds: 5), grown]),
                ], conditions: []),
            MonitorCase(
                "tiles of another history under the head",
                looks: [
                    try MonitorLook.of(cast, "other", 14, [.condition("mismatch")])
                        .showing(honest.checkpoint(14))
                ], conditions: ["mismatch"]),
            MonitorCase(
                "an older head of the same history",
                looks: [
                    try .of(cast, "honest", 24, [.growth(honest, from: 0, to: 24)]),
                    try .of(cast, "honest", 13, after: 10, [.condition("behind")]),
                    try .of(
                        cast, "honest", 30, after: 20,
                        [.recovered("behind", seconds: 10), .growth(honest, from: 24, to: 30)]),
                ]),
        ]
    }

    private static func witnesses(_ cast: MonitorCast) throws -> [MonitorCase] {
        let honest = cast["honest"]
        let grown = try MonitorReport.growth(honest, from: 0, to: 13)
        func shows(_ log: TestLog, _ size: UInt64) throws -> FixtureValue { .text(try log.checkpoint(size).bytes) }
        return [
            MonitorCase(
                "witnesses of this history, one that knows nothing of the log, and one that is down",
                looks: [
                    try MonitorLook.of(cast, "honest", 13, [grown, .condition("witness-unreachable", witness: "w2")])
                        .witnesses([("w0", shows(honest, 2)), ("w1", .null), ("w2", "down")]),
                    try MonitorLook.of(
                        cast, "honest", 13, after: 10, [.recovered("witness-unreachable", witness: "w2", seconds: 10)]
                    ).witnesses([("w0", shows(honest, 13)), ("w1", shows(honest, 13)), ("w2", .null)]),
                ]),
            MonitorCase(
                "a head that the log keeps from its readers", settings: [("withheld-after", 60)],
                looks: [
                    try MonitorLook.of(cast, "honest", 13, [grown]).witnesses([("w0", shows(honest, 24))]),
                    try MonitorLook.of(cast, "honest", 13, after: 60).witnesses([("w0", shows(honest, 24))]),
                    try MonitorLook.of(cast, "honest", 13, after: 61, [.condition("withheld", witness: "w0")])
                        .witnesses([("w0", shows(honest, 24))]),
                    try MonitorLook.of(
                        cast, "honest", 24, after: 70,
                        [.growth(honest, from: 13, to: 24), .recovered("withheld", witness: "w0", seconds: 9)]
                    ).witnesses([("w0", shows(honest, 24))]),
                ]),
            MonitorCase(
                "a head that the log did not sign",
                looks: [
                    try MonitorLook.of(cast, "honest", 13, [grown, .condition("witness-unverified", witness: "w1")])
                        .witnesses([("w0", shows(honest, 13)), ("w1", shows(try TestLog(seed: 50), 2))])
                ], conditions: ["witness-unverified"]),
        ]
    }

    // MARK: Logs that lied

    private static func lies(_ cast: MonitorCast) throws -> [MonitorCase] {
        [
            MonitorCase(
                "a seal with another state root than the state's",
                looks: [try .of(cast, "liar", 15, [.violation(14, "state-root")])]),
            MonitorCase(
                "a statement for the second time",
                looks: [
                    try .of(cast, "twice", 15, [.growth(cast["twice"], from: 0, to: 15)]),
                    try .of(cast, "twice", 17, after: 1, [.violation(15, "duplicate-entry")]),
                    try .of(cast, "twice", 17, after: 2),
                ]),
            MonitorCase(
                "no seal at the end", looks: [try .of(cast, "unsealed", 14, [.violation(nil, "unsealed")])]),
        ]
    }

    private static func forks(_ cast: MonitorCast) throws -> [MonitorCase] {
        let (honest, other) = (cast["honest"], cast["other"])
        func begins(_ size: UInt64) throws -> MonitorLook {
            try .of(cast, "honest", size, [.growth(honest, from: 0, to: size)])
        }
        func case_(
            _ name: String, _ first: UInt64, _ second: UInt64, _ consistency: FixtureValue?
        ) throws -> MonitorCase {
            MonitorCase(
                name, looks: [try begins(first), try .of(cast, "other", second, after: 10, [.fork])],
                evidence: evidence(
                    [try honest.checkpoint(first), try other.checkpoint(second)], consistency, seen: start + 10_000))
        }
        let (known, found) = (try honest.checkpoint(30), try other.checkpoint(14, witnesses: 1))
        return [
            try case_("two trees of one size", 30, 30, nil),
            try case_("a larger tree that does not continue the smaller", 13, 30, at(other, 13, 30)),
            try case_("a smaller tree that the larger does not begin with", 30, 14, at(honest, 14, 30)),
            MonitorCase(
                "a witness was shown another history",
                looks: [
                    try MonitorLook.of(cast, "honest", 30, [.growth(honest, from: 0, to: 30), .fork])
                        .witnesses([("w0", .text(found.bytes))])
                ], evidence: evidence([known, found], at(honest, 14, 30), seen: start)),
        ]
    }

    /// What a tree was at a smaller size, as evidence has it.
    private static func at(_ log: TestLog, _ old: UInt64, _ new: UInt64) -> FixtureValue {
        [
            "root": .string(log.head(old).root.base64),
            "path": .array(log.consistency(old, new).path.map { .string($0.base64) }),
        ]
    }

    /// The file of evidence, byte for byte.
    private static func evidence(
        _ checkpoints: [SignedCheckpoint], _ consistency: FixtureValue?, seen: UInt64
    ) -> String {
        var members: [(name: String, value: FixtureValue)] = [
            ("checkpoints", .array(checkpoints.map { .text($0.bytes) }))
        ]
        if let consistency { members.append(("consistency", consistency)) }
        members += [("kind", "fork"), ("origin", "log.example/test"), ("seen", .number(seen / 1000))]
        return String(decoding: FixtureValue.object(members).file, as: UTF8.self)
    }
}
