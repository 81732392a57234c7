#if HOLDFAST_MUTANTS
    internal import Foundation
#endif

/// The checks of the store that a test build can switch off, one at a time, to show that a test notices.
///
/// Only a build with `-D HOLDFAST_MUTANTS` reads the environment variable `HOLDFAST_MUTANT`; in every other build
/// ``isOff`` is the constant `false`, and the checks can't be switched off at all.
enum Mutant: String, CaseIterable {
    // MARK: Commits

    /// Take a batch that was made for another head.
    case expectedHead = "store/expected-head"

    /// Take a batch that contradicts itself.
    case validBatch = "store/valid-batch"

    /// Take tiles that do not begin as they do in the store.
    case tileGrowth = "store/tile-growth"

    /// Commit a leaf hash a second time.
    case knownLeaf = "store/known-leaf"

    /// Take entries of lists in any order.
    case listOrder = "store/list-order"

    /// Write although the files have no name any more.
    case filesAreThere = "store/files-are-there"

    /// Write whatever room the disk has.
    case diskRoom = "store/disk-room"

    /// Write whatever room the map has.
    case mapRoom = "store/map-room"

    /// Write a long batch into the journal, too.
    case longBatch = "store/long-batch"

    /// Leave the entries of a long batch out of the index of leaf hashes.
    case longBatchIndexed = "store/long-batch-indexed"

    // MARK: The journal

    /// Take a row whatever its hash says.
    case rowHash = "store/row-hash"

    /// Take a row whatever leaf hashes its entries have.
    case rowLeafHashes = "store/row-leaf-hashes"

    /// Take rows of any segment.
    case rowID = "store/row-id"

    /// Take what comes before a damaged row for all that was committed.
    case rowDamage = "store/row-damage"

    /// Fold rows although the file has others.
    case rowsInFile = "store/rows-in-file"

    /// Go on after a commit of which nobody knows whether the disk has it.
    case failureKept = "store/failure-kept"

    /// Never end a segment, however long it is.
    case foldIsDue = "store/fold-is-due"

    /// Begin a segment in a file whose rows are not folded yet.
    case turnWaits = "store/turn-waits"

    /// Copy the store without room for the fold that comes first.
    case copyRoom = "store/copy-room"

    // MARK: Opening

    /// Open a store whose journal is missing.
    case journalIsThere = "store/journal-is-there"

    /// Open a store whatever the hash of its head says.
    case headHash = "store/head-hash"

    /// Open a store of a format that is not known.
    case format = "store/format"

    /// Open a data file that was cut short.
    case length = "store/length"

    /// Believe a note of an orderly end that speaks of another file.
    case closingNote = "store/closing-note"

    /// Believe an index of leaf hashes whatever the tiles say.
    case indexRoot = "store/index-root"

    // MARK: The anchor

    /// Move the anchor without comparing where it stands.
    case anchorCompare = "invariant-4-anchor-compare"

    // MARK: Reading

    /// Take a candidate of the index of leaf hashes for the entry.
    case indexCandidate = "store/index-candidate"

    /// Read the state at sizes that were given up.
    case retained = "store/retained"

    #if HOLDFAST_MUTANTS
        private static let switchedOff = ProcessInfo.processInfo.environment["HOLDFAST_MUTANT"]

        var isOff: Bool { Self.switchedOff == rawValue }
    #else
        @inline(__always) var isOff: Bool { false }
    #endif
}
