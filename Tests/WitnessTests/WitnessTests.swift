import Foundation
import Testing
import Tlog

@testable import Witness

/// The decision, sentence by sentence. The committed vectors (`DecisionVectorTests`) have every row once more.
@Suite("Witness decision")
struct WitnessDecisionTests {
    private func decide(_ body: [UInt8], _ log: TestLog, recorded: Int?) throws -> WitnessDecision {
        let request = try AuthenticatedRequest(parsing: body, knownLogs: try log.known())
        return WitnessDecision(request, recorded: try recorded.map { try log.signed($0) })
    }

    private func refusal(_ body: [UInt8], _ log: TestLog, recorded: Int?) throws -> Refusal? {
        if case .refuse(let refusal, _) = try decide(body, log, recorded: recorded) { refusal } else { nil }
    }

    @Test("every growth between sizes up to 40 may be cosigned, and with any hash of its proof changed it may not")
    func everySize() throws {
        let log = try TestLog(size: 40)
        for new in 0...40 {
            for old in 0...new {
                let path = log.path(old, new)
                #expect(try refusal(log.body(old, new), log, recorded: old) == nil)
                for position in path.indices {
                    var wrong = path
                    wrong[position] = .leaf(wrong[position].bytes)
                    let body = try log.body(old, new, path: wrong)
                    guard case .inconsistent = try refusal(body, log, recorded: old) else {
                        Issue.record("\(old) to \(new), hash \(position)")
                        continue
                    }
                }
            }
        }
    }

    @Test(
        "\"The old size MUST be equal to or lower than the checkpoint size.\"", arguments: [(5, 4), (1, 0), (40, 39)])
    func oldSizeTooLarge(old: Int, new: Int) throws {
        let log = try TestLog(size: 40)
        // Whatever is recorded.
        for recorded in [nil, old, new, 7] {
            #expect(
                try refusal(log.body(old, new), log, recorded: recorded)
                    == .oldSizeTooLarge(old: UInt64(old), new: UInt64(new)))
        }
    }

    @Test("\"The witness MUST check that the old size matches the size of the latest checkpoint it cosigned\"")
    func conflict() throws {
        let log = try TestLog(size: 20)
        for recorded in [nil, 0, 1, 10, 20] {
            for old in 0...20 where old != recorded ?? 0 {
                #expect(
                    try refusal(log.body(old, 20), log, recorded: recorded)
                        == .conflict(old: UInt64(old), recorded: UInt64(recorded ?? 0)))
            }
        }
    }

    @Test("\"(or zero if it never cosigned a checkpoint for that origin)\"")
    func firstContact() throws {
        let log = try TestLog(size: 5)
        #expect(try refusal(log.body(3, 5), log, recorded: nil) == .conflict(old: 3, recorded: 0))
        #expect(try refusal(log.body(0, 5), log, recorded: nil) == nil)
    }

    @Test("\"A checkpoint of size zero MUST have the root hash of the empty tree\"")
    func emptyTree() throws {
        let log = try TestLog()
        let root = Hash.sha256(Array("not empty".utf8))
        let false0 = Checkpoint(origin: log.origin, head: TreeHead(size: 0, root: root)).signed(by: log.key)
        for recorded in [nil, 0] {
            let decision = try decide(log.body(0, 0, checkpoint: false0), log, recorded: recorded)
            #expect(decision == .refuse(.emptyTreeRoot(root), .emptyTreeRoot(submitted: false0)))
            #expect(try refusal(log.body(0, 0), log, recorded: recorded) == nil)
        }
    }

    @Test("\"If the old size is zero, the consistency proof MUST be empty\"")
    func proofFromNothing() throws {
        let log = try TestLog(size: 8)
        for new in [0, 1, 8] {
            #expect(
                try refusal(log.body(0, new, path: [log.root(8)]), log, recorded: nil)
                    == .proofFromEmptyTree(hashes: 1))
        }
    }

    @Test(
        "\"the consistency proof lines MUST encode a Merkle Consistency Proof from the old size to the checkpoint size\""
    )
    func otherProof() throws {
        let log = try TestLog(size: 20)
        #expect(
            try refusal(log.body(10, 20, path: []), log, recorded: 10)
                == .inconsistent(.wrongPathLength(expected: log.path(10, 20).count, actual: 0)))
        #expect(try refusal(log.body(10, 20, path: log.path(10, 20) + [log.root(3)]), log, recorded: 10) != nil)
        #expect(try refusal(log.body(10, 20, path: log.path(9, 20)), log, recorded: 10) != nil)
        // Another history with a proof of its own.
        let fork = log.fork()
        let body = try log.body(10, 20, checkpoint: fork.signed(20), path: fork.path(10, 20))
        guard case .inconsistent(.oldRootMismatch) = try refusal(body, log, recorded: 10) else {
            Issue.record("a fork went through")
            return
        }
    }

    @Test(
        "\"If the old size matches the checkpoint size, the witness MUST check that the root hashes are also identical.\""
    )
    func rootsDiffer() throws {
        let log = try TestLog(size: 20)
        let fork = log.fork()
        let recorded = try log.signed(20)
        let decision = try decide(fork.body(20, 20), log, recorded: 20)
        #expect(
            decision
                == .refuse(
                    .rootsDiffer(size: 20, recorded: log.root(20), submitted: fork.root(20)),
                    .fork(recorded: recorded, submitted: try fork.signed(20))))
        #expect(try refusal(log.body(20, 20, path: [log.root(1)]), log, recorded: 20) != nil)
    }

    @Test("two roots for one size are evidence also when the old size was wrong; a bad proof is none")
    func evidence() throws {
        let log = try TestLog(size: 20)
        let fork = log.fork()
        for (old, recorded, isEvidence) in [(0, 20, true), (3, 20, true), (20, 20, true), (10, 10, false)] {
            guard case .refuse(_, let misbehaviour) = try decide(fork.body(old, 20), log, recorded: recorded) else {
                Issue.record("cosigned a fork")
                continue
            }
            #expect((misbehaviour != nil) == isEvidence, "\(old), \(recorded)")
        }
    }
}

