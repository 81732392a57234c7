internal import HTTPServing
internal import LogEngine

extension EngineMetrics.Numbers {
    /// The engine's numbers under the names that dashboards know.
    func write(to text: inout MetricsText) {
        let results = "holdfast_statements_total"
        text.metric(
            results, .counter, "Statements answered, by result: accepted, duplicate, or the code of a rejection.")
        text.sample(results, accepted, ("result", "accepted"))
        text.sample(results, duplicates, ("result", "duplicate"))
        for code in RejectionCode.allCases {
            text.sample(results, rejections[code] ?? 0, ("result", code.rawValue))
        }
        text.metric("holdfast_submissions_total", .counter, "Statements answered.")
        text.sample("holdfast_submissions_total", submitted)
        text.metric("holdfast_statements_in_flight", .gauge, "Statements received and not yet answered.")
        text.sample("holdfast_statements_in_flight", inFlight)
        text.metric("holdfast_batches_total", .counter, "Batches committed.")
        text.sample("holdfast_batches_total", batches)
        text.metric("holdfast_batches_failed_total", .counter, "Batches that the store refused.")
        text.sample("holdfast_batches_failed_total", failedBatches)
        text.histogram("holdfast_batch_statements", batchSize, "Statements in a batch, without its seal.")
        text.histogram("holdfast_commit_duration_seconds", commitSeconds, "Seconds that a commit took, sync included.")
        text.histogram(
            "holdfast_batch_duration_seconds", batchSeconds, "Seconds from the start of a batch to its publication.")
        text.metric("holdfast_tree_size", .gauge, "Entries in the published tree.")
        text.sample("holdfast_tree_size", treeSize)
        text.metric("holdfast_published_timestamp_seconds", .gauge, "When the newest head was published.")
        text.sample("holdfast_published_timestamp_seconds", Double(publishedAt) / 1000)
        cosigning?.write(to: &text)
        text.metric("holdfast_stopped", .gauge, "1 if the log has stopped after a fault.")
        text.sample("holdfast_stopped", stopped ? 1 : 0 as UInt64)
    }
}

extension EngineMetrics.Cosigning {
    /// Witnesses are a fixed set: those of the log's witness policy.
    fileprivate func write(to text: inout MetricsText) {
        let total = "holdfast_cosigning_rounds_total"
        text.metric(total, .counter, "Rounds of asking the witnesses, by whether the quorum was reached.")
        text.sample(total, rounds, ("result", "quorum"))
        text.sample(total, failedRounds, ("result", "no-quorum"))
        text.histogram("holdfast_cosigning_duration_seconds", seconds, "Seconds that a round took.")
        text.metric("holdfast_quorum", .gauge, "1 if the last round reached the quorum.")
        text.sample("holdfast_quorum", withoutQuorum == nil ? 1 : 0 as UInt64)
        text.metric("holdfast_cosigned_timestamp_seconds", .gauge, "When the quorum was last reached.")
        text.sample("holdfast_cosigned_timestamp_seconds", Double(lastTime) / 1000)
        let open = "holdfast_published_without_quorum_total"
        text.metric(open, .counter, "Heads published without a quorum, by fail-open.")
        text.sample(open, publishedWithoutQuorum)
        let requests = "holdfast_witness_requests_total"
        text.metric(requests, .counter, "Times a witness was asked, by whether it cosigned.")
        for witness in cosignatures.keys.sorted() {
            text.sample(requests, cosignatures[witness] ?? 0, ("witness", witness), ("result", "cosigned"))
            text.sample(requests, failures[witness] ?? 0, ("witness", witness), ("result", "failed"))
        }
        let cosigned = "holdfast_witness_cosigned_timestamp_seconds"
        text.metric(
            cosigned, .gauge, "When a cosignature of a witness was last taken; 0 where none was since the start.")
        for witness in cosignatures.keys.sorted() {
            text.sample(cosigned, Double(cosignedTimes[witness] ?? 0) / 1000, ("witness", witness))
        }
        let excluded = "holdfast_witness_quarantined"
        text.metric(excluded, .gauge, "1 if a witness is left out for claiming what the log has not signed.")
        for witness in cosignatures.keys.sorted() {
            text.sample(excluded, quarantined[witness] == true ? 1 : 0 as UInt64, ("witness", witness))
        }
        guard !stateSizes.isEmpty else { return }
        let replayed = "holdfast_state_cosigned_tree_size"
        text.metric(replayed, .gauge, "Size of the head that a state witness cosigned last.")
        for witness in stateSizes.keys.sorted() {
            text.sample(replayed, stateSizes[witness] ?? 0, ("witness", witness))
        }
    }
}

extension MetricsText {
    fileprivate mutating func histogram(_ name: String, _ histogram: EngineMetrics.Histogram, _ help: String) {
        metric(name, .histogram, help)
        self.histogram(name, bounds: histogram.bounds, counts: histogram.counts, sum: histogram.sum)
    }
}
