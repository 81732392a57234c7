import COSE
import Governance
import Tlog

/// One pass over a log's entries: read in order, signatures verified side by side, far enough ahead that no core waits,
/// then tree and fold in order.
///
/// The tree is computed to the end even where an entry breaks the log's rules, and the rules are followed to the end
/// even where a tile differs, so that the report says which of them is wrong.
struct LogReading<Source: TileSource> {
    private let source: Source
    let head: TreeHead
    let trust: TrustFile
    private(set) var tiles: TileComparison<Source>
    private(set) var replay: LogReplay
    /// The first entry that the log's rules don't allow.
    private(set) var replayFailure: ReplayError?
    /// Why reading ended before the last entry.
    private(set) var stop: Stop?
    /// The policy of entry 0.
    private(set) var genesisPolicy: Policy?
    /// How many entries an earlier run has verified.
    private(set) var resumedAt: UInt64 = 0
    private let resumption: LogResumption?

    struct Stop {
        let code: String
        let path: String
        let why: String
    }

    /// Entries that one task verifies.
    private static var entriesInPiece: Int { 64 }
    /// Entries that are read ahead of the fold: with all that is known of them some 8 MiB.
    private static var entriesAhead: Int { 4096 }

    init(source: Source, head: TreeHead, trust: TrustFile, resumption: LogResumption? = nil) {
        self.source = source
        self.resumption = resumption
        self.head = head
        self.trust = trust
        tiles = TileComparison(source: source)
        replay = LogReplay(
            pins: LogReplay.Pins(genesis: trust.genesis?.leafHash, authorities: trust.authorities))
    }

    /// How many entries were read, those of an earlier run too.
    var size: UInt64 { tiles.size }

    /// The root that they have.
    var root: Hash { tiles.root }

    /// Goes on where an earlier run was.
    mutating func resume(_ start: LogResume) throws(CheckFailure) {
        guard start.trust == LogResume.digest(trust) else {
            throw CheckFailure("resume-trust", "the earlier run held the log to another trust file")
        }
        guard start.size <= head.size else {
            throw CheckFailure(
                "resume-head", "the earlier run was at size \(start.size), beyond the checkpoint's \(head.size)")
        }
        // Entry 0 is looked at again: the reports name what the genesis says.
        let width = Int(min(head.size, UInt64(EntryBundle.fullWidth)))
        do {
            var first = LogReplay(pins: pins)
            for entry in try source.bundle(0, width: width).prefix(1) { try first.append(entry) }
            genesisPolicy = first.rules?.policy
            replay = try LogReplay(resuming: start.standstill, pins: pins)
        } catch let failure as any NamedFailure {
            throw CheckFailure(failure)
        } catch {
            throw CheckFailure("bundle-missing", "entry 0 can't be read")
        }
        guard let genesisPolicy, genesisPolicy.origin == replay.rules?.policy.origin else {
            throw CheckFailure("other-log", "the earlier run was over another log")
        }
        tiles = TileComparison(source: source, open: start.openTiles, size: start.size)
        resumedAt = start.size
    }

    private var pins: LogReplay.Pins {
        LogReplay.Pins(genesis: trust.genesis?.leafHash, authorities: trust.authorities)
    }

    /// Keeps where the run stands, if that is after a seal and nothing was wrong. The seal's leaf hash is held to the
    /// partial tile, so there has to be one.
    private func keep() throws {
        guard let resumption, let open = tiles.openTiles, replayFailure == nil, let standstill = replay.standstill,
            TileEdges.fit(open, size: standstill.size)
        else { return }
        try resumption.keep(LogResume(trust: trust, standstill: standstill, openTiles: open))
    }

    mutating func run(progress: (UInt64, UInt64) -> Void) async throws {
        do throws(BundleFault) {
            try await takeAll(progress)
        } catch {
            switch error {
            case .source(let cause): throw cause
            case .content(let code, let path, let why): stop = Stop(code: code, path: path, why: why)
            }
            return
        }
        try tiles.finish()
        do throws(ReplayError) { try replay.finish() } catch {
            if !Mutant.logRules.isOff { replayFailure = replayFailure ?? error }
        }
        if root == head.root, size > resumedAt { try keep() }
    }

    /// Reads entries and has them verified, always some pieces ahead of the one that is taken. What was read before a
    /// fault is still worth checking.
    private mutating func takeAll(_ progress: (UInt64, UInt64) -> Void) async throws(BundleFault) {
        let fault = await withTaskGroup(of: (Int, [VerifiedEntry]).self) { group -> BundleFault? in
            var bundles = BundleCursor(source: source, size: head.size, resumedAt: resumedAt)
            var fault: BundleFault?
            var pieces = TasksInOrder<[VerifiedEntry]>()
            var ahead = 0
            while true {
                // The first keys are in entry 0, and nothing is verified ahead before they are known: the replay
                // verifies what was not, with keys that have changed in the meantime too.
                while fault == nil, ahead < Self.entriesAhead, ahead == 0 || replay.rules != nil {
                    let entries: [[UInt8]]?
                    do throws(BundleFault) {
                        entries = try bundles.next()
                    } catch {
                        (entries, fault) = (nil, error)
                    }
                    guard let entries else { break }
                    ahead += entries.count
                    for start in stride(from: 0, to: entries.count, by: Self.entriesInPiece) {
                        let piece = entries[start..<min(start + Self.entriesInPiece, entries.count)]
                        let (number, keys) = (pieces.begin(), replay.rules?.keys)
                        group.addTask { (number, VerifiedEntry.all(piece, keys: keys)) }
                    }
                }
                guard let entries = await pieces.next({ await group.next() }) else { return fault }
                let span = entries.span
                // Not `for entry in entries`, which counts each entry's references: it was last seen by another core.
                do throws(BundleFault) { for index in span.indices { try take(span[index]) } } catch { return error }
                ahead -= entries.count
                progress(size, head.size)
            }
        }
        if let fault { throw fault }
    }

    private mutating func take(_ entry: VerifiedEntry) throws(BundleFault) {
        do { try tiles.append(entry.leafHash) } catch { throw .source(error) }
        follow(entry)
        if replay.isAtSeal, resumption?.isDue() == true {
            do { try keep() } catch { throw .source(error) }
        }
    }

    /// Folds the entry, unless one before it was not allowed: after that, the state is not the log's any more.
    private mutating func follow(_ entry: VerifiedEntry) {
        guard replayFailure == nil else { return }
        do throws(ReplayError) {
            try replay.append(entry)
            if replay.size == 1 { genesisPolicy = replay.rules?.policy }
        } catch {
            if !Mutant.logRules.isOff { replayFailure = error }
        }
    }
}

/// The bundles of a log, one after the other.
private struct BundleCursor<Source: TileSource> {
    let source: Source
    /// How many entries the log has.
    let size: UInt64
    /// How many of them an earlier run has verified: they are left out.
    let resumedAt: UInt64
    private var index: UInt64

    init(source: Source, size: UInt64, resumedAt: UInt64) {
        self.source = source
        self.size = size
        self.resumedAt = resumedAt
        index = resumedAt / UInt64(EntryBundle.fullWidth)
    }

    /// The entries of the next bundle; nil after the last.
    mutating func next() throws(BundleFault) -> [[UInt8]]? {
        let start = index * UInt64(EntryBundle.fullWidth)
        guard start < size else { return nil }
        let entries = try source.bundle(index, width: Int(min(size - start, UInt64(EntryBundle.fullWidth))))
        index += 1
        return Array(entries.dropFirst(Int(max(start, resumedAt) - start)))
    }
}
