import ArgumentParser
import COSE
import Governance
import Testing
import Tlog

@testable import holdfast

@Suite("Words of the command line")
struct GovernanceArgumentTests {
    @Test(
        "times: RFC 3339, or ms",
        arguments: [
            ("0", 0), ("1795270000123", 1_795_270_000_123), ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:34:56Z", 951_827_696_000), ("2026-11-21T14:30:00.5+02:00", 1_795_264_200_500),
            ("2026-11-21t14:30:00.123z", 1_795_271_400_123), ("1969-12-31T23:00:00-01:00", 0),
        ] as [(String, UInt64)])
    func times(text: String, milliseconds: UInt64) throws {
        // A year before 1970 is refused even where the offset brings it back.
        if text.hasPrefix("1969") {
            #expect(throws: ArgumentFault.self) { try TimeArgument.parse(text) }
        } else {
            #expect(try TimeArgument.parse(text).milliseconds == milliseconds)
        }
    }

    @Test(
        "what is no time",
        arguments: [
            "", "now", "01", "-1", "2026-11-21", "2026-11-21T14:30Z", "2026-11-21T14:30:00", "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z", "2026-11-31T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T23:59:60Z",
            "2026-11-21 14:30:00Z", "18446744073709551616", "2026-11-21T14:30:00.1234Z", "٢٠٢٦-11-21T14:30:00Z",
        ])
    func noTimes(text: String) {
        #expect(throws: ArgumentFault.self) { try TimeArgument.parse(text) }
    }

    @Test(
        "lengths of time have a unit",
        arguments: [
            ("500ms", 500), ("30s", 30_000), ("15m", 900_000), ("1h", 3_600_000), ("2d", 172_800_000),
            ("1w", 604_800_000), ("0s", 0),
        ] as [(String, UInt64)])
    func spans(text: String, milliseconds: UInt64) throws {
        #expect(try SpanArgument.parse(text).milliseconds == milliseconds)
    }

    @Test(
        "what is no length of time", arguments: ["", "10", "h", "1.5h", "-1h", "1 h", "1y", "1hh", "30500568904943w"])
    func noSpans(text: String) {
        #expect(throws: ArgumentFault.self) { try SpanArgument.parse(text) }
    }

    @Test("models are NAME@VERSION, and the last @ counts")
    func models() throws {
        #expect(try ModelArgument.parse("sorter@1.2") == ModelVersion(name: "sorter", version: "1.2"))
        #expect(try ModelArgument.parse("a@b@c") == ModelVersion(name: "a@b", version: "c"))
        for text in ["", "sorter", "@1", "sorter@"] {
            #expect(throws: ArgumentFault.self, "\(text)") { try ModelArgument.parse(text) }
        }
    }

    @Test(
        "spans are shown in the longest unit that they are a whole number of",
        arguments: [
            (0, "0s"), (1, "1ms"), (1500, "1500ms"), (30_000, "30s"), (90_000, "90s"), (300_000, "5m"),
            (3_600_000, "1h"), (86_400_000, "1d"), (1_209_600_000, "2w"),
        ] as [(UInt64, String)])
    func spans(milliseconds: UInt64, text: String) throws {
        #expect(SpanArgument.text(milliseconds) == text)
        #expect(try SpanArgument.parse(text).milliseconds == milliseconds)
        #expect((try? SpanArgument.parsePositive(text)) != nil || milliseconds == 0)
    }

