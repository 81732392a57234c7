import Foundation
import Governance
import LogClient
public import Tlog
public import Verification

/// Where a monitor keeps the proofs that logs signed two histories: a JSON file each, as ``ForkEvidence`` describes it.
///
/// A log of which there is evidence is not followed any more, by this run or by a later one, until somebody has looked
/// at it and moved the file away.
public struct EvidenceFiles: Sendable {
    private let directory: String
    /// Two of a log prove no more than one; more are kept for whoever looks for the cause.
    private static let maxPerLog = 16

    /// - Parameter directory: made when the first file is written.
    public init(directory: String) {
        self.directory = directory
    }

    /// A file of evidence against a log; nil if there is none.
    public func existing(_ origin: Origin) -> String? {
        names(origin).first.map { directory + "/" + $0 }
    }

    /// Writes the evidence down, synced, unless it is there already.
    ///
    /// - Returns: the file's path.
    public func keep(_ evidence: ForkEvidence) throws -> String {
        // Notes with the same text differ at most in signatures, and prove the same.
        let texts = evidence.checkpoints.flatMap { Array($0.note.text.utf8) }
        let known = names(evidence.origin)
        let name = "\(Self.prefix(evidence.origin))-\(Hash.sha256(texts).hex.prefix(16)).json"
        let path = directory + "/" + name
        if known.contains(name) { return path }
        if known.count >= Self.maxPerLog, let first = known.first { return directory + "/" + first }
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try AtomicFile.write(Array((evidence.json.text(.pretty) + "\n").utf8), to: path)
        return path
    }

    private func names(_ origin: Origin) -> [String] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return all.filter { $0.hasPrefix(Self.prefix(origin) + "-") && $0.hasSuffix(".json") }.sorted()
    }

    private static func prefix(_ origin: Origin) -> String { Hash.sha256(Array(origin.text.utf8)).hex }
}
