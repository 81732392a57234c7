import Foundation
import Logging
import Synchronization
import Tlog

@testable import Witness
@testable import WitnessServer

/// A directory of a test's own, gone when the test is.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path() + "/witness-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path + "/" + name), options: .atomic)
    }

    var evidence: [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: path + "/evidence").sorted()) ?? []
    }
}

/// A clock that a test sets.
final class TestClock: Sendable {
    private let seconds: Mutex<UInt64>

    init(_ seconds: UInt64 = 1_700_000_000) { self.seconds = Mutex(seconds) }

    func set(_ new: UInt64) { seconds.withLock { $0 = new } }
    var now: @Sendable () -> UInt64 { { self.seconds.withLock { $0 } } }
}

/// The recorder over a store, without HTTP.
struct TestWitness {
    let store: WitnessStore
    let recorder: CheckpointRecorder
    let cosigner: Ed25519Cosigner
    let metrics = WitnessMetrics()
    let clock: TestClock

    init(_ scratch: Scratch, clock: TestClock = TestClock(), limiter: CosigningLimiter? = nil, evidence: Int = 16)
        throws
    {
        self.clock = clock
        store = try WitnessStore(directory: scratch.path + "/data")
        cosigner = try testCosigner()
        let unlimited = CosigningRate(perSecond: 1e9, burst: 1_000_000)
        recorder = CheckpointRecorder(
            store: store, cosigners: [cosigner],
            limiter: limiter ?? CosigningLimiter(growth: unlimited, refresh: unlimited),
            evidence: try EvidenceDirectory(scratch.path + "/evidence", maxPerLog: evidence), now: clock.now,
            metrics: metrics, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, onFault: { _ in })
    }

    func size(_ log: TestLog) throws -> UInt64? { try store.latest(OriginHash(log.origin))?.signed.checkpoint.size }
}

extension Verdict {
    var cosigned: CosignedCheckpoint? { if case .cosigned(let checkpoint) = self { checkpoint } else { nil } }
    var refusal: Refusal? { if case .refused(let refusal) = self { refusal } else { nil } }
    var retryAfter: Int? { if case .rateLimited(let seconds) = self { seconds } else { nil } }
    var isFailure: Bool { if case .failed = self { true } else { false } }
}
