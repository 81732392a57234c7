import COSE
import Governance
import Tlog

/// The vectors of the offline verifier: trust files, and files to verify with the verdict and the code of every check
/// that fails. What is expected of each case is written by hand; `VerificationTests` holds the code to it.
enum VerificationFixtures {
    static let suites: [FixtureSuite] = [
        FixtureSuite(folder: "verification") {
            [
                ("trust-file.json", try VerificationTrustFixtures.document().file),
                ("statement.json", try VerificationCases.statementDocument().file),
                ("receipt.json", try VerificationCases.receiptDocument().file),
                ("checkpoint.json", try VerificationCases.checkpointDocument().file),
                ("fork.json", try VerificationForkFixtures.document().file),
                ("log.json", try VerificationLogFixtures.document().file),
                ("state.json", try VerificationStateFixtures.document().file),
                ("stream.json", try VerificationStreamFixtures.document().file),
                ("enrolment.json", try VerificationStreamFixtures.enrolmentDocument().file),
                ("rotation.json", try VerificationRotationFixtures.document().file),
                ("bundle.json", try VerificationBundleFixtures.document().file),
            ] + (try example()) + (try VerificationBundleFixtures.example())
        }
    ]

    /// A log in a directory, as the program verifies it, with statements and proofs beside it.
    private static func example() throws -> [(name: String, bytes: [UInt8])] {
        var log = try TestLog(origin: "log.example/verification")
        try log.grow(to: 13)
        var files = try log.files().sorted { $0.key < $1.key }.map { (name: "example/log/\($0.key)", bytes: $0.value) }
        let statement = try log.statement(4)
        files += [
            ("example/log.trust", try trust(log)),
            ("example/event.cose", statement.entryBytes),
            ("example/event.tlog-proof", try log.tlogProof(4).bytes),
            ("example/event.receipt", try log.receipt(4).encoded()),
            ("example/event.transparent", try log.transparent(4, try log.receipt(4))),
            ("example/old.checkpoint", try log.checkpoint(2).bytes),
            ("example/new.checkpoint", try log.checkpoint().bytes),
            ("example/consistency.json", log.consistencyJSON(2, 13)),
            ("example/stream.state-proof", try log.stateProof(.stream(issuer: TestLog.issuer, stream: "s1")).encoded()),
        ]
        return files
    }

    /// The trust file of a log, with a comment for readers.
    static func trust(_ log: TestLog, quorum: String = "both") throws -> [UInt8] {
        Array(try log.trustText(quorum: quorum).utf8)
    }
}

extension FixtureValue {
    static func hex(_ bytes: [UInt8]) -> FixtureValue { .string(Hex.encode(bytes)) }

    static func text(_ bytes: [UInt8]) -> FixtureValue { .string(String(decoding: bytes, as: UTF8.self)) }
}

/// One case: what is given, and what a verifier says to it.
struct VerificationCase {
    let name: String
    let given: [(name: String, value: FixtureValue)]
    /// The failed checks with their codes: `inclusion: root-mismatch`.
    let failed: [String]
    /// The required checks that can't be made.
    let leftOut: [String]

    init(
        _ name: String, _ given: [(name: String, value: FixtureValue)], failed: [String] = [],
        leftOut: [String] = []
    ) {
        self.name = name
        self.given = given
        self.failed = failed
        self.leftOut = leftOut
    }

    var value: FixtureValue {
        let verdict = failed.isEmpty && leftOut.isEmpty ? "verified" : "not-verified"
        return .object(
            [("name", .string(name))] + given + [
                ("verdict", .string(verdict)), ("failed", .array(failed.map { .string($0) })),
                ("leftOut", .array(leftOut.map { .string($0) })),
            ])
    }
}
