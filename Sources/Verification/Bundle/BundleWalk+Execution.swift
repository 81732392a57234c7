import COSE
import Governance
import Tlog

/// An execution: its start, what permitted it, what it did, how it ended, and those that it goes on from.
extension BundleWalk {
    /// - Parameter child: the start that names this execution as a parent.
    mutating func follow(_ execution: ExecutionID, child: UInt64?) {
        let key = StateKey.execution(execution)
        guard execution.home.isSame(as: origin) else {
            return leaveOpen("\(key.text): it is at home in another log, and a bundle of that log shows it")
        }
        guard !isExhausted, seen.insert(key).inserted else { return }
        executions += 1
        guard executions <= Self.maxExecutions else {
            return leaveOpen("more than \(Self.maxExecutions) executions that this one comes from")
        }
        switch record(key, "the execution that the bundle is about, or goes back to", ExecutionRecord.self) {
        case .missing: return
        case .absent: disagree("absent", "there is no \(key.text) in the state at size \(content.size)")
        case .record(let record): follow(record, key, child: child)
        }
    }

    private mutating func follow(_ record: ExecutionRecord, _ key: StateKey, child: UInt64?) {
        let name = record.start.execution.id
        let ended = entry(record.index, "the last change of execution \(name)")
        guard let start = statement(record.entry, "the start of execution \(name)"),
            let data = data(of: start, "the start of execution \(name)", ExecutionStart.self)
        else { return }
        guard
            data.cbor == record.start.cbor && start.statement.header.issuer.isSame(as: record.subject)
                || Mutant.bundleStart.isOff
        else {
            return disagree("other-statement", "entry \(start.index) is not the start that the state has of \(name)")
        }
        if let child, start.index >= child {
            disagree("order", "execution \(name) started at entry \(start.index), its child at \(child)")
        }
        let model = data.model.map { ", with model \($0.name) \($0.version)" } ?? ""
        tell(.ran, key, start, "\(record.subject) started \(name)\(model), input \(data.input)")
        let decided = followPermission(of: record, key, start)
        followSteps(record, key, start)
        if let ended { tellEnd(record, key, ended) }
        if let model = data.model { follow(model) }
        followScopes(of: record, since: min(decided ?? start.index, start.index))
        for parent in data.parents {
            tell(.lineage, key, start, "\(name) goes on from \(parent.id) of \(parent.home)")
            follow(parent, child: start.index)
        }
        leaveOpen("heartbeats, telemetry and attestations of \(record.subject)")
        leaveOpen("decisions by which a gate found that \(name) had drifted: the containment that followed is shown")
    }

    private mutating func followSteps(_ record: ExecutionRecord, _ key: StateKey, _ start: BundleContent.Entry) {
        guard record.steps > 0 else { return }
        guard record.steps <= UInt64(EvidenceBundle.maxCount / 2), start.index <= record.index else {
            return leaveOpen("the \(record.steps) steps of \(record.start.execution.id)")
        }
        for step in 0..<record.steps {
            guard spend() else { return }
            guard let entry = content.step(step, of: record.start.execution) else {
                need(
                    .step(step, record.start.execution, within: start.index...record.index),
                    "the state counts \(record.steps) steps")
                continue
            }
            guard let data = data(of: entry, "a step", ExecutionStep.self) else { continue }
            guard entry.statement.header.issuer.isSame(as: record.subject), entry.index > start.index,
                entry.index <= record.index
            else {
                disagree("other-statement", "entry \(entry.index) is no step of \(record.start.execution.id)")
                continue
            }
            tell(.ran, key, entry, "step \(step): input \(data.input), output \(data.output)")
        }
    }

    /// The statement that changed the execution last. After its end nothing does.
    private mutating func tellEnd(_ record: ExecutionRecord, _ key: StateKey, _ last: BundleContent.Entry) {
        let name = record.start.execution.id
        guard record.phase == .proofPersisted else {
            return tell(.ran, key, at: content.size, "\(name) has not ended: \(record.phase.rawValue)")
        }
        guard let finish = data(of: last, "the end of execution \(name)", ExecutionFinish.self) else { return }
        guard finish.execution == record.start.execution, finish.outcome == record.outcome,
            last.statement.header.issuer.isSame(as: record.subject)
        else {
            return disagree("other-statement", "entry \(last.index) is not the end that the state has of \(name)")
        }
        let output = finish.output.map { ", output \($0)" } ?? ""
        tell(.ran, key, last, "\(name) ended: \(finish.outcome.rawValue)\(output)")
    }

    // MARK: Permission

