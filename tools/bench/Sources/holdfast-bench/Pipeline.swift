import Foundation
import LMDBLogStore
import LogEngine
import Tlog

/// The whole engine in one process: durable, dedup, streams, policy, seals with the Merkle map, read-back, anchor on
/// the disk, head signing, proofs and encoded receipts.
enum Pipeline {
    static let batch = 100

    static func measure(directory: String, count: Int) async throws -> [String: Double] {
        let workload = try Workload()
        let store = try LMDBLogStore(directory: directory + "/data")
        let anchor = try FileAnchor(path: directory + "/anchor")
        try Log.create(store: store, genesis: workload.genesis, keys: workload.logKeys, anchor: anchor)
        let log = try workload.open(store, anchor: anchor)

        Bench.progress("signing \(count) statements")
        let warm = workload.submissions(count: 64 * batch, batch: batch, stream: "warm")
        let submissions = workload.submissions(count: count, batch: batch, stream: "main")
        let total = submissions.reduce(0) { $0 + $1.reduce(0) { $0 + $1.count } }
        try await workload.run(warm, on: log)

        Bench.progress("registering")
        let before = Limits.verifications(seconds: 1)
        let batchesBefore = log.metrics.batches
        let (allocationsBefore, syncsBefore) = (Counters.allocations, Counters.syncs)
        let stopwatch = Stopwatch()
        try await workload.run(submissions, on: log)
        let (seconds, processor) = (stopwatch.seconds, stopwatch.processor)
        let (allocations, syncs) = (Counters.allocations, Counters.syncs)
        let batches = Double(log.metrics.batches - batchesBefore)
        let after = Limits.verifications(seconds: 1)
        let metrics = log.metrics
        await log.shutdown()

        let v = (before + after) / 2
        let cores = Double(ProcessInfo.processInfo.activeProcessorCount)
        var report: [String: Double] = [
            "entries": Double(total), "seconds": seconds, "perSecond": Double(total) / seconds, "V": v,
            "ratio": Double(total) / seconds / v, "processorMicroseconds": processor / Double(total) * 1e6,
            "verificationMicroseconds": cores / v * 1e6, "batches": batches,
            "statementsABatch": Double(total) / batches,
            "commitSecondsABatch": metrics.commitSeconds.sum / Double(metrics.batches),
            "secondsABatch": metrics.batchSeconds.sum / Double(metrics.batches),
        ]
        if let allocationsBefore, let allocations {
            report["allocationsAnEntry"] = (allocations - allocationsBefore) / Double(total)
        }
        if let syncsBefore, let syncs { report["syncsABatch"] = (syncs - syncsBefore) / batches }
        return report
    }
}