    @Test(
        "amounts of data",
        arguments: [
            (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1999, "1.9 kB"), (99_999, "99.9 kB"), (100_000, "100 kB"),
            (999_999, "999 kB"), (1_000_000, "1.0 MB"), (3_221_225_472, "3.2 GB"), (.max, "18.4 EB"),
        ] as [(UInt64, String)])
    func bytes(count: UInt64, text: String) { #expect(ByteText.text(count) == text) }

    @Test("digests, measurements and nonces are lowercase hex of their lengths")
    func hex() throws {
        #expect(try HexArgument.digest(String(repeating: "a", count: 64)).hex == String(repeating: "a", count: 64))
        #expect(throws: ArgumentFault.self) { try HexArgument.digest(String(repeating: "A", count: 64)) }
        #expect(try HexArgument.measurement("ab") == [0xab])
        #expect(throws: ArgumentFault.self) { try HexArgument.measurement("") }
        #expect(throws: ArgumentFault.self) { try HexArgument.measurement(String(repeating: "0", count: 130)) }
        #expect(throws: ArgumentFault.self) { try HexArgument.nonce("00") }
    }

    @Test(
        "command lines that can't be are refused before anything is read",
        arguments: [
            ["grant", "issue", "spiffe://x/a", "--resource", "r"],
            ["grant", "issue", "spiffe://x/a", "--action", "a"],
            ["grant", "issue", "spiffe://x/a", "--action", "a*b", "--resource", "r"],
            ["grant", "issue", "spiffe://x/a", "--action", "a", "--resource", "r", "--uses", "0"],
            ["grant", "issue", "spiffe://x/a", "--action", "a", "--resource", "r", "--for", "0s"],
            ["grant", "issue", "spiffe://x/a", "--action", "a", "--resource", "r", "--delegations", "9"],
            ["grant", "issue", "spiffe://x/a", "--action", "a", "--resource", "r", "--for", "1h", "--not-after", "1"],
            [
                "grant", "issue", "spiffe://x/a", "--action", "a", "--resource", "r", "--not-before", "2",
                "--not-after", "1",
            ],
            ["identity", "enroll", "spiffe://x/a", "a.pub", "--role", "king"],
            ["identity", "enroll", "spiffe://x/a", "a.pub", "--role", "gate", "--role", "gate"],
            ["identity", "enroll", "spiffe://x/a", "a.pub", "--role", "gate", "--measurement", "ab"],
            ["identity", "revoke", "a.pub"],
            ["model", "register", "--model", "a@1", "--action", "a", "--purpose", "p"],
            ["model", "register", "dir", "--manifest", "m", "--model", "a@1", "--action", "a", "--purpose", "p"],
            ["model", "register", "dir", "--model", "a@1", "--action", "a"],
            ["model", "register", "dir", "--action", "a", "--purpose", "p"],
            ["model", "check", "dir"],
            ["containment", "enter", "runtime", "spiffe://x/a"],
            ["containment", "enter", "runtime", "spiffe://x/a", "--reason", "bored"],
            ["containment", "enter", "planet", "earth", "--reason", "state-divergence"],
            ["containment", "enter", "model", "sorter", "--reason", "state-divergence"],
            ["containment", "enter", "runtime", "spiffe://x/a", "--home", "h", "--reason", "state-divergence"],
            ["trust", "revoke", "runtime", "spiffe://x/a", "--reason", "state-divergence"],
            ["execution", "start", "run", "--input", "f"],
            ["execution", "start", "run", "--input", "f", "--permit", "00"],
            ["execution", "finish", "run", "--outcome", "executed"],
            ["execution", "finish", "run", "--outcome", "perhaps"],
            [
                "decision", "permit", "--subject", "s", "--action", "a", "--resource", "r", "--grant", "g", "--model",
                "a@1",
            ],
            ["route", "open", "east", "--action", "a", "--max-peer-age", "1m"],
            ["route", "open", "east", "--to", "a", "--from", "b", "--action", "a", "--max-peer-age", "1m"],
            ["route", "open", "east", "--to", "a", "--action", "a", "--max-peer-age", "0s"],
            ["route", "open", "east", "--to", "a", "--max-peer-age", "1m"],
            ["policy", "approve", "beef"],
            ["freeze", "--successor", "log.example.org/next", "--genesis", "genesis.cose"],
            ["runtime", "attest", "xyz"],
            ["peer", "head", "o", "--peer-url", "ftp://x"],
            ["runtime", "heartbeat", "--trace", "00-zz-01"],
            ["runtime", "heartbeat", "--name", "a/b"],
        ])
    func refused(arguments: [String]) {
        #expect(throws: (any Error).self) { try Holdfast.parseAsRoot(arguments) }
    }

    @Test("every command has an abstract, and every one that writes an example of itself")
    func help() throws {
        func check(_ command: any ParsableCommand.Type, _ path: [String]) throws {
            let configuration = command.configuration
            let name = path.joined(separator: " ")
            #expect(!configuration.abstract.isEmpty, "\(name)")
            let parts = configuration.subcommands
            if parts.isEmpty, command is any StatementCommand.Type {
                #expect(configuration.discussion.contains("holdfast \(name) "), "\(name)")
            }
            for part in parts { try check(part, path + [try #require(part.configuration.commandName)]) }
        }
        let commands: [any ParsableCommand.Type] = [
            PolicyCommand.self, IdentityCommand.self, GrantCommand.self, ModelCommand.self, RuntimeCommand.self,
            DecisionCommand.self, LeaseCommand.self, ExecutionCommand.self, ContainmentCommand.self,
            TrustCommand.self, PeerCommand.self, RouteCommand.self, FreezeCommand.self,
        ]
        for command in commands { try check(command, [try #require(command.configuration.commandName)]) }
    }

    @Test("each type of statement has a command that makes it")
    func everyType() {
        // What the commands make, by the type of their data; the rest of the test is that the list is whole.
        let made: [any StatementData.Type] = [
            IdentityEnroll.self, IdentityRotate.self, IdentityRevoke.self, GrantIssue.self, GrantRevoke.self,
            ModelRegister.self, ModelApprove.self, ModelRetire.self, ModelRevoke.self, RuntimeAttest.self,
            RuntimeHeartbeat.self, TelemetryDigest.self, ExecutionStart.self, ExecutionStep.self,
            ExecutionFinish.self, PeerAdmit.self, PeerHead.self, PeerExpel.self, RouteOpen.self, RouteClose.self,
            ContainmentEnter.self, ContainmentRecover.self, ContainmentLift.self, TrustRevoke.self,
            DecisionRecord.self, LeaseRecord.self, LogFreeze.self,
        ]
        // No server takes this one yet.
        #expect(Set(made.map { $0.type } + [.policySet, .logRotate]) == Set(StatementType.allCases))
    }

    @Test("for each rule that a command can run into, there is something to do")
    func hints() {
        // No command names another home or leaves the grant out; the log's own records come from no command.
        let without: [Rule] = [.notHome, .reliesOnNothing, .refusals]
        for rule in Rule.allCases where !without.contains(rule) {
            let hint = RuleHint.sentence(rule, of: .grantIssue, subject: "uses", setBy: 4)
            #expect((hint ?? "").count > 20, "\(rule.rawValue)")
        }
        #expect(
            RuleHint.sentence(.delegationWidens, of: .grantIssue, subject: "uses", setBy: 4)
                == "Name --uses as the grant that is handed on does, or narrower: holdfast grant show 4")
        #expect(
            RuleHint.sentence(.notPermitted, of: .modelApprove, subject: "model.approve by x", setBy: nil)
                == "model.approve is signed by: authority, operator. Name the key of one with --key FILE.")
    }
}
