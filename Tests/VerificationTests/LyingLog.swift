import COSE
import Governance
import Tlog

/// What a log can lie about and have its lie cosigned: its tree only ever grows, every signature is good, and the state
/// that it seals is one that it made up. Witnesses don't see that; whoever replays it does.
enum Lie: CaseIterable {
    case wrongRoot, staleRoot, forbiddenAdmission, droppedRevocation, undoneRevocation, madeUpGrant, omittedSeal
    case skippedSeal, timeBackwards, countedWrong, evidenceTwice

    /// The rule that is broken first, and the check that says so.
    var expected: String {
        switch self {
        case .wrongRoot, .staleRoot, .droppedRevocation, .undoneRevocation, .madeUpGrant: "seals: state-root"
        case .forbiddenAdmission: "admission: not-permitted"
        case .omittedSeal: "seals: unsealed"
        case .skippedSeal: "seals: seal-chain"
        case .timeBackwards: "seals: time-backwards"
        case .countedWrong: "seals: seal-count"
        case .evidenceTwice: "admission: duplicate-entry"
        }
    }

    /// Whether the log's last entry is a seal of the state that it claims, so that it can hand out state proofs.
    var canProve: Bool { ![.wrongRoot, .staleRoot, .omittedSeal].contains(self) }
}

/// A log that lies in one way and then goes on as if nothing had been.
struct LyingLog {
    private(set) var log: TestLog
    /// What the lie is about: a grant, revoked in truth where revocations are dropped.
    let grant: StateKey

    init(_ lie: Lie) throws {
        log = try TestLog()
        let grantHash = try log.grant()
        grant = .grant(grantHash)
        log.seal()
        try log.grow(to: 12)
        try tell(lie, grantHash)
        if lie != .omittedSeal { try log.grow(to: log.size + 5) }
    }

    private mutating func tell(_ lie: Lie, _ grantHash: Hash) throws {
        let unrevoked = log.states[log.size]?.value(grant)
        let key = grant
        func restore(_ state: inout MemoryState) { state.apply([StateChange(key: key, value: unrevoked)]) }
        switch lie {
        case .wrongRoot: log.seal(root: .leaf([1]))
        case .staleRoot:
            let stale = log.states[log.size]?.map().root
            try log.append(log.event())
            log.seal(root: stale)
        case .forbiddenAdmission:
            // A runtime is no operator; the log lets it issue grants all the same, and the state has the grant.
            let other = GrantIssue(
                subject: TestLog.issuer, actions: ["*"].compactMap { GrantPattern($0) },
                resources: ["*"].compactMap { GrantPattern($0) })
            let event = try Event(
                type: "grant.issue", stream: "self", seq: 0, prev: nil, time: log.time, data: other.cbor)
            let statement = try log.sign(event)
            let record = GrantRecord(index: log.size, issuer: TestLog.issuer, grant: other)
            log.appendAnyway(statement.entryBytes)
            log.seal { $0.apply([StateChange(key: .grant(statement.leafHash), value: record.encoded())]) }
        case .droppedRevocation:
            // The revocation is in the log, and the state knows nothing of it.
            try log.append(log.governing(.grantRevoke, GrantRevoke(grant: grantHash, reason: "over").cbor))
            log.seal(lie: restore)
        case .undoneRevocation:
            try log.append(log.governing(.grantRevoke, GrantRevoke(grant: grantHash, reason: "over").cbor))
            log.seal()
            log.seal(lie: restore)
        case .madeUpGrant:
            log.seal { $0.apply([StateChange(key: .grant(.leaf([2])), value: unrevoked)]) }
        case .omittedSeal: try log.append(log.event())
        case .skippedSeal: log.seal(seq: 99)
        case .timeBackwards: log.seal(time: TestLog.start - 1)
        case .countedWrong: log.seal(count: 3)
        case .evidenceTwice:
            let evidence = try SignedStatement.sign(
                payload: [1], contentType: "text/plain", issuer: TestLog.issuer, subject: "x", key: log.issuerKey)
            try log.append(evidence)
            log.seal()
            try log.append(evidence)
            log.seal()
        }
    }
}
