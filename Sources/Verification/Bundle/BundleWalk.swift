import COSE
import Governance
import Tlog

/// Follows everything that a subject's records and statements name, from the subject's own record in the state at the
/// head on, and says what the bundle shows, what it lacks, and what does not agree.
///
/// Who verifies a bundle and who gathers one take the same walk: what the one would miss the other goes and fetches.
struct BundleWalk {
    /// Something that the bundle must have, and what names it.
    struct Need: Hashable {
        let part: BundlePart
        let why: String
    }

    /// What is looked up in the state.
    enum Lookup<Record> {
        /// The bundle does not have it. The need is noted.
        case missing
        case absent
        case record(Record)
    }

    let content: BundleContent
    private(set) var needs: [Need] = []
    private(set) var faults: [CheckFailure] = []
    /// What is wrong with who signed.
    private(set) var signatureFaults: [CheckFailure] = []
    private(set) var facts: [EvidenceFact] = []
    /// What the bundle can't show, in sentences.
    private(set) var open: [String] = []
    /// What was followed already.
    var seen: Set<StateKey> = []
    /// The scopes whose containments were followed, and from which entry on.
    var scopes: [StateKey: UInt64] = [:]
    /// Executions that were followed.
    var executions = 0

    private var needed: Set<BundlePart> = []
    private var told: Set<EvidenceFact> = []
    private var opened: Set<String> = []
    private let workLimit: Int
    /// What was looked up so far: one for each lookup, and for each 64 bytes of what it found.
    private(set) var work = 0

    /// More executions than this are not followed from one.
    static let maxExecutions = 1000
    /// A batch of which more entries than this come before one is not asked for whole.
    static let maxBatch: UInt64 = 256
    /// More work than this is not done: some seconds of it.
    static let workLimit = 4_000_000
    /// More faults than this are not gathered.
    private static let maxFaults = 1000

    init(_ subject: StateKey, in content: BundleContent, workLimit: Int = BundleWalk.workLimit) {
        self.content = content
        self.workLimit = workLimit
        switch SubjectName(subject) {
        case .execution(let execution)?: follow(execution, child: nil)
        case .grant(let grant)?:
            follow(grant: grant, usedAt: nil)
            tellPolicyNow()
        case .model(let model)?:
            follow(model)
            tellPolicyNow()
        case nil: break
        }
        checkSigners()
    }

    var origin: String { content.genesis.origin.text }

    // MARK: What is noted

    /// Whether more was asked for than is done: the walk ends then, and its verdict is a fault.
    var isExhausted: Bool { work > workLimit }

    /// Counts a lookup before it is done; false if it is not to be done any more.
    mutating func spend(_ bytes: Int = 0) -> Bool {
        guard !isExhausted else { return false }
        work += 1 + bytes / 64
        guard isExhausted else { return true }
        disagree("too-much-work", "what the bundle says takes more than \(workLimit) steps to follow")
        return false
    }

    mutating func need(_ part: BundlePart, _ why: String) {
        if isExhausted { return }
        if needed.insert(part).inserted { needs.append(Need(part: part, why: why)) }
    }

    mutating func disagree(_ code: String, _ sentence: String) {
        let fault = CheckFailure(code, sentence)
        if faults.count < Self.maxFaults || code == "too-much-work", !faults.contains(fault) { faults.append(fault) }
    }

    mutating func refuse(_ code: String, _ sentence: String) {
        if signatureFaults.count < Self.maxFaults { signatureFaults.append(CheckFailure(code, sentence)) }
    }

    mutating func tell(_ fact: EvidenceFact) {
        if told.insert(fact).inserted { facts.append(fact) }
    }

    /// A fact that an entry shows.
    mutating func tell(
        _ section: EvidenceFact.Section, _ about: StateKey, _ entry: BundleContent.Entry, _ text: String
    ) {
        tell(
            EvidenceFact(
                section: section, what: entry.event?.type ?? entry.statement.header.contentType, about: about,
                entry: entry.index, issuer: entry.statement.header.issuer, time: entry.event?.time, text: text))
    }

    /// A fact that the state at a size shows: the entry is the seal.
    mutating func tell(_ section: EvidenceFact.Section, _ about: StateKey, at size: UInt64, _ text: String) {
        tell(
            EvidenceFact(
                section: section, what: "state", about: about, entry: size - 1, issuer: origin,
                time: content.entries[size - 1]?.seal?.time, text: text))
    }

    mutating func leaveOpen(_ sentence: String) {
        if opened.insert(sentence).inserted { open.append(sentence) }
    }

    // MARK: What is looked up

    mutating func entry(_ index: UInt64, _ why: String) -> BundleContent.Entry? {
        guard index < content.size else {
            disagree("beyond-head", "entry \(index), \(why), is not below the head of size \(content.size)")
            return nil
        }
        guard spend() else { return nil }
        if let entry = content.entries[index] { return entry }
        need(.entry(index), why)
        return nil
    }

