import COSE
import Governance
import Tlog

extension Verifier {
    /// A whole log as tlog-tiles: the checkpoint under the trust file, every entry, every tile, the root, and the fold
    /// of all entries: signatures, admissions, streams, seals.
    ///
    /// - Parameters:
    ///   - source: where the log's files are.
    ///   - resumption: from where to go on, and what keeps where the verification stands; nil for neither. Entries below
    ///     where it goes on are not read again.
    ///   - isGovernance: whether the report says what the entries fold into.
    ///   - progress: called after each group of entries with how many are done, of how many.
    /// - Throws: what `source` and `resumption` throw. All that is wrong with the log itself is in the report.
    public func log(
        in source: some TileSource, resumption: LogResumption? = nil, isGovernance: Bool = false,
        progress: (_ done: UInt64, _ total: UInt64) -> Void = { _, _ in }
    ) async throws -> VerificationReport {
        var list = CheckList()
        guard let bytes = try source.read("checkpoint") else {
            list.fail(.checkpointForm, "missing-file", "there is no file \"checkpoint\"")
            return VerificationReport(subject: .log, checks: list.checks)
        }
        guard let signed = Self.parseCheckpoint(bytes, of: nil, &list) else {
            return VerificationReport(subject: .log, checks: list.checks)
        }
        var reading = LogReading(
            source: source, head: signed.checkpoint.treeHead, trust: trust, resumption: resumption)
        if let start = resumption?.start {
            do throws(CheckFailure) {
                try reading.resume(start)
            } catch {
                check(signed, of: nil, &list)
                list.fail(.resume, error.code, error.sentence, CheckValue("verified-before", start.size))
                return VerificationReport(subject: .log, checks: list.checks)
            }
        }
        try await reading.run(progress: progress)
        // The log's own entries say which key signs its head, and they are read by now.
        let keys = reading.keysAtHead
        check(signed, of: nil, replayed: keys, &list)
        if let start = resumption?.start { list.pass(.resume, CheckValue("verified-before", start.size)) }
        reading.report(to: &list)
        if let keys { trust.check(keys, size: signed.checkpoint.size, &list) }
        if !list.hasFailure { try SurplusFiles.look(in: source, beside: signed.checkpoint.treeHead, &list) }
        list.note(.history, "whether an older checkpoint is of this log is shown by a consistency proof")
        list.note(.freshness, "there is no clock to compare it with")
        noteStateQuorum(signed, of: nil, logKeys: keys?.rightful(at: signed.checkpoint.size) ?? [], &list)
        return VerificationReport(
            subject: .log, checks: list.checks, fold: isGovernance ? LogFold(reading) : nil)
    }
}
