internal import Foundation
internal import LMDB
internal import Tlog
internal import Witness

/// Where the proofs of logs' misbehaviour are kept: one JSON file each, described in `spec/witness.md`.
///
/// Bounded for each log, so that one log can't use up the room of another. Called from one thread at a time.
struct EvidenceDirectory: Sendable {
    enum Outcome: Equatable {
        case written(file: String)
        /// The same proof is there already.
        case known
        /// There are as many files about this log as there may be.
        case full
    }

    private struct Record: Encodable {
        let kind: String
        let origin: String
        /// When the witness saw it, in seconds since 1970.
        let seen: UInt64
        /// Signed notes; of two, first the one that the witness had cosigned.
        let checkpoints: [String]
    }

    private let place: StorageDirectory
    private let maxPerLog: Int

    /// Makes the directory where it is missing.
    init(_ path: String, maxPerLog: Int) throws(WitnessServerError) {
        place = StorageDirectory(path)
        self.maxPerLog = maxPerLog
        do {
            if try place.names() == nil { _ = try place.create() }
        } catch {
            throw .store("\(error)")
        }
    }

    /// Writes a proof down, synced, unless it is there or there are enough.
    func keep(_ misbehaviour: Misbehaviour, of origin: Origin, seen seconds: UInt64) throws -> Outcome {
        let (kind, checkpoints) = misbehaviour.parts
        let about = OriginHash(origin).description
        // Two notes with the same text differ at most in signatures, and prove the same.
        let texts = checkpoints.flatMap { Array($0.note.text.utf8) }
        let name = "\(about)-\(Hash.sha256(texts).hex.prefix(16)).json"
        let names = try place.names() ?? []
        if names.contains(name) { return .known }
        guard names.count(where: { $0.hasPrefix(about) && $0.hasSuffix(".json") }) < maxPerLog else { return .full }
        let record = Record(
            kind: kind, origin: origin.text, seen: seconds,
            checkpoints: checkpoints.map { String(decoding: $0.bytes, as: UTF8.self) })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let path = place.file(name)
        try (encoder.encode(record) + Data("\n".utf8)).write(to: URL(filePath: path), options: .atomic)
        try StorageFile(existingAt: path).sync()
        try place.sync()
        return .written(file: path)
    }
}

extension Misbehaviour {
    fileprivate var parts: (kind: String, checkpoints: [SignedCheckpoint]) {
        switch self {
        case .fork(let recorded, let submitted): ("fork", [recorded, submitted])
        case .emptyTreeRoot(let submitted): ("empty-tree-root", [submitted])
        }
    }
}
