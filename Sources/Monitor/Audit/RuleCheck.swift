import Governance
import Tlog
import Verification

/// The log's own rules, followed entry by entry, in order.
struct RuleCheck {
    private let total: UInt64
    private let verified: UInt64
    /// Whether the trust file says which entry 0 it has to be, or by whom.
    private let isPinned: Bool
    private(set) var replay: LogReplay?
    private var failure: ReplayError?
    /// The first entry that was not there to be followed.
    private var gap: UInt64?
    /// The policy of entry 0.
    private var genesis: Policy?
    /// Where each leaf hash was.
    private var seen: [LeafKey: UInt64] = [:]
    private(set) var duplicates: [AuditDamage] = []
    private(set) var size: UInt64 = 0

    init(trust: TrustFile, size: UInt64, verified: TreeHead?) {
        total = size
        self.verified = verified?.size ?? 0
        isPinned = trust.genesis != nil || !trust.authorities.isEmpty
        replay = LogReplay(pins: LogReplay.Pins(genesis: trust.genesis?.leafHash, authorities: trust.authorities))
    }

    /// The head up to which everything was there and allowed.
    var clean: TreeHead? { failure == nil && gap == nil && duplicates.isEmpty ? replay?.treeHead : nil }

    /// Counts a bundle; finds entries that are in the log twice.
    mutating func note(_ bundle: BundleCheck) {
        let first = bundle.index * UInt64(EntryBundle.fullWidth)
        for (offset, hash) in bundle.leafHashes.enumerated() {
            let index = first + UInt64(offset)
            if let before = seen.updateValue(index, forKey: LeafKey(hash)) {
                duplicates.append(
                    AuditDamage(
                        .duplicate, "leaf hash", index: index, expected: "no entry twice",
                        found: "entry \(before), \(hash)"))
            }
        }
        size = min(first + UInt64(EntryBundle.fullWidth), total)
    }

    /// Whether the entries can't be followed, or entry 0 was.
    var isBegun: Bool { !isFollowing || genesis != nil }

    private var isFollowing: Bool { failure == nil && gap == nil }

    /// What is made of a bundle's entries before they are followed.
    func depth(ofBundle index: UInt64) -> BundleCheck.Depth {
        guard isFollowing else { return .hashes }
        return .statements(keys: isVouchedFor(index) ? nil : replay?.rules?.keys)
    }

    /// Whether an earlier audit has verified a whole bundle.
    private func isVouchedFor(_ bundle: UInt64) -> Bool {
        min((bundle + 1) * UInt64(EntryBundle.fullWidth), total) <= verified
    }

    mutating func follow(_ bundle: BundleCheck) {
        guard isFollowing, var replay = replay.take() else { return }
        defer { self.replay = replay }
        guard let entries = bundle.verified else {
            gap =
                bundle.damage.first { $0.kind == .entry }?.index ?? bundle.index * UInt64(EntryBundle.fullWidth)
            return
        }
        let isVouchedFor = isVouchedFor(bundle.index)
        do throws(ReplayError) {
            // Not `for entry in entries`, which counts each entry's references: it was last seen by another core.
            let span = entries.span
            for index in span.indices {
                try replay.append(span[index], isVouchedFor: isVouchedFor)
                if replay.size == 1 { genesis = replay.rules?.policy }
            }
        } catch {
            failure = error
        }
    }

    /// The log's keys by its own entries; nil unless all of them were followed, from an entry 0 that is pinned.
    var keys: ReplayedLogKeys? {
        guard failure == nil, gap == nil, isPinned, let replay, replay.isAtSeal, replay.size == total else {
            return nil
        }
        return ReplayedLogKeys(replay)
    }

    /// What the entries fold into, as far as they were followed.
    var fold: LogFold? { replay.flatMap { LogFold($0, genesis: genesis, failure: failure) } }

    /// Writes what came of it.
    mutating func finish(_ report: inout AuditReport) {
        if failure == nil, gap == nil {
            do throws(ReplayError) { try replay?.finish() } catch { failure = error }
        }
        report.ruleFailure = failure
        report.followed = failure?.index ?? gap ?? total
        report.lastSeal = replay?.lastSeal
    }
}

/// Half of a leaf hash, which tells two apart as well as all of it: 128 bits collide by chance in no log.
private struct LeafKey: Hashable {
    let high: UInt64
    let low: UInt64

    init(_ hash: Hash) {
        high = Self.number(hash, 0..<8)
        low = Self.number(hash, 8..<16)
    }

    private static func number(_ hash: Hash, _ bytes: Range<Int>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64(hash[$1]) }
    }
}
