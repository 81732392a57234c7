import Foundation
import LMDBLogStore
import LogEngine
import LogStore
import Tlog

/// The whole engine in one process: durable, dedup, streams, policy, seals with the Merkle map, read-back, anchor on
/// the disk, head signing, proofs and encoded receipts.
enum Pipeline {
    static let batch = 100
    static let rounds = 3

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
        let batchesBefore = log.metrics.batches
        let rounds = try await Rounds.measure(Self.rounds) { round in
            try await workload.run(Workload.part(round, of: Self.rounds, submissions), on: log)
        }
        let metrics = log.metrics
        let batches = Double(metrics.batches - batchesBefore)
        await log.shutdown()

        let v = rounds.limits.median
        let cores = Double(ProcessInfo.processInfo.activeProcessorCount)
        var report: [String: Double] = [
            "entries": Double(total), "seconds": rounds.seconds, "perSecond": rounds.rates.median, "V": v,
            "ratio": rounds.ratio,
            "processorMicroseconds": rounds.processor / Double(total) * 1e6,
            "verificationMicroseconds": cores / v * 1e6, "batches": batches,
            "statementsABatch": Double(total) / batches,
            "commitSecondsABatch": metrics.commitSeconds.sum / Double(metrics.batches),
            "secondsABatch": metrics.batchSeconds.sum / Double(metrics.batches),
        ]
        if let allocations = rounds.allocations { report["allocationsAnEntry"] = allocations / Double(total) }
        if let syncs = rounds.syncs { report["syncsABatch"] = syncs / batches }
        return report
    }
}
