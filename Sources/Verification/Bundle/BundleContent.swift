import COSE
package import Governance
package import Tlog

/// What is in a bundle, to be looked up: every entry is known to be under the head, every value under its seal.
///
/// Whoever fills it has checked that: the verifier by the proofs in the file, who gathers a bundle by the log's tiles.
struct BundleContent {
    struct Entry {
        let index: UInt64
        let statement: SignedStatement
        /// Nil for opaque evidence.
        let event: Event?
        /// Nil for all but seals.
        let seal: Seal?
    }

    private struct StepName: Hashable {
        let execution: ExecutionID
        let step: UInt64
    }

    /// The first policy, which the trust file has: the origin is its.
    let genesis: Policy
    /// The log's keys, those of the genesis and later ones.
    let keys: TrustedLogKeys
    /// The size of the one head.
    let size: UInt64
    private(set) var entries: [UInt64: Entry] = [:]
    private(set) var states: [UInt64: [StateKey: [UInt8]?]] = [:]
    /// The consistency proofs to the head, by the earlier size.
    var heads: [UInt64: [Hash]] = [:]
    /// The root of the one head.
    let root: Hash
    private var indices: [Hash: UInt64] = [:]
    private var seals: [UInt64] = []
    private var steps: [StepName: UInt64] = [:]

    /// - Parameter genesis: entry 0, which the trust file has and no bundle needs to.
    init(head: TreeHead, genesis: SignedStatement, policy: Policy, keys: TrustedLogKeys) {
        self.genesis = policy
        self.keys = keys
        size = head.size
        root = head.root
        add(genesis, at: 0)
    }

    mutating func add(_ statement: SignedStatement, at index: UInt64) {
        guard entries[index] == nil else { return }
        var event: Event?
        if statement.header.contentType.isSame(as: Event.contentType) {
            event = try? Event(decoding: statement.payload)
        }
        let seal = try? Seal(statement, origin: genesis.origin)
        entries[index] = Entry(index: index, statement: statement, event: event, seal: seal)
        indices[statement.leafHash] = indices[statement.leafHash].map { min($0, index) } ?? index
        if seal != nil {
            let isNewest = seals.last.map { $0 < index } ?? true
            seals.insert(index, at: isNewest ? seals.endIndex : seals.firstIndex { $0 > index } ?? seals.endIndex)
        }
        if let event, event.type == StatementType.executionStep.rawValue, let step = try? ExecutionStep(event.data) {
            let name = StepName(execution: step.execution, step: step.step)
            steps[name] = steps[name].map { min($0, index) } ?? index
        }
    }

    mutating func add(_ value: [UInt8]?, of key: StateKey, at size: UInt64) {
        states[size, default: [:]].updateValue(value, forKey: key)
    }

    func entry(leafHash: Hash) -> Entry? { indices[leafHash].flatMap { entries[$0] } }

    func step(_ step: UInt64, of execution: ExecutionID) -> Entry? {
        steps[StepName(execution: execution, step: step)].flatMap { entries[$0] }
    }

    /// The size of the log below the batch that an entry is in, if the seal of that batch is here: a seal says how many
    /// statements lie between it and the seal before it.
    func batchStart(of index: UInt64) -> UInt64? {
        var (low, high) = (0, seals.count)
        while low < high {
            let middle = (low + high) / 2
            if seals[middle] > index { high = middle } else { low = middle + 1 }
        }
        guard low < seals.count, case let place = seals[low], let seal = entries[place]?.seal,
            seal.statements <= place, place - seal.statements <= index
        else { return nil }
        return place - seal.statements
    }
}

/// What a bundle must have, because something that it has names it.
package enum BundlePart: Sendable, Hashable {
    /// An entry, by its index.
    case entry(UInt64)
    /// A statement, by its leaf hash.
    case statement(Hash)
    /// A key of the state as of a size that ends with a seal, and that seal.
    case state(StateKey, size: UInt64)
    /// The seal of the batch that an entry is in.
    case seal(after: UInt64)
    /// A step of an execution, between these entries.
    case step(UInt64, ExecutionID, within: ClosedRange<UInt64>)
    /// The consistency proof from an earlier head.
    case head(UInt64)

    var text: String {
        switch self {
        case .entry(let index): "entry \(index)"
        case .statement(let hash): "the statement with leaf hash \(hash)"
        case .state(let key, let size): "the state of \(key.text) at size \(size)"
        case .seal(let index): "the seal of the batch of entry \(index)"
        case .step(let step, let execution, _): "step \(step) of execution \(execution.id)"
        case .head(let size): "the consistency proof from the tree of \(size) entries"
        }
    }
}

extension String {
    /// Whether the texts are the same bytes: to Swift, texts that differ only in Unicode normalisation are equal.
    func isSame(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}
