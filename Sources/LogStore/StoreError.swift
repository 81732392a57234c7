package import Tlog

/// Why a store could not do what it was asked.
///
/// Absence is no error: what is not there is `nil`. The code says what a caller can do about it; the detail is one
/// sentence for people, with the values.
public struct StoreError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kinds of failure. The raw values are stable and may be logged and counted.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// The batch contradicts itself, or what the store holds. A bug of the caller; nothing was stored.
        case invalidBatch = "invalid-batch"
        /// The store's head is not the one that the batch was made for. Nothing was stored.
        case headMoved = "head-moved"
        /// A leaf hash of the batch is in the store already, or twice in the batch. Nothing was stored.
        case duplicateEntry = "duplicate-entry"
        /// A range or a tile that reaches beyond the committed head was asked for, or the state at a size at which no
        /// batch ended.
        case notFound = "not-found"
        /// The state at a size was asked for that is older than what the store keeps.
        case notRetained = "not-retained"
        /// What the store holds contradicts itself, or cannot be decoded.
        case corrupt
        /// No space is left: disk, quota or map size. Nothing was stored; later commits may work.
        case full
        /// The system refused to read or write. Nothing was stored.
        case io
        /// A write or sync failed in a way that leaves open what is on the disk. Nothing may be acknowledged; the
        /// store takes no further commits, and the process should stop and verify the tail at its next start.
        case syncFailed = "sync-failed"
        /// Another process has the store open.
        case locked
        /// The store has a format that this version does not know.
        case version
        /// There is no store in the place named, or something else is in it.
        case notAStore = "not-a-store"
        /// The store was closed, or a snapshot was used after its scope.
        case closed
    }

    public let code: Code
    /// One sentence: what happened, on which values, and what to do where there is something to do.
    public let detail: String

    public init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    public var description: String { "\(code.rawValue): \(detail)" }
}

/// The failures that every implementation words alike.
extension StoreError {
    package static func invalid(_ detail: String) -> StoreError { StoreError(.invalidBatch, detail) }

    /// The store's head is another than the caller's.
    package static func headMoved(expected: TreeHead, found: TreeHead) -> StoreError {
        StoreError(
            .headMoved,
            "the batch was made for the head of size \(expected.size), root \(expected.root), and the store's head is "
                + "of size \(found.size), root \(found.root)")
    }

    /// The leaf hash is in the store already.
    package static func duplicate(_ leafHash: Hash, at index: UInt64) -> StoreError {
        StoreError(.duplicateEntry, "leaf hash \(leafHash) is in the store already, at index \(index)")
    }

    /// An entry is not found under its leaf hash.
    ///
    /// - Parameter remedy: what to do about it, where the store knows.
    package static func misplaced(_ leafHash: Hash, of index: UInt64, remedy: String? = nil) -> StoreError {
        StoreError(
            .corrupt,
            "entry \(index) is not found under its leaf hash \(leafHash)"
                + (remedy.map { "; the index of leaf hashes is damaged: \($0)" } ?? ""))
    }

    /// The stream has a link already that the new one does not follow.
    package static func linkOutOfOrder(_ seq: UInt64, index: UInt64, newest: (seq: UInt64, index: UInt64)) -> StoreError
    {
        StoreError(
            .invalidBatch,
            "link \(seq) of a stream, entry \(index), does not come after its newest link, \(newest.seq), entry "
                + "\(newest.index)")
    }

    /// The listing has an entry already that the new one does not follow.
    package static func listedOutOfOrder(_ index: UInt64, newest: UInt64) -> StoreError {
        .invalid("a listing is to have entry \(index) after entry \(newest)")
    }

    /// The size is beyond the head, or none at which a batch ended.
    package static func notSealed(_ size: UInt64, nearest: UInt64?) -> StoreError {
        StoreError(
            .notFound,
            "no batch ended at size \(size), so there is no state of that size; "
                + (nearest.map { "the nearest below it is \($0)" } ?? "there is none below it either"))
    }

    /// The size is older than the oldest whose state is kept.
    package static func notRetained(_ size: UInt64, from oldest: UInt64) -> StoreError {
        StoreError(
            .notRetained, "the state at size \(size) is no longer kept; the oldest that is, is at size \(oldest)")
    }

    /// A tile lacks the hash of an entry that is committed.
    package static func tooShort(_ coordinate: TileCoordinate, _ index: UInt64) -> StoreError {
        StoreError(.corrupt, "\(coordinate) does not reach entry \(index), which is committed")
    }

    /// A range was asked for that reaches beyond the committed log.
    package static func beyondHead(_ range: Range<UInt64>, size: UInt64) -> StoreError {
        StoreError(.notFound, "entries \(range.lowerBound) to \(range.upperBound) were asked for; the log has \(size)")
    }
}
