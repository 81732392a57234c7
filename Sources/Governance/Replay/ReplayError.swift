public import COSE
public import Tlog

/// The first thing in a log that is not as the log's own rules have it. `index` is the entry's.
public enum ReplayError: NamedFailure, Hashable {
    /// The entry is no signed statement.
    case notAStatement(index: UInt64, StatementError)
    /// The entry is not in the canonical encoding of the statement that it is.
    case notCanonical(index: UInt64)
    /// Entry 0 is no genesis.
    case genesis(GenesisError)
    /// Entry 0 is another genesis than the one that was pinned.
    case otherGenesis(expected: Hash, found: Hash)
    /// Entry 0 is signed by none of the authorities that were pinned.
    case otherAuthority(thumbprint: Hash)
    /// A statement's signature is not its key's.
    case badSignature(index: UInt64, StatementError)
    /// A statement should not have been admitted.
    case notAdmitted(index: UInt64, AdmissionError)
    /// The same statement is entered a second time.
    case duplicate(index: UInt64, first: UInt64)
    /// An entry signed with the log's statement key is no seal.
    case notASeal(index: UInt64, SealError)
    /// More statements without a seal than the policy allows.
    case batchTooLarge(index: UInt64, limit: UInt64)
    /// A seal says another number of statements than there are.
    case sealCount(index: UInt64, stated: UInt64, found: UInt64)
    /// A seal's time is before that of the seal before it, in ms since 1970.
    case timeBackwards(index: UInt64, time: UInt64, before: UInt64)
    /// A seal does not continue the chain of seals.
    case sealChain(index: UInt64, seq: UInt64, prev: Hash?, expectedSeq: UInt64, expectedPrev: Hash?)
    /// A seal carries another root than that of the state.
    case stateRoot(index: UInt64, stated: Hash, computed: Hash)
    /// An entry after the seal that ends a frozen log.
    case afterFreeze(index: UInt64, frozenBy: UInt64)
    /// A record of refusals is not directly before a seal.
    case refusalsPlace(index: UInt64)
    /// The log ends with statements that no seal covers.
    case unsealed(sealedSize: UInt64, size: UInt64)

    /// The entry that is not as it should be; nil if it is one that is missing at the end.
    public var index: UInt64? {
        switch self {
        case .notAStatement(let index, _), .notCanonical(let index), .badSignature(let index, _),
            .notAdmitted(let index, _), .notASeal(let index, _), .batchTooLarge(let index, _), .duplicate(let index, _),
            .sealCount(let index, _, _), .timeBackwards(let index, _, _), .sealChain(let index, _, _, _, _),
            .stateRoot(let index, _, _), .afterFreeze(let index, _), .refusalsPlace(let index):
            index
        case .genesis, .otherGenesis, .otherAuthority: 0
        case .unsealed: nil
        }
    }

    /// The entry that set the rule which this breaks, where there is one: a policy, an enrolment, a grant.
    public var setBy: UInt64? {
        switch self {
        case .notAdmitted(_, let error): error.setBy
        case .duplicate(_, let first): first
        default: nil
        }
    }

    public var reason: String {
        switch self {
        case .notAStatement(_, let error): error.reason
        case .notCanonical: "not-canonical"
        case .genesis(let error): error.reason
        case .otherGenesis: "other-genesis"
        case .otherAuthority: "other-authority"
        case .badSignature(_, let error): error.reason
        case .notAdmitted(_, let error): error.reason
        case .duplicate: "duplicate-entry"
        case .notASeal(_, let error): error.reason
        case .batchTooLarge: "batch-too-large"
        case .sealCount: "seal-count"
        case .timeBackwards: "time-backwards"
        case .sealChain: "seal-chain"
        case .stateRoot: "state-root"
        case .afterFreeze: "frozen"
        case .refusalsPlace: "refusals-place"
        case .unsealed: "unsealed"
        }
    }
}

extension ReplayError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notAStatement(let index, let error): "entry \(index) is no signed statement: \(error)"
        case .notCanonical(let index): "entry \(index) is not in canonical encoding"
        case .genesis(let error): "entry 0: \(error)"
        case .otherGenesis(let expected, let found): "entry 0 has leaf hash \(found); the genesis pinned is \(expected)"
        case .otherAuthority(let thumbprint):
            "entry 0 is signed with key \(thumbprint), which is none of the authorities pinned"
        case .badSignature(let index, let error): "entry \(index): \(error)"
        case .notAdmitted(let index, let error): "entry \(index) should not have been admitted: \(error)"
        case .duplicate(let index, let first): "entry \(index) is the statement of entry \(first) again"
        case .notASeal(let index, let error): "entry \(index) has the log's statement key and is no seal: \(error)"
        case .batchTooLarge(let index, let limit):
            "entry \(index) is one more than the \(limit) statements that a seal may cover"
        case .sealCount(let index, let stated, let found):
            "the seal at entry \(index) says \(stated) statements; there are \(found)"
        case .timeBackwards(let index, let time, let before):
            "the seal at entry \(index) has time \(time), before that of the seal before it, \(before)"
        case .sealChain(let index, let seq, let prev, let expectedSeq, let expectedPrev):
            "the seal at entry \(index) has seq \(seq) and prev \(prev?.hex ?? "null"); "
                + "seq \(expectedSeq) and prev \(expectedPrev?.hex ?? "null") come next"
        case .stateRoot(let index, let stated, let computed):
            "the seal at entry \(index) carries state root \(stated); the state's is \(computed)"
        case .afterFreeze(let index, let frozenBy):
            "entry \(index) comes after the end of the log, which entry \(frozenBy) set"
        case .refusalsPlace(let index): "the record of refusals at entry \(index) is not directly before a seal"
        case .unsealed(let sealedSize, let size):
            "the entries from \(sealedSize) to \(size - 1) are covered by no seal"
        }
    }
}

extension AdmissionError {
    /// The entry that set the rule; nil where it is one of the format, not of this log.
    package var setBy: UInt64? {
        switch self {
        case .tooLarge(_, _, let setBy), .unknownKey(_, _, let setBy), .keyOfAnotherIssuer(_, _, _, let setBy),
            .keyEnded(_, _, _, let setBy), .contentTypeNotAllowed(_, let setBy), .timeSkew(_, _, _, let setBy),
            .tooManyStreams(_, _, let setBy):
            setBy
        case .rule(let violation): violation.setBy
        case .streamFork(_, _, let newest): newest.index
        case .malformedEvent, .malformedData, .reservedType, .streamGap, .storage: nil
        }
    }
}
