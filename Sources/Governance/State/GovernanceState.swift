public import COSE
internal import Tlog

/// The fold of the log: which statements are admitted, and what the state is after them.
///
/// It reads a base and keeps its own changes over it, so that a batch that isn't committed is dropped with the value.
/// There is no clock but the batch's time, which the caller gives, no randomness, and no I/O but the base's reads:
/// everyone who folds the same entries over the same base comes to the same changes.
public struct GovernanceState<Base: StateReading>: StateReading {
    private let base: Base
    private var overlay: [StateKey: [UInt8]?] = [:]
    /// The same for the newest links of streams, which nearly every statement changes.
    private var links = StreamLinks()
    /// What the statement that is being admitted changes: dropped if it is refused.
    private var staged = StagedChanges()
    /// The size of the log below the batch: the index that the first statement was tried at.
    private(set) var batchStart: UInt64?

    /// The end of the log, if it is frozen; nil before the batch's first statement asked.
    private var frozen: FrozenRecord??

    /// The rules in force after what was admitted so far.
    public private(set) var rules: Rules

    /// A fold over the state below the next entry.
    ///
    /// - Parameter rules: those in force in the base, from ``Rules/init(_:)`` or from the fold before this one.
    public init(base: Base, rules: Rules) {
        self.base = base
        self.rules = rules
    }

    /// The fold of entry 0 over an empty base. The genesis is checked, its signature included.
    public init(base: Base, genesis: SignedStatement) throws(GenesisError) {
        let record = PolicyRecord(policy: try Genesis.policy(of: genesis), index: 0)
        self.init(base: base, rules: Rules(record))
        batchStart = 0
        overlay.updateValue(record.encoded(), forKey: .policy)
        for entry in rules.keys.all where !entry.isAuthority {
            let key = StateKey.identity(issuer: entry.issuer, keyID: entry.key.thumbprint)
            overlay.updateValue(entry.record.encoded(), forKey: key)
        }
        let link = StreamLink(seq: 0, leafHash: genesis.leafHash, index: 0)
        let issuer = genesis.header.issuer
        overlay.updateValue(link.encoded(), forKey: .stream(issuer: issuer, stream: Genesis.stream))
        overlay.updateValue(StreamCount(streams: 1).encoded(), forKey: .streamCount(issuer: issuer))
    }

    public func value(_ key: StateKey) throws -> [UInt8]? {
        if let changed = staged.value(key) { return changed }
        if let link = staged.link, links.isAtHand(key) { return link.encoded() }
        if let link = links.changed(key) { return link.encoded() }
        return try valueBelowLinks(key)
    }

    /// The value of a key that neither the statement nor the streams change.
    private func valueBelowLinks(_ key: StateKey) throws -> [UInt8]? {
        if let changed = overlay[key] { return changed }
        return try base.value(key)
    }

    public func sealedRoot(at size: UInt64) throws -> SealedRoot { try base.sealedRoot(at: size) }

    /// What was changed over the base, in the order of the keys.
    public var changes: [StateChange] {
        var changes: [StateChange] = []
        changes.reserveCapacity(overlay.count + links.changedCount)
        for (key, value) in overlay where links.changed(key) == nil {
            changes.append(StateChange(key: key, value: value))
        }
        links.forEachChanged { changes.append(StateChange(key: $0, value: $1.encoded())) }
        changes.sort { $0.key < $1.key }
        return changes
    }

    private var changed: [StateKey: [UInt8]?] {
        var changed = overlay
        links.forEachChanged { changed.updateValue($1.encoded(), forKey: $0) }
        return changed
    }

    /// Admits a statement whose signature was verified with the key that ``Rules/keys`` has for it, and applies it;
    /// or throws and changes nothing.
    ///
    /// - Parameters:
    ///   - decoded: the event in the statement's payload, where the caller has read it from there already.
    ///   - index: the statement's index in the log.
    ///   - batchTime: the time in the seal of its batch, ms since 1970.
    public mutating func admit(
        _ statement: SignedStatement, event decoded: Event? = nil, index: UInt64, batchTime: UInt64
    ) throws(AdmissionError) {
        if batchStart == nil { begin(at: index) }
        do {
            try stage(statement, event: decoded, index: index, batchTime: batchTime)
        } catch {
            guard Mutant.isOff(error, type: (try? Event(payloadOf: statement))?.type) else {
                if !Mutant.isOff("effect/refused-changes-nothing") { staged = StagedChanges() }
                throw error
            }
        }
        commitStaged()
    }

