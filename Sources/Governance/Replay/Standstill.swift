public import COSE
public import Tlog

extension LogReplay {
    /// Where a replay stands right after a seal: all that it needs to go on from there.
    ///
    /// The state is fixed by the seal, which carries its root. That every entry below was as it should be is not: who
    /// resumes has to know from elsewhere that this is what a replay came to.
    public struct Standstill: Sendable {
        /// How many entries were replayed; the last is the seal.
        public let size: UInt64
        public let state: MemoryState
        /// The bytes of the seal's entry.
        public let sealEntry: [UInt8]
        /// Where opaque evidence was entered, by leaf hash.
        public let evidence: [Hash: UInt64]
        /// The right edge of the tree.
        public let frontier: Frontier

        /// - Parameter state: with the heads that the log has had.
        public init(
            size: UInt64, state: MemoryState, sealEntry: [UInt8], evidence: [Hash: UInt64], frontier: Frontier
        ) {
            self.size = size
            self.state = state
            self.sealEntry = sealEntry
            self.evidence = evidence
            self.frontier = frontier
        }
    }

    /// Where the replay stands, if the last entry was a seal and nothing was wrong.
    public var standstill: Standstill? {
        guard isAtSeal else { return nil }
        return Standstill(
            size: size, state: state, sealEntry: lastSealEntry, evidence: evidence, frontier: frontier)
    }

    /// Goes on where another replay was.
    ///
    /// - Throws: ``StandstillError`` unless the state has a policy, and the seal is one of that policy's log, signed with
    ///   its key, and carries the state's root.
    public init(resuming standstill: Standstill, pins: Pins) throws(StandstillError) {
        guard let found = try? Rules(standstill.state) else { throw .noPolicy }
        let statement: SignedStatement
        do { statement = try SignedStatement(decoding: standstill.sealEntry) } catch { throw .statement(error) }
        let seal: Seal
        do { seal = try Seal(statement, origin: found.policy.origin) } catch { throw .seal(error) }
        let last = standstill.size - min(standstill.size, 1)
        let batchStart = last - min(last, seal.statements)
        do { try statement.verify(found.statementKey(ofBatchFrom: batchStart)) } catch { throw .statement(error) }
        let map = standstill.state.map()
        guard map.root == seal.stateRoot || Mutant.isOff("replay/resumed-state-root") else {
            throw .stateRoot(stated: seal.stateRoot, computed: map.root)
        }
        self.init(
            pins: pins, standstill: standstill, seal: seal, sealHash: statement.leafHash, map: map, rules: found)
    }
}

/// Why a replay can't go on from a ``LogReplay/Standstill``.
public enum StandstillError: NamedFailure, Hashable {
    /// The state has no policy, or no records where there should be.
    case noPolicy
    case statement(StatementError)
    case seal(SealError)
    /// The state is not the seal's.
    case stateRoot(stated: Hash, computed: Hash)

    public var reason: String {
        switch self {
        case .noPolicy: "no-policy"
        case .statement(let error): error.reason
        case .seal(let error): error.reason
        case .stateRoot: "state-root"
        }
    }
}

extension StandstillError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noPolicy: "there is no policy in the state"
        case .statement(let error): "the seal: \(error)"
        case .seal(let error): "\(error)"
        case .stateRoot(let stated, let computed): "the seal carries state root \(stated), the state's is \(computed)"
        }
    }
}
