import COSE
import Governance
import Tlog

extension LogReading {
    /// Writes what was found, the tree first, then the log's own rules.
    func report(to list: inout CheckList) {
        reportGenesis(to: &list)
        reportEntries(to: &list)
        reportTiles(tiles.leafTiles, .leafTiles, to: &list)
        reportTiles(tiles.upperTiles, .tiles, to: &list)
        reportRoot(to: &list)
        for name in [CheckName.statementSignatures, .admission, .streams, .seals] { reportRule(name, to: &list) }
    }

    private func reportGenesis(to list: inout CheckList) {
        if let failure = replayFailure, failure.check == .genesis {
            list.fail(.genesis, failure)
            return
        }
        guard let policy = genesisPolicy else {
            if stop == nil {
                list.fail(.genesis, "no-genesis", "the log is empty")
            } else {
                list.leaveOut(.genesis, "entry 0 was not read")
            }
            return
        }
        let values = [CheckValue("origin", policy.origin.text), CheckValue("policy", policy.digest.hex)]
        guard trust.genesis != nil || !trust.authorities.isEmpty else {
            list.leaveOut(
                .genesis, "the trust file pins neither the genesis nor an authority, so any log would do", values[0],
                values[1])
            return
        }
        let named = policy.authorities.map { COSEKey($0).thumbprint }
        if let missing = trust.authorities.first(where: { !named.contains($0) }) {
            list.fail(.genesis, "authority-not-named", "the genesis does not name the pinned authority \(missing)")
        } else if !trust.policy.logs.contains(where: { $0.key == policy.checkpointKey }) {
            list.fail(
                .genesis, "log-key", "the log line has another key than the genesis",
                CheckValue("checkpoint-key", policy.checkpointKey.text))
        } else {
            list.pass(.genesis, values: values)
        }
    }

    private func reportEntries(to list: inout CheckList) {
        let count = CheckValue("entries", size)
        if let stop {
            list.fail(.entries, stop.code, "\(stop.path) \(stop.why)", count, CheckValue("of", head.size))
        } else if let failure = replayFailure, failure.check == .entries {
            list.fail(.entries, failure, count)
        } else {
            list.pass(.entries, count)
        }
    }

    private func reportTiles(_ tally: TileComparison<Source>.Tally, _ name: CheckName, to list: inout CheckList) {
        if let difference = tally.difference {
            list.fail(name, difference.code, difference.sentence)
        } else if stop != nil {
            list.leaveOut(name, "reading ended at entry \(size)")
        } else {
            list.pass(name, CheckValue("tiles", tally.count))
        }
    }

    private func reportRoot(to list: inout CheckList) {
        guard stop == nil else {
            list.leaveOut(.root, "reading ended at entry \(size)")
            return
        }
        let root = root
        if root == head.root || Mutant.logRoot.isOff {
            list.pass(.root, CheckValue("size", head.size), CheckValue("root", root.hex))
        } else {
            list.fail(.root, "root-mismatch", "the entries give root \(root), the checkpoint has \(head.root)")
        }
    }

    private func reportRule(_ name: CheckName, to list: inout CheckList) {
        if let failure = replayFailure {
            if failure.check == name {
                list.fail(name, failure, values: failure.values)
            } else {
                list.leaveOut(name, "the fold ended at an entry that the log's rules don't allow")
            }
        } else if stop != nil {
            list.leaveOut(name, "reading ended at entry \(size)")
        } else {
            list.pass(name, values: values(of: name))
        }
    }

    private func values(of name: CheckName) -> [CheckValue] {
        let seals = replay.lastSeal.map { $0.seq + 1 } ?? 0
        switch name {
        case .statementSignatures: return [CheckValue("statements", replay.size)]
        case .admission: return [CheckValue("statements", replay.size - seals)]
        case .streams: return [CheckValue("streams", replay.streamCount)]
        case .seals:
            var values = [CheckValue("seals", seals)]
            if let seal = replay.lastSeal {
                values.append(CheckValue("time", seal.time))
                values.append(CheckValue("state-root", seal.stateRoot.hex))
            }
            return values
        default: return []
        }
    }
}

extension ReplayError {
    /// Under which check a reader looks for this failure.
    var check: CheckName {
        switch self {
        case .notAStatement, .notCanonical: .entries
        case .genesis, .otherGenesis, .otherAuthority: .genesis
        case .badSignature, .notAdmitted(_, .unknownKey), .notAdmitted(_, .keyOfAnotherIssuer),
            .notAdmitted(_, .keyEnded):
            .statementSignatures
        case .notAdmitted(_, .streamGap), .notAdmitted(_, .streamFork), .notAdmitted(_, .tooManyStreams): .streams
        case .notAdmitted, .duplicate: .admission
        case .notASeal, .batchTooLarge, .sealCount, .timeBackwards, .sealChain, .stateRoot, .unsealed, .refusalsPlace,
            .afterFreeze:
            .seals
        }
    }
}

extension ReplayError {
    /// The entry, and the one that set the rule.
    var values: [CheckValue] {
        [index.map { CheckValue("entry", $0) }, setBy.map { CheckValue("set-by", $0) }].compactMap(\.self)
    }
}

extension LogReplay {
    /// How many streams there are, the log's own not counted.
    fileprivate var streamCount: UInt64 {
        // The keys ["stream", issuer, stream] begin with an array head and the text "stream".
        let prefix = StateKey.stream(issuer: "", stream: "").bytes.prefix(8)
        return UInt64(state.values.keys.count { $0.bytes.starts(with: prefix) })
    }
}
