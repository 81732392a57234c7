import COSE
import Governance
import Tlog

/// Whole logs as tlog-tiles, right and wrong in one thing each.
enum VerificationLogFixtures {
    static func document() throws -> FixtureValue {
        [
            "about": """
            Whole logs as tlog-tiles: the files (hex) by path, to verify under the trust file. Those under "files" have \
            a file changed, missing or added; those under "rules" are sound trees whose entries break the log's own \
            rules.
            """,
            "trust": .string(try TestLog().trustText()),
            "files": .array(try files().map(\.value)),
            "rules": .array(try rules().map(\.value)),
        ]
    }

    private static func given(_ files: [String: [UInt8]]) -> [(name: String, value: FixtureValue)] {
        let members = files.sorted { $0.key < $1.key }.map { (name: $0.key, value: FixtureValue.hex($0.value)) }
        return [("files", .object(members))]
    }

    private static let afterEntries = [
        "leaf-tiles", "tiles", "root", "statement-signatures", "admission", "streams", "seals",
    ]

    // MARK: Files

    private static func files() throws -> [VerificationCase] {
        var log = try TestLog()
        try log.grow(to: 5)
        let sound = try log.files()
        let (tile, bundle) = ("tile/0/000.p/5", "tile/entries/000.p/5")
        func changed(_ change: (inout [String: [UInt8]]) -> Void) -> [(name: String, value: FixtureValue)] {
            var files = sound
            change(&files)
            return given(files)
        }
        let lie = try log.cosigned(
            Checkpoint(origin: log.origin, head: TreeHead(size: 5, root: .zero)))
        return [
            VerificationCase("a sound log", given(sound)),
            VerificationCase(
                "no checkpoint", changed { $0["checkpoint"] = nil }, failed: ["checkpoint-form: missing-file"]),
            VerificationCase(
                "a checkpoint of another root", changed { $0["checkpoint"] = lie.bytes },
                failed: ["root: root-mismatch"]),
            VerificationCase(
                "a changed hash in a tile", changed { $0[tile]?[64] ^= 1 }, failed: ["leaf-tiles: tile-mismatch"]),
            VerificationCase(
                "a tile cut short", changed { $0[tile]?.removeLast() }, failed: ["leaf-tiles: tile-length"]),
            VerificationCase("no tile", changed { $0[tile] = nil }, failed: ["leaf-tiles: tile-missing"]),
            VerificationCase(
                "a partial tile's content under the full tile's name",
                changed { $0["tile/0/000"] = $0.removeValue(forKey: tile) }, failed: ["leaf-tiles: tile-length"]),
            VerificationCase(
                "no bundle", changed { $0[bundle] = nil }, failed: ["entries: bundle-missing"],
                leftOut: ["genesis"] + afterEntries),
            VerificationCase(
                "a bundle cut short", changed { $0[bundle]?.removeLast() }, failed: ["entries: truncated-entry"],
                leftOut: ["genesis"] + afterEntries),
            VerificationCase(
                "a byte behind a bundle", changed { $0[bundle]?.append(0) }, failed: ["entries: trailing-bytes"],
                leftOut: ["genesis"] + afterEntries),
        ]
    }

    // MARK: Rules

    /// A small log with one thing wrong, and a seal at its end.
    private static func rule(
        _ name: String, _ failed: String, _ damage: (inout TestLog) throws -> Void
    ) throws -> VerificationCase {
        var log = try TestLog()
        try log.grow(to: 4)
        try damage(&log)
        let rules = ["statement-signatures", "admission", "streams", "seals"]
        let check = failed.split(separator: ":")[0]
        return VerificationCase(
            name, given(try log.files()), failed: [failed], leftOut: rules.filter { $0 != check })
    }

    private static func appended(
        _ name: String, _ failed: String, _ entry: (TestLog) throws -> [UInt8]
    ) throws -> VerificationCase {
        try rule(name, failed) { log in
            log.appendAnyway(try entry(log))
            log.seal()
        }
    }

    private static func event(
        _ log: TestLog, _ stream: String = "x", type: String = "work.done", seq: UInt64 = 0, prev: Hash? = nil,
        after: UInt64 = 0
    ) throws -> Event {
        try Event(type: type, stream: stream, seq: seq, prev: prev, time: log.time + after, data: .null)
    }

    private static func rules() throws -> [VerificationCase] {
        [
            try appended("an entry that is no statement", "entries: untagged") { _ in [1, 2, 3] },
            try appended("an entry with an unprotected header", "entries: not-canonical") { log in
                let message = try COSESign1(decoding: try log.event().entryBytes)
                return COSESign1(
                    protected: message.protected, unprotected: [99: 1], payload: message.payload,
                    signature: message.signature
                ).encoded()
            },
            try appended("a bad signature", "statement-signatures: bad-signature") { log in
                var entry = try log.event().entryBytes
                entry[entry.count - 1] ^= 1
                return entry
            },
            try appended("a stranger's statement", "statement-signatures: unknown-key") { log in
                try log.sign(try event(log), by: try TestLog.key(99)).entryBytes
            },
            try appended("a key under another's name", "statement-signatures: key-of-another-issuer") { log in
                try log.sign(try event(log), issuer: "spiffe://example.org/other").entryBytes
            },
            try appended("a stream with a gap", "streams: stream-gap") { log in
                try log.sign(try event(log, "new", seq: 1, prev: .zero)).entryBytes
            },
            try appended("a stream with a fork", "streams: stream-fork") { log in
                try log.sign(try event(log, "s2")).entryBytes
            },
            try appended("an event far from the log's time", "admission: time-skew") { log in
                try log.sign(try event(log, after: 600_001)).entryBytes
            },
            try appended("a reserved type", "admission: reserved-type") { log in
                try log.sign(try event(log, type: "policy.get")).entryBytes
            },
            try appended("a content type not allowed", "admission: content-type-not-allowed") { log in
                try SignedStatement.sign(
                    payload: [1], contentType: "image/png", issuer: TestLog.issuer, subject: "x", key: log.issuerKey
                ).entryBytes
            },
            try rule("a seal with a wrong count", "seals: seal-count") { $0.seal(count: 7) },
            try rule("a seal with a wrong state", "seals: state-root") { $0.seal(root: .zero) },
            try rule("a seal out of its chain", "seals: seal-chain") { $0.seal(seq: 9) },
            try rule("a seal before the last one's time", "seals: time-backwards") {
                $0.seal(time: TestLog.start - 1)
            },
            try rule("no seal at the end", "seals: unsealed") { try $0.append(try $0.event()) },
        ]
    }
}