    /// - Returns: the entry of the decision, or of the lease.
    private mutating func followPermission(
        of record: ExecutionRecord, _ key: StateKey, _ start: BundleContent.Entry
    ) -> UInt64? {
        switch record.start.permission {
        case .permit(let nonce): followPermit(nonce, of: key, start)
        case .lease(let lease): followLease(lease, of: key, start)
        }
    }

    private mutating func followPermit(_ nonce: [UInt8], of key: StateKey, _ start: BundleContent.Entry) -> UInt64? {
        let why = "the permit that entry \(start.index) names"
        let permit: PermitRecord
        switch record(.decision(nonce), why, PermitRecord.self) {
        case .missing: return nil
        case .absent:
            disagree("absent", "\(why) is not in the state")
            return nil
        case .record(let record): permit = record
        }
        guard let entry = statement(permit.entry, why), let data = data(of: entry, why, DecisionRecord.self) else {
            return nil
        }
        var expected = PermitRecord(
            index: permit.index, entry: entry.statement.leafHash, decision: data, peer: permit.peer)
        expected.usedBy = permit.usedBy
        guard expected.cbor == permit.cbor, data.nonce == nonce, permit.usedBy == start.index,
            entry.index < start.index, data.outcome == .permit
        else {
            disagree("other-statement", "entry \(entry.index) is not \(why), or the state has it used elsewhere")
            return nil
        }
        tell(
            .authorized, key, entry,
            "permits \(data.access.text)\(data.purpose.map { " for \($0)" } ?? ""), judged on the tree of "
                + "\(data.head.size) entries")
        follow(data.head, judged: entry)
        tellPolicy(before: entry.index, key, "when entry \(entry.index) was decided")
        if let grant = data.grant {
            if let peer = permit.peer {
                follow(grant: grant, of: peer, shownBy: entry)
            } else {
                follow(grant: grant, usedAt: start.index)
            }
        }
        if let route = data.route { leaveOpen("what came from the other domain by route \(route)") }
        return entry.index
    }

    private mutating func followLease(_ lease: Hash, of key: StateKey, _ start: BundleContent.Entry) -> UInt64? {
        let why = "the lease that entry \(start.index) names"
        guard case .record(let state) = record(.lease(lease), why, LeaseState.self) else { return nil }
        guard let entry = statement(lease, why), let data = data(of: entry, why, LeaseRecord.self) else { return nil }
        guard data.cbor == state.lease.cbor, state.index == entry.index, entry.index < start.index else {
            disagree("other-statement", "entry \(entry.index) is not the lease that the state has")
            return nil
        }
        tell(.authorized, key, entry, "leases \(data.access.text)")
        tellPolicy(before: entry.index, key, "when entry \(entry.index) was leased")
        follow(grant: data.grant, usedAt: start.index)
        return entry.index
    }

    /// The head that a gate judged on was one of this log's.
    private mutating func follow(_ head: TreeHead, judged decision: BundleContent.Entry) {
        guard head.size <= decision.index, head.size > 0 else {
            return disagree("other-head", "entry \(decision.index) was judged on a tree of \(head.size) entries")
        }
        guard let path = content.heads[head.size] else {
            return need(.head(head.size), "entry \(decision.index) was judged on it")
        }
        do {
            let proof = ConsistencyProof(oldSize: head.size, newSize: content.size, path: path)
            if !Mutant.bundleHead.isOff { try proof.verify(oldRoot: head.root, newRoot: content.root) }
        } catch {
            disagree(
                "other-head",
                "the tree of \(head.size) entries that entry \(decision.index) was judged on is not this log's: "
                    + error.described)
        }
    }

    // MARK: Containments

    /// All that a containment of would have stopped the execution.
    private mutating func followScopes(of record: ExecutionRecord, since: UInt64) {
        var all: [Scope] = [
            .execution(record.start.execution), .runtime(record.subject), .domain(record.start.execution.home),
        ]
        if let model = record.start.model { all.append(.model(model)) }
        if let route = record.route { all += ends(of: route) }
        for scope in all { follow(scope, since: since) }
    }

    /// A route, and the domains that it is between.
    private mutating func ends(of route: String) -> [Scope] {
        let key = StateKey.route(route)
        switch self.record(key, "the route that the execution was permitted by", RouteRecord.self) {
        case .missing: return []
        case .absent:
            disagree("absent", "there is no \(key.text) in the state at size \(content.size)")
            return []
        case .record(let record):
            tell(
                .lineage, key, at: content.size,
                "route \(route) from \(record.route.from) to \(record.route.to): \(record.phase.rawValue)")
            return [.route(route), .domain(record.route.from), .domain(record.route.to)]
        }
    }
}

extension Access {
    var text: String { "\(subject) to \(action) \(resource)" }
}
