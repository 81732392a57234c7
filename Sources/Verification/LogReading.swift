import COSE
import Governance
import Tlog

/// One pass over a log's entries, in groups: read and verify signatures side by side, then tree and fold in order.
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

    struct Stop {
        let code: String
        let path: String
        let why: String
    }

    /// Bundles that are read and verified at once: 2,048 entries.
    private static var bundlesInGroup: UInt64 { 8 }

    init(source: Source, head: TreeHead, trust: TrustFile) {
        self.source = source
        self.head = head
        self.trust = trust
        tiles = TileComparison(source: source)
        replay = LogReplay(
            pins: LogReplay.Pins(genesis: trust.genesis?.leafHash, authorities: trust.authorities))
    }

    mutating func run(progress: (UInt64, UInt64) -> Void) async throws {
        let width = UInt64(EntryBundle.fullWidth)
        let bundleCount = head.size / width + (head.size % width > 0 ? 1 : 0)
        var next: UInt64 = 0
        while next < bundleCount {
            let end = min(bundleCount, next + Self.bundlesInGroup)
            do throws(BundleFault) {
                try await take(bundles: next..<end)
            } catch {
                switch error {
                case .source(let cause): throw cause
                case .content(let code, let path, let why): stop = Stop(code: code, path: path, why: why)
                }
                return
            }
            next = end
            progress(frontier.size, head.size)
        }
        try tiles.finish()
        do throws(ReplayError) { try replay.finish() } catch { replayFailure = replayFailure ?? error }
    }

    /// The bundles of one group.
    private mutating func take(bundles: Range<UInt64>) async throws(BundleFault) {
        var read: [[[UInt8]]] = []
        var fault: BundleFault?
        for index in bundles {
            let left = head.size - index * UInt64(EntryBundle.fullWidth)
            do throws(BundleFault) {
                read.append(try source.bundle(index, width: Int(min(left, UInt64(EntryBundle.fullWidth)))))
            } catch {
                // What was read before the fault is still worth checking.
                fault = error
                break
            }
        }
        let keys = replay.rules?.keys
        let verified = await withTaskGroup(of: (Int, [VerifiedEntry]).self) { group in
            for (position, entries) in read.enumerated() {
                group.addTask { (position, entries.map { VerifiedEntry($0, keys: keys) }) }
            }
            var results = [[VerifiedEntry]](repeating: [], count: read.count)
            for await (position, entries) in group { results[position] = entries }
            return results
        }
        for entry in verified.joined() {
            frontier.append(entry.leafHash)
            do { try tiles.append(entry.leafHash) } catch { throw .source(error) }
            follow(entry)
        }
        if let fault { throw fault }
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
