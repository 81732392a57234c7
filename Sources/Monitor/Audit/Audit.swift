import Governance
public import LogClient
public import Tlog
public import Verification

/// Checks a log whole: every entry and tile against the root of its head, and every entry against the log's own rules.
///
/// Damage does not end it: what else is damaged is found as well, each to the entry or tile. Only the fold ends at the
/// first entry that can't be had or is not allowed, because after that the state is not the log's any more.
public struct Audit: Sendable {
    public struct Options: Sendable {
        /// Damage that is listed at the most; more is counted.
        public var maxListed = 1000
        /// Where what is damaged is looked for.
        public var mirror: (any LogFiles)?
        /// Follow the rules of the log too: signatures, admissions, streams, seals and their state roots.
        public var followsRules = true
        /// Say what the entries fold into.
        public var isGovernance = false
        /// Below this many entries an earlier audit has verified the signatures, if the tree had this head then.
        public var verified: TreeHead?

        public init() {}
    }

    /// How far an audit is.
    public struct Progress: Sendable, Hashable {
        public let entries: UInt64
        public let total: UInt64
        /// The head below which all was found in order, for an audit that goes on later.
        public let clean: TreeHead?
    }

    let target: AuditTarget
    let trust: TrustFile
    let options: Options

    /// Bundles that are read and verified ahead of the fold: 4,096 entries.
    private static let bundlesAhead = 16

    public init(_ target: AuditTarget, trust: TrustFile, options: Options = Options()) {
        self.target = target
        self.trust = trust
        self.options = options
    }

    /// Runs it.
    ///
    /// - Throws: what the source throws when it can't be read: then nothing is said about the log.
    public func run(progress: (Progress) -> Void = { _ in }) async throws -> AuditReport {
        var report = AuditReport(
            head: target.head, checkpoint: Verifier(trust: trust).checkpoint(target.checkpoint),
            limit: options.maxListed)
        guard let truth = try await TileTruth(head: target.head, files: target.files, mirror: options.mirror) else {
            report.add(
                AuditDamage(.head, target.headPlace, expected: nil, found: target.head.root.hex))
            return report
        }
        try reportTop(truth, &report)
        try await checkOldCheckpoint(truth, &report)
        var rules = RuleCheck(trust: trust, size: target.head.size, verified: try await verified(under: truth))
        try await checkBundles(truth, &rules, &report, progress)
        for damage in rules.duplicates { report.add(damage) }
        if options.followsRules {
            rules.finish(&report)
            if let keys = rules.keys {
                report.checkpoint = Verifier(trust: trust).checkpoint(target.checkpoint, replayed: keys)
            }
            if options.isGovernance { report.fold = rules.fold }
            if let store = target.store, let replay = rules.replay, replay.sealedSize == target.head.size {
                for damage in try store.check(replay) { report.add(damage) }
            }
        }
        return report
    }

    /// Bundles are read, hashed and verified side by side, ahead of the one whose entries are folded.
    private func checkBundles(
        _ truth: TileTruth, _ rules: inout RuleCheck, _ report: inout AuditReport, _ progress: (Progress) -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: (Int, BundleCheck).self) { group in
            var bundles = (0..<TreeTop.bundleCount(size: target.head.size)).makeIterator()
            var checks = TasksInOrder<BundleCheck>()
            while true {
                // Before entry 0 was followed there are no keys to verify the others with.
                while checks.ahead < Self.bundlesAhead, checks.ahead == 0 || rules.isBegun || !options.followsRules,
                    let index = bundles.next()
                {
                    let depth = options.followsRules ? rules.depth(ofBundle: index) : .hashes
                    let number = checks.begin()
                    group.addTask { (number, try await check(index, truth, depth)) }
                }
                guard var bundle = try await checks.next({ try await group.next() }) else { return }
                if !bundle.repairs.isEmpty, try target.repair(bundle.repairs) { bundle.markRepaired() }
                for damage in bundle.damage { report.add(damage) }
                for damage in try target.store?.check(bundle) ?? [] { report.add(damage) }
                rules.note(bundle)
                if options.followsRules { rules.follow(bundle) }
                progress(
                    Progress(entries: rules.size, total: target.head.size, clean: report.isClean ? rules.clean : nil))
            }
        }
    }

    private func check(_ index: UInt64, _ truth: TileTruth, _ depth: BundleCheck.Depth) async throws -> BundleCheck {
        try await BundleCheck(index, of: truth, in: target.files, mirror: options.mirror, depth: depth)
    }

    /// The tiles above the leaves.
    private func reportTop(_ truth: TileTruth, _ report: inout AuditReport) throws {
        for (tile, found) in truth.damaged {
            let right = truth.tiles[tile.coordinate]
            var damage = AuditDamage(.tile(tile), expected: right, found: found)
            if let right, options.mirror != nil {
                damage.isRepaired = try target.repair([.resource(.tile(tile), right)])
            }
            report.add(damage)
        }
    }

    /// A store's newest kept checkpoint may be of a smaller tree than its head: it must be of the same history.
    private func checkOldCheckpoint(_ truth: TileTruth, _ report: inout AuditReport) async throws {
        guard let old = try? SignedCheckpoint(parsing: target.checkpoint).checkpoint.treeHead, old != target.head else {
            return
        }
        let root = try await self.root(old.size, under: truth)
        if root != old.root {
            report.add(AuditDamage(.checkpoint, "checkpoint", expected: root?.hex, found: old.root.hex))
        }
    }

    /// What an earlier audit vouches for, if it was of this tree.
    private func verified(under truth: TileTruth) async throws -> TreeHead? {
        guard let earlier = options.verified, earlier.size > 0 else { return nil }
        guard try await root(earlier.size, under: truth) == earlier.root else { throw AuditFault.otherTree(earlier) }
        return earlier
    }

    /// The root that the tree had at an older size; nil where its tiles can't be had.
    private func root(_ size: UInt64, under truth: TileTruth) async throws -> Hash? {
        guard size <= truth.head.size else { return nil }
        let plan = ProofPlan.root(size: size)
        var tiles: [TileCoordinate: [UInt8]] = [:]
        for tile in plan.tiles {
            if let proved = truth.tiles[tile.coordinate] {
                tiles[tile.coordinate] = proved
                continue
            }
            guard let whole = Tile(at: tile.coordinate, treeSize: truth.head.size),
                let content = try await TileTruth.read(whole, from: target.files), truth.isTrue(content, whole) == true
            else { return nil }
            tiles[tile.coordinate] = content
        }
        return try? plan.hashes(in: tiles).first
    }
}

/// Why an audit was not made. Nothing is said about the log.
public enum AuditFault: NamedFailure, Hashable {
    /// The earlier audit that this one was to continue was of another tree.
    case otherTree(TreeHead)
    /// There is no checkpoint, so nothing says what the log should be.
    case noCheckpoint(String)
    /// The file system or the store refused.
    case system(String, why: String)

    public var reason: String {
        switch self {
        case .otherTree: "other-tree"
        case .noCheckpoint: "no-checkpoint"
        case .system: "audit-system"
        }
    }
}

extension AuditFault: CustomStringConvertible {
    public var description: String {
        switch self {
        case .otherTree(let head):
            "the audit that is to be continued was of a tree with root \(head.root) at \(head.size) entries, and this "
                + "one has another"
        case .noCheckpoint(let why): "there is no checkpoint to check against: \(why)"
        case .system(let place, let why): "\(place): \(why)"
        }
    }
}
