internal import LMDB
internal import Synchronization

/// The newest commits' changes of everything that lies in tables beside entries and tiles: a row for each commit in the
/// store, and the same in memory, where readers ask first.
///
/// A change of a table costs a page of its own, so a commit writes its changes into one row, one after the other. Now and
/// then a commit *folds* the rows into the tables, in the order of the keys: what many commits have changed in one page is
/// then written once.
///
/// What is in memory is found by the commit's number or size, so a snapshot sees what the rows of its own transaction say,
/// whatever is committed meanwhile. Where memory has gone on too far for it, it reads its rows.
final class Journal: Sendable {
    /// The segment that commits are added to, and before it the one that was folded last, which snapshots from before
    /// the fold read.
    private let segments: Mutex<(current: JournalSegment, last: JournalSegment?)>

    /// Held by the commit that is under way.
    private let commits = Mutex(())

    init(_ segment: JournalSegment) { segments = Mutex((segment, nil)) }

    /// What the journal has for a snapshot.
    ///
    /// - Parameter head: of the newest commit that the transaction sees.
    func segment(for head: JournalHead, _ transaction: Transaction, _ layout: Layout) throws -> JournalSegment {
        let (current, last) = segments.withLock { $0 }
        if current.reaches(head) { return current }
        if let last, last.reaches(head) { return last }
        return try JournalSegment(reading: transaction, layout, head)
    }

    /// As in ``JournalSegment``.
    var mostBytesFolded: Int { segments.withLock { $0.current }.mostBytesFolded }

    /// Commits, one at a time, with what the journal has in memory beside it.
    ///
    /// What is to be committed is in memory just before it is, so that every snapshot finds its commit there; those from
    /// before do not see it. What could not be committed is taken back.
    ///
    /// - Parameter body: writes and commits; it calls its argument when all is written.
    func commit(_ body: (_ isWritten: (JournalStep) -> Void) throws -> Void) throws {
        try commits.withLock { _ in
            var step: JournalStep?
            do {
                try body {
                    step = $0
                    take($0)
                }
            } catch {
                if let step { takeBack(step) }
                throw error
            }
        }
    }

    private func take(_ step: JournalStep) {
        switch step {
        case .added(let changes, let head, let byteCount, let segment):
            segment.add(changes, head, byteCount: byteCount)
            segments.withLock { segments in
                if segments.current !== segment { segments = (segment, segments.current) }
            }
        case .folded(let segment, let head):
            segments.withLock { $0 = (JournalSegment(behind: head.number), segment) }
        }
    }

    private func takeBack(_ step: JournalStep) {
        switch step {
        case .added(let changes, let head, let byteCount, let segment):
            segment.removeLast(changes, head, byteCount: byteCount)
        case .folded(let segment, _): segments.withLock { $0 = (segment, nil) }
        }
    }
}

/// What a commit does to the journal.
enum JournalStep {
    /// It adds a row with its changes.
    case added(JournalChanges, JournalHead, byteCount: Int, to: JournalSegment)
    /// It brings all changes into the tables, its own too.
    case folded(JournalSegment, at: JournalHead)
}
