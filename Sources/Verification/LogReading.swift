import COSE
import Governance
import Tlog

/// One pass over a log's entries, in groups: read and verify signatures side by side, then tree and fold in order, while
/// the signatures of the next group are verified.
///
/// The tree is computed to the end even where an entry breaks the log's rules, and the rules are followed to the end
/// even where a tile differs, so that the report says which of them is wrong.
struct LogReading<Source: TileSource> {
    private let source: Source
    let head: TreeHead
    let trust: TrustFile
    private(set) var frontier = Frontier()
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

    /// Bundles that are read and verified at once: 2,048 entries.
    private static var bundlesInGroup: UInt64 { 8 }

    init(source: Source, head: TreeHead, trust: TrustFile, resumption: LogResumption? = nil) {
        self.source = source
        self.resumption = resumption
        self.head = head
        self.trust = trust
        tiles = TileComparison(source: source)
        replay = LogReplay(
            pins: LogReplay.Pins(genesis: trust.genesis?.leafHash, authorities: trust.authorities))
    }

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
            frontier = try TileEdges.frontier(start.openTiles, size: start.size)
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
        let width = UInt64(EntryBundle.fullWidth)
        let bundleCount = head.size / width + (head.size % width > 0 ? 1 : 0)
        var next = frontier.size / width
        func following() -> Group {
            // The first keys are in entry 0, and nothing is verified ahead before they are known.
            let end = min(bundleCount, next + (next == 0 ? 1 : Self.bundlesInGroup))
            defer { next = end }
            return read(bundles: next..<end, after: resumedAt)
        }
        var group = following()
        var verified = await Self.verified(group.entries, keys: replay.rules?.keys)
        while true {
            let fault = group.fault
            let isLast = next == bundleCount || fault != nil
            if !isLast { group = following() }
            let (entries, keys) = (group.entries, replay.rules?.keys)
            // Keys that this group changes are the replay's to look at: it verifies what was not.
            async let ahead = isLast || keys == nil ? [] : Self.verified(entries, keys: keys)
            do throws(BundleFault) {
                for entry in verified.joined() { try take(entry) }
                if let fault { throw fault }
            } catch {
                switch error {
                case .source(let cause): throw cause
                case .content(let code, let path, let why): stop = Stop(code: code, path: path, why: why)
                }
                return
            }
            progress(frontier.size, head.size)
            if isLast { break }
            verified = keys == nil ? await Self.verified(entries, keys: replay.rules?.keys) : await ahead
        }
        try tiles.finish()
        do throws(ReplayError) { try replay.finish() } catch { replayFailure = replayFailure ?? error }
        if frontier.root() == head.root, frontier.size > resumedAt { try keep() }
    }

    /// The entries of some bundles, up to the first bundle that could not be read.
    private struct Group {
        var entries: [[[UInt8]]] = []
        var fault: BundleFault?
    }

    /// - Parameter size: how many entries an earlier run has verified: they are left out.
    private func read(bundles: Range<UInt64>, after size: UInt64) -> Group {
        var group = Group()
        for index in bundles {
            let start = index * UInt64(EntryBundle.fullWidth)
            let width = Int(min(head.size - start, UInt64(EntryBundle.fullWidth)))
            do throws(BundleFault) {
                let entries = try source.bundle(index, width: width)
                group.entries.append(Array(entries.dropFirst(Int(max(start, size) - start))))
            } catch {
                // What was read before the fault is still worth checking.
                group.fault = error
                break
            }
        }
        return group
    }

    /// What needs nothing but the entries and the keys, spread over the cores.
    private static func verified(_ bundles: [[[UInt8]]], keys: KeyDirectory?) async -> [[VerifiedEntry]] {
        await withTaskGroup(of: (Int, [VerifiedEntry]).self) { group in
            for (position, entries) in bundles.enumerated() {
                group.addTask { (position, entries.map { VerifiedEntry($0, keys: keys) }) }
            }
            var results = [[VerifiedEntry]](repeating: [], count: bundles.count)
            for await (position, entries) in group { results[position] = entries }
            return results
        }
    }

    private mutating func take(_ entry: VerifiedEntry) throws(BundleFault) {
        frontier.append(entry.leafHash)
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
            if let statement = entry.statement {
                try replay.append(statement, signatureVerified: entry.isSignatureVerified)
            } else {
                try replay.append(entry.bytes)
            }
            if replay.size == 1 { genesisPolicy = replay.rules?.policy }
        } catch {
            replayFailure = error
        }
    }
}

/// An entry after the work that needs nothing but the entry and the keys.
private struct VerifiedEntry: Sendable {
    let bytes: [UInt8]
    let leafHash: Hash
    /// Nil if the bytes are not the canonical form of a statement; the replay says why.
    let statement: SignedStatement?
    /// False also where the key isn't known yet; then the replay verifies it, or says why not.
    let isSignatureVerified: Bool

    init(_ bytes: [UInt8], keys: KeyDirectory?) {
        self.bytes = bytes
        guard let statement = try? SignedStatement(decoding: bytes), statement.entryBytes == bytes else {
            self.statement = nil
            leafHash = .leaf(bytes)
            isSignatureVerified = false
            return
        }
        self.statement = statement
        leafHash = statement.leafHash
        if let signer = keys?.entry(for: statement) {
            isSignatureVerified = (try? statement.verify(signer.key)) != nil
        } else {
            isSignatureVerified = false
        }
    }
}