    mutating func statement(_ leafHash: Hash, _ why: String) -> BundleContent.Entry? {
        guard spend() else { return nil }
        if let entry = content.entry(leafHash: leafHash) { return entry }
        need(.statement(leafHash), why)
        return nil
    }

    mutating func bytes(_ key: StateKey, at size: UInt64, _ why: String) -> Lookup<[UInt8]> {
        let found = content.states[size]?[key]
        guard spend(found??.count ?? 0) else { return .missing }
        guard let value = found else {
            need(.state(key, size: size), why)
            return .missing
        }
        return value.map { .record($0) } ?? .absent
    }

    mutating func record<Record: StateRecord>(
        _ key: StateKey, at size: UInt64? = nil, _ why: String, _ kind: Record.Type = Record.self
    ) -> Lookup<Record> {
        switch bytes(key, at: size ?? content.size, why) {
        case .missing: return .missing
        case .absent: return .absent
        case .record(let bytes):
            do { return .record(try Record(decoding: bytes)) } catch {
                disagree(error.reason, "\(key.text): \(error)")
                return .missing
            }
        }
    }

    /// What an entry says, which must be a statement of this type.
    mutating func data<Data: StatementData>(
        of entry: BundleContent.Entry, _ why: String, _ kind: Data.Type = Data.self
    ) -> Data? {
        guard spend(entry.statement.payload.count) else { return nil }
        guard let event = entry.event, event.type == Data.type.rawValue, let data = try? Data(event.data) else {
            disagree("other-statement", "entry \(entry.index) is no \(Data.type.rawValue), as it must be: \(why)")
            return nil
        }
        return data
    }

    /// The size of the log below the batch that an entry is in.
    mutating func batchStart(of index: UInt64, _ why: String) -> UInt64? {
        if index == 0 { return 0 }
        guard spend() else { return nil }
        if let start = content.batchStart(of: index) { return start }
        need(.seal(after: index), why)
        return nil
    }

    /// What came before an entry in its batch, the newest first, and not before another entry: so that no change of a record
    /// inside a batch is overlooked. Of a batch that is too long, nothing, which is said.
    mutating func earlier(inBatchOf index: UInt64, since: UInt64, _ why: String) -> [BundleContent.Entry] {
        guard let start = batchStart(of: index, why) else { return [] }
        let first = max(start, since)
        guard first < index else { return [] }
        guard index - first <= Self.maxBatch else {
            leaveOpen("what else the batch of entry \(index) changed: \(index - first) entries of it came before")
            return []
        }
        var found: [BundleContent.Entry] = []
        for earlier in (first..<index).reversed() {
            guard let entry = entry(earlier, why) else { continue }
            guard spend(entry.statement.payload.count) else { return found }
            found.append(entry)
        }
        return found
    }

    /// The value that a key had when the entry at `index` came: the newest whose last change is before it.
    ///
    /// From the head back: a value says which entry changed it last; where that is not before `index`, the value as of
    /// the seal before that entry's batch is looked at. Several changes in one batch can't be told apart so, which is
    /// said where it matters, and what else the batch changed is looked for in its entries.
    mutating func value(of key: StateKey, before index: UInt64, _ why: String) -> Lookup<[UInt8]> {
        var size = content.size
        while true {
            switch bytes(key, at: size, why) {
            case .missing: return .missing
            case .absent: return .absent
            case .record(let value):
                guard let changed = Self.lastChange(of: value), changed < size else {
                    disagree("state-record", "\(key.text) at size \(size) does not say which entry changed it")
                    return .missing
                }
                if changed < index { return .record(value) }
                guard let start = batchStart(of: changed, "\(key.text) was changed at entry \(changed)") else {
                    return .missing
                }
                if start <= index, index < changed {
                    leaveOpen(
                        "entry \(index) and a change of \(key.text) (entry \(changed)) are in one batch: what it was "
                            + "between them")
                }
                guard start > 0 else { return .absent }
                size = start
            }
        }
    }

    /// Every map among the values says the entry that changed it last.
    static func lastChange(of value: [UInt8]) -> UInt64? {
        (try? CBOR(decoding: value))?.mapValue?["index"]?.unsignedValue
    }
}

/// What a bundle is about.
enum SubjectName {
    case execution(ExecutionID)
    case grant(Hash)
    case model(ModelVersion)

    init?(_ key: StateKey) {
        guard let parts = (try? CBOR(decoding: key.bytes))?.arrayValue else { return nil }
        switch (key.kind, parts.count) {
        case ("execution", 3):
            guard let home = parts[1].textValue, let id = parts[2].textValue else { return nil }
            self = .execution(ExecutionID(home: home, id: id))
        case ("grant", 2):
            guard let grant = parts[1].bytesValue.flatMap({ Hash($0) }) else { return nil }
            self = .grant(grant)
        case ("model", 3):
            guard let name = parts[1].textValue, let version = parts[2].textValue else { return nil }
            self = .model(ModelVersion(name: name, version: version))
        default: return nil
        }
    }
}
