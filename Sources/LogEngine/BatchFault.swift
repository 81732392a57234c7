internal import Governance
internal import LogStore

/// Why a batch did not get to its end.
enum BatchFault: Error {
    /// Nothing of it was kept, and the log can go on with the next one. The store's own words.
    case refused(String)

    /// The log can't go on.
    case fatal(StopReason)

    /// What a failed commit means: for some failures the store promises that nothing was stored.
    init(commit error: StoreError) {
        switch error.code {
        case .full, .io: self = .refused("\(error)")
        case .syncFailed where Mutant.stopAfterSync.isOff: self = .refused("\(error)")
        case .syncFailed: self = .fatal(.syncFailed(error.detail))
        case .headMoved: self = .fatal(.headMoved(error.detail))
        case .invalidBatch, .duplicateEntry, .notFound, .notRetained: self = .fatal(.brokenInvariant("\(error)"))
        case .corrupt, .locked, .version, .notAStore, .closed: self = .fatal(.storeFailed("\(error)"))
        }
    }

    /// A failed read before the commit: nothing was kept.
    init(read error: any Error) {
        switch error {
        case AdmissionError.storage(let detail): self = .refused(detail)
        case let damage as MapDamage: self = .fatal(.stateDamaged("\(damage)"))
        case let error as StoreError where error.code == .full || error.code == .io: self = .refused("\(error)")
        // A fold beside commits may have failed so that nothing can be read any more.
        case let error as StoreError where error.code == .syncFailed: self = .fatal(.syncFailed(error.detail))
        case let error as StoreError: self = .fatal(.storeFailed("\(error)"))
        default: self = .fatal(.brokenInvariant("\(error)"))
        }
    }
}