/// What is checked before any state is looked at.
@Suite("Witness authentication")
struct AuthenticatedRequestTests {
    private func refusal(_ body: [UInt8], _ logs: KnownLogs) -> Refusal? {
        do {
            _ = try AuthenticatedRequest(parsing: body, knownLogs: logs)
            return nil
        } catch {
            return error
        }
    }

    @Test("\"If the checkpoint origin is unknown, the witness MUST respond with a '404 Not Found'\"")
    func unknownOrigin() throws {
        let (log, other) = (try TestLog(size: 3), try TestLog("log.example/other", size: 3))
        #expect(refusal(try other.body(0, 3), try log.known()) == .unknownOrigin("log.example/other"))
        // The key is trusted for its own name only.
        let borrowed = try TestLog("log.example/borrowed", size: 3)
        #expect(refusal(try borrowed.body(0, 3), try log.known()) == .unknownOrigin("log.example/borrowed"))
    }

    @Test("\"it MUST ignore signatures from unknown keys\", and nothing of them is kept")
    func foreignLines() throws {
        let log = try TestLog(size: 3)
        let witness = try testCosigner()
        let lines = [
            witness.cosign(try log.checkpoint(2), at: 5),
            NoteSignature(name: witness.verifierKey.name, keyID: witness.verifierKey.keyID, signature: [1, 2, 3]),
            NoteSignature(name: log.origin.keyName, keyID: 7, signature: [UInt8](repeating: 1, count: 64)),
            NoteSignature(name: try KeyName("grease"), keyID: .max, signature: [0]),
        ]
        let body = try log.body(0, 3, checkpoint: log.signed(3).adding(lines))
        let request = try AuthenticatedRequest(parsing: body, knownLogs: try log.known())
        #expect(request.checkpoint == (try log.signed(3)))
    }

    @Test("403 \"if either no signature from a trusted key for the origin is present\"")
    func noTrustedSignature() throws {
        let log = try TestLog(size: 3)
        let stranger = try TestLog(size: 3, seed: 2)
        #expect(refusal(try stranger.body(0, 3), try log.known()) == .noTrustedSignature(log.origin))
    }

    @Test("403 \"or a signature line's key name and ID match a trusted key but the signature itself fails to verify\"")
    func badLineOfTrustedKey() throws {
        let log = try TestLog(size: 3)
        let good = try #require(try log.signed(3).note.signatures.first)
        let bad = NoteSignature(name: good.name, keyID: good.keyID, signature: [UInt8](repeating: 0, count: 64))
        for signatures in [[bad], [good, bad], [bad, good], [good, good, bad]] {
            let note = try SignedNote(text: log.checkpoint(3).noteText, signatures: signatures)
            let body = try log.body(0, 3, checkpoint: SignedCheckpoint(parsing: note.bytes))
            #expect(refusal(body, try log.known()) == .invalidSignature(log.verifierKey))
        }
    }