    /// Every check, and what the statement changes.
    private mutating func stage(
        _ statement: SignedStatement, event decoded: Event?, index: UInt64, batchTime: UInt64
    ) throws(AdmissionError) {
        try checkNotFrozen()
        try checkSize(statement)
        let signer = try checkKey(statement)
        if let decoded {
            try stage(decoded, of: statement, signer, index: index, batchTime: batchTime)
        } else if let event = try event(of: statement) {
            try stage(event, of: statement, signer, index: index, batchTime: batchTime)
        }
    }

    private mutating func stage(
        _ event: Event, of statement: SignedStatement, _ signer: KeyDirectory.Entry, index: UInt64, batchTime: UInt64
    ) throws(AdmissionError) {
        let typed = try typed(event, by: signer)
        try checkTime(event, batchTime)
        try link(event, of: statement, index: index)
        guard let typed else { return }
        try apply(
            typed,
            StatementPlace(
                statement: statement, signer: signer, index: index, batchTime: batchTime, time: event.time))
    }

    /// The index that the batch's first statement is tried at.
    mutating func begin(at index: UInt64) { batchStart = index }

    mutating func checkNotFrozen() throws(AdmissionError) {
        let end: FrozenRecord?
        if let frozen { end = frozen } else { end = try record(.frozen, FrozenRecord.self) }
        frozen = .some(end)
        if let end { throw .rule(.frozen, "\(end.successor) goes on", setBy: end.index) }
    }

    mutating func commitStaged() {
        if staged.value(.frozen) != nil { frozen = nil }
        if let link = staged.link { links.set(link) }
        for change in staged.values { overlay.updateValue(change.value, forKey: change.key) }
        if !staged.keys.isEmpty { rules.set(staged.keys) }
        if let policy = staged.policy { rules.set(policy) }
        staged = StagedChanges()
    }

    private func checkSize(_ statement: SignedStatement) throws(AdmissionError) {
        let limit = rules.policy.limits.maxEntryBytes
        guard statement.entryBytes.count <= limit else {
            throw .tooLarge(bytes: statement.entryBytes.count, limit: limit, setBy: rules.policyIndex)
        }
    }

    private func checkKey(_ statement: SignedStatement) throws(AdmissionError) -> KeyDirectory.Entry {
        let header = statement.header
        guard let enrolled = rules.keys.entry(for: statement) else {
            throw .unknownKey(issuer: header.issuer, keyID: header.keyID, setBy: rules.policyIndex)
        }
        guard enrolled.issuer.hasSameUTF8(as: header.issuer) else {
            throw .keyOfAnotherIssuer(
                issuer: header.issuer, keyID: enrolled.key.thumbprint, enrolled: enrolled.issuer,
                setBy: enrolled.index)
        }
        if let ending = enrolled.ending {
            throw .keyEnded(
                issuer: header.issuer, keyID: enrolled.key.thumbprint, ending, setBy: enrolled.index)
        }
        return enrolled
    }

    /// What an event of an enforced type says, if its signer may say it; nil for a generic event.
    private func typed(
        _ event: Event, by signer: KeyDirectory.Entry
    ) throws(AdmissionError) -> GovernanceStatement? {
        let type: StatementType
        switch EventType.meaning(of: event.type) {
        case .enforced(let enforced): type = enforced
        case .reserved: throw .reservedType(event.type)
        case .generic: return nil
        }
        let typed: GovernanceStatement
        do { typed = try GovernanceStatement(type, event.data) } catch { throw .malformedData(error) }
        guard type.signers.contains(where: { signer.is($0, rules.policy) }) else {
            throw .rule(.notPermitted, "\(type.rawValue) by \(signer.issuer)", setBy: signer.index)
        }
        return typed
    }

    /// The event that the statement carries; nil for opaque evidence that the policy allows.
    private func event(of statement: SignedStatement) throws(AdmissionError) -> Event? {
        let header = statement.header
        guard header.isEvent else {
            let preimage = header.hashEnvelope?.preimageContentType
            guard rules.policy.allows(contentType: header.contentType, preimage: preimage) else {
                throw .contentTypeNotAllowed(preimage ?? header.contentType, setBy: rules.policyIndex)
            }
            return nil
        }
        do { return try Event(payloadOf: statement) } catch { throw .malformedEvent(error) }
    }