    @Test("a log may have several keys; each line under one of them must verify, and one line of each is kept")
    func severalKeys() throws {
        let (log, next) = (try TestLog(size: 3), try TestLog(size: 3, seed: 2))
        let logs = try KnownLogs(parsing: Array("\(log.verifierKey)\nlog \(next.verifierKey)\n".utf8))
        let new = try log.checkpoint(3).signed(by: next.key)
        #expect(refusal(try log.body(0, 3, checkpoint: new), logs) == nil)
        let both = new.adding(try log.signed(3).note.signatures)
        let request = try AuthenticatedRequest(parsing: try log.body(0, 3, checkpoint: both), knownLogs: logs)
        #expect(Set(request.checkpoint.note.signatures) == Set(both.note.signatures))
        let bad = NoteSignature(
            name: log.origin.keyName, keyID: log.verifierKey.keyID, signature: [UInt8](repeating: 0, count: 64))
        #expect(
            refusal(try log.body(0, 3, checkpoint: new.adding([bad])), logs) == .invalidSignature(log.verifierKey))
    }

    @Test(
        "\"MUST accept at least up to 16 signatures\": with lines of ML-DSA-44 and a full proof they fit; 64 KiB are the end"
    )
    func sizes() throws {
        let log = try TestLog(size: 40)
        let lines = try (0..<15).map {
            NoteSignature(
                name: try KeyName("witness.example/\($0)"), keyID: 1, signature: [UInt8](repeating: 3, count: 2428))
        }
        let path = [Hash](repeating: .emptyTree, count: 63)
        let body = try log.body(10, 40, checkpoint: log.signed(40).adding(lines), path: path)
        #expect(body.count > 50_000)
        #expect(refusal(body, try log.known()) == nil)
        let long = try log.checkpoint(3, extensions: [String(repeating: "x", count: 65_400)]).signed(by: log.key)
        let tooLong = try log.body(0, 3, checkpoint: long)
        #expect(
            refusal(tooLong, try log.known())
                == .malformed(.tooLarge(bytes: tooLong.count, limit: AuthenticatedRequest.maxByteCount)))
    }

    @Test(
        "\"The request body MUST be a sequence of an old size line, zero or more consistency proof lines, and an empty line\"",
        arguments: [
            // "The old size line MUST consist of the string old, a single space (0x20), and the tree size […] encoded as
            // an ASCII decimal with no leading zeroes (unless the size is zero, in which case the encoding MUST be 0)"
            ("old 10\n", "old 010\n", "request-old-size"), ("old 10\n", "old  10\n", "request-old-size"),
            ("old 10\n", "old\t10\n", "request-old-size"), ("old 10\n", "old 10 \n", "request-old-size"),
            ("old 10\n", "old +10\n", "request-old-size"), ("old 10\n", "old -0\n", "request-old-size"),
            ("old 10\n", "old 00\n", "request-old-size"), ("old 10\n", "old \n", "request-old-size"),
            ("old 10\n", "Old 10\n", "request-old-size"), ("old 10\n", "", "request-old-size"),
            ("old 10\n", "old 99999999999999999999\n", "request-old-size"),
            // "Each line MUST terminate in a newline character (U+000A)."
            ("old 10\n", "old 10\r\n", "request-old-size"), ("\n\n", "\n", "request-hash"),
            // "Each consistency proof line MUST encode a single hash in base64."
            ("=\n", "\n", "request-hash"), ("=\n", "==\n", "request-hash"), ("=\n", "= \n", "request-hash"),
            ("old 10\n", "old 10\nAA==\n", "request-hash"), ("\n20\n", "\n020\n", "checkpoint-size"),
        ])
    func form(part: String, other: String, reason: String) throws {
        let log = try TestLog(size: 20)
        let body = String(decoding: try log.body(10, 20), as: UTF8.self)
        let place = try #require(body.firstRange(of: part))
        let wrong = body.replacingCharacters(in: place, with: other)
        guard case .malformed(let error) = refusal(Array(wrong.utf8), try log.known()) else {
            Issue.record("taken")
            return
        }
        #expect(error.reason == reason)
    }

    @Test("\"The client MUST NOT send more than 63 consistency proof lines.\"")
    func proofLines() throws {
        let log = try TestLog(size: 3)
        let body =
            Array(
                ("old 0\n" + String(repeating: Hash.emptyTree.base64 + "\n", count: 64) + "\n").utf8)
            + (try log.signed(3).bytes)
        #expect(refusal(body, try log.known()) == .malformed(.tooManyHashes(count: 64, limit: 63)))
    }
}

@Suite("Cosigning")
struct CosignedCheckpointTests {
    private func cosignable(_ log: TestLog, _ old: Int, _ new: Int) throws -> CosignableCheckpoint {
        let recorded = old == 0 ? nil : try log.signed(old)
        guard case .cosign(let cosignable) = WitnessDecision(try log.request(old, new), recorded: recorded) else {
            throw TestFailure()
        }
        return cosignable
    }

    private struct TestFailure: Error {}

    @Test("\"The signatures MUST be cosignatures from the witness key(s) on the checkpoint.\"")
    func signatures() throws {
        let log = try TestLog(size: 9)
        let cosigners: [any Cosigner] = [try testCosigner(), try testCosigner("witness.example/w2", seed: 10)]
        let cosigned = try #require(
            CosignedCheckpoint(try cosignable(log, 4, 9), by: cosigners, at: 1_700_000_000, after: nil))
        let lines = cosigned.cosignatures(of: cosigners)
        #expect(lines.count == 2)
        for (line, cosigner) in zip(lines, cosigners) {
            #expect(try Cosignature.verify(line, on: log.checkpoint(9), key: cosigner.verifierKey) == 1_700_000_000)
        }
        #expect(cosigned.signed.note.signatures == (try log.signed(9).note.signatures) + lines)
    }

    @Test(
        "\"the timestamp MUST NOT be zero\", and \"MUST NOT exceed 2^63 - 1\": with a clock that says 0, or too much, nothing is cosigned"
    )
    func zero() throws {
        let log = try TestLog(size: 1)
        for seconds in [0, UInt64(Int64.max) + 1, .max] {
            #expect(
                CosignedCheckpoint(try cosignable(log, 0, 1), by: [try testCosigner()], at: seconds, after: nil) == nil)
        }
    }

    @Test("the time never goes back, though the clock does")
    func monotonic() throws {
        let log = try TestLog(size: 3)
        let cosigners = [try testCosigner()]
        let first = CosignedCheckpoint(try cosignable(log, 0, 1), by: cosigners, at: 100, after: nil)
        let second = CosignedCheckpoint(try cosignable(log, 1, 2), by: cosigners, at: 90, after: first)
        #expect(second?.seconds == 100)
        #expect(CosignedCheckpoint(try cosignable(log, 2, 3), by: cosigners, at: 101, after: second)?.seconds == 101)
    }

    @Test("what is recorded can be read again")
    func roundTrip() throws {
        let log = try TestLog(size: 1)
        let cosigned = try #require(
            CosignedCheckpoint(try cosignable(log, 0, 1), by: [try testCosigner()], at: 0x0102_0304_0506, after: nil))
        #expect(try CosignedCheckpoint(decoding: cosigned.encoded) == cosigned)
        #expect(throws: CheckpointError.self) { try CosignedCheckpoint(decoding: [1, 2]) }
        #expect(throws: CheckpointError.self) { try CosignedCheckpoint(decoding: cosigned.encoded.dropLast()) }
    }
}

@Suite("List of logs")
struct KnownLogsTests {
    private func logs(_ text: String) throws -> KnownLogs { try KnownLogs(parsing: Array(text.utf8)) }

    private func reason(_ text: String) -> String? {
        do {
            _ = try logs(text)
            return nil
        } catch {
            return (error as? KnownLogsError)?.reason
        }
    }

    @Test("verifier keys alone, with comments, and as a policy has them; a policy's other lines are passed over")
    func lines() throws {
        let (first, second) = (try TestLog("a.example"), try TestLog("b.example"))
        let witness = try testCosigner().verifierKey
        let list = try logs(
            """
            # comment

              \(first.verifierKey)\t# operated by A
            log \(second.verifierKey) https://b.example
            witness w \(witness)
            group g any w
            quorum g

            """)
        #expect(list.logCount == 2)
        #expect(list.keys(for: first.origin) == [first.verifierKey])
        #expect(list.keys(for: second.origin) == [second.verifierKey])
        #expect(list.keys(for: try Origin("c.example")).isEmpty)
        #expect(try logs("").isEmpty)
    }

    @Test("a list with a mistake is refused as a whole, by name and line")
    func mistakes() throws {
        let key = try TestLog().verifierKey
        let witness = try testCosigner().verifierKey
        #expect(reason("\(key)") == "policy-no-final-newline")
        #expect(reason("\(key)\n\(key)\n") == "logs-duplicate")
        #expect(reason("\(key) words\n") == "logs-item-count")
        #expect(reason("log\n") == "logs-item-count")
        #expect(reason("log \(key) url more\n") == "logs-item-count")
        #expect(reason("nonsense\n") == "malformed-verifier-key")
        #expect(reason("\(witness)\n") == "logs-key-type")
        #expect(reason("\(key)\r\n") == "policy-control-character")
        let many = try (1...17 as ClosedRange<UInt8>).map { "\(try TestLog(seed: $0).verifierKey)\n" }.joined()
        #expect(reason(many) == "logs-too-many-keys")
    }
}