    private func checkTime(_ event: Event, _ batchTime: UInt64) throws(AdmissionError) {
        let skew = max(event.time, batchTime) - min(event.time, batchTime)
        let maxSkew = rules.policy.limits.maxSkew
        guard skew <= maxSkew else {
            throw .timeSkew(time: event.time, batchTime: batchTime, maxSkew: maxSkew, setBy: rules.policyIndex)
        }
    }

    /// Makes the event the newest of its stream, if it continues it.
    private mutating func link(
        _ event: Event, of statement: SignedStatement, index: UInt64
    ) throws(AdmissionError) {
        let issuer = statement.header.issuer
        if !links.isAtHand(issuer: issuer, stream: event.stream) {
            let key = StateKey.stream(issuer: issuer, stream: event.stream)
            var newest = links.changed(key)
            let isChanged = newest != nil
            if newest == nil { newest = try storedLink(key) }
            links.open(issuer: issuer, stream: event.stream, key: key, newest: newest, isChanged: isChanged)
        }
        if let newest = links.newest {
            let (expectedSeq, isLast) = newest.seq.addingReportingOverflow(1)
            guard !isLast, event.seq <= expectedSeq else {
                throw .streamGap(
                    stream: event.stream, seq: event.seq, expectedSeq: expectedSeq, expectedPrev: newest.leafHash)
            }
            guard event.seq == expectedSeq, event.prev == newest.leafHash else {
                throw .streamFork(stream: event.stream, seq: event.seq, newest: newest)
            }
        } else {
            guard event.seq == 0 else {
                throw .streamGap(stream: event.stream, seq: event.seq, expectedSeq: 0, expectedPrev: nil)
            }
            try countStream(of: issuer)
        }
        staged.link = StreamLink(seq: event.seq, leafHash: statement.leafHash, index: index)
    }

    /// The newest link of a stream to which the batch has added none yet.
    private func storedLink(_ key: StateKey) throws(AdmissionError) -> StreamLink? {
        do { return try valueBelowLinks(key).map(StreamLink.init(decoding:)) } catch { throw .storage("\(error)") }
    }

    private mutating func countStream(of issuer: String) throws(AdmissionError) {
        let key = StateKey.streamCount(issuer: issuer)
        let count = try record(key, StreamCount.init(decoding:))?.streams ?? 0
        let limit = rules.policy.limits.maxStreamsPerIssuer
        guard count < limit else { throw .tooManyStreams(issuer: issuer, limit: limit, setBy: rules.policyIndex) }
        set(key, StreamCount(streams: count + 1).encoded())
    }

    private func record<Record>(
        _ key: StateKey, _ decode: ([UInt8]) throws(StateRecordError) -> Record
    ) throws(AdmissionError) -> Record? {
        do {
            guard let bytes = try value(key) else { return nil }
            return try decode(bytes)
        } catch {
            throw .storage("\(error)")
        }
    }
}

/// What the rules of the types work with.
extension GovernanceState {
    /// The record under a key; nil if there is none.
    func record<Record: StateRecord>(
        _ key: StateKey, _ kind: Record.Type = Record.self
    ) throws(AdmissionError) -> Record? {
        try record(key, Record.init(decoding:))
    }

    /// The bytes under a key, whatever they are of.
    func bytes(_ key: StateKey) throws(AdmissionError) -> [UInt8]? {
        do { return try value(key) } catch { throw .storage("\(error)") }
    }

    mutating func set(_ key: StateKey, _ record: some StateRecord) {
        staged.set(key, record.encoded())
    }

    mutating func set(_ key: StateKey, _ bytes: [UInt8]?) {
        staged.set(key, bytes)
    }

    /// Enrols, changes or ends a key, in the state and in the rules.
    mutating func set(_ entry: KeyDirectory.Entry) {
        set(.identity(issuer: entry.issuer, keyID: entry.key.thumbprint), entry.record)
        staged.keys.append(entry)
    }

    /// Puts a policy in force.
    mutating func set(_ record: PolicyRecord) {
        set(.policy, record.encoded())
        staged.policy = record
    }
}

extension GovernanceState: StateScanning where Base: StateScanning {
    public func forEachValue(prefix: [UInt8], _ body: (StateKey, [UInt8]) throws -> Void) throws {
        let changed = changed
        try base.forEachValue(prefix: prefix) { key, value in
            if changed[key] == nil { try body(key, value) }
        }
        for (key, value) in changed where key.bytes.starts(with: prefix) {
            if let value { try body(key, value) }
        }
    }
}

extension GovernanceState: Sendable where Base: Sendable {}
