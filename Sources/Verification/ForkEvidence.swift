public import Governance
public import Tlog

/// That a log signed two histories: two checkpoints of one origin that can't both be of one append-only tree.
///
/// The file is JSON. A witness writes it with two trees of one size (`spec/witness.md`), a monitor also with trees of
/// two sizes: then `consistency` has the root that the larger tree has at the smaller size, and RFC 6962's proof of it.
/// It proves itself: signatures and hashes are all that is needed, and nobody who has no key of the log's can make one.
///
///     {
///       "checkpoints": ["<signed note>", "<signed note>"],
///       "consistency": {"root": "<base64>", "path": ["<base64>", …]},
///       "kind": "fork",
///       "origin": "log.example/2026",
///       "seen": 1790000000
///     }
public struct ForkEvidence: Sendable, Hashable {
    /// What the larger tree is at the size of the smaller one.
    public struct Consistency: Sendable, Hashable {
        public let root: Hash
        /// From the smaller size to the larger, in the larger tree.
        public let path: [Hash]

        public init(root: Hash, path: [Hash]) {
            self.root = root
            self.path = path
        }
    }

    public enum Kind: String, Sendable, Hashable {
        /// Two checkpoints that contradict each other.
        case fork
        /// One checkpoint of a tree without leaves whose root is not that of the empty tree.
        case emptyTreeRoot = "empty-tree-root"
    }

    public let kind: Kind
    /// In the order of the file: first the one that was known first.
    public let checkpoints: [SignedCheckpoint]
    /// Only between two sizes.
    public let consistency: Consistency?
    /// When it was found, in seconds since 1970.
    public let seen: UInt64

    public var origin: Origin { checkpoints[0].checkpoint.origin }

    /// Two checkpoints that contradict each other. Signatures are not looked at here.
    ///
    /// - Throws: ``ForkEvidenceError`` if they don't: the two could be of one tree, or are of two logs.
    public init(
        known: SignedCheckpoint, found: SignedCheckpoint, consistency: Consistency? = nil, seen: UInt64
    ) throws(ForkEvidenceError) {
        kind = .fork
        checkpoints = [known, found]
        self.consistency = consistency
        self.seen = seen
        try check()
    }

    /// Reads a file. Whether it proves anything is not looked at here.
    init(parsing bytes: [UInt8]) throws(ForkEvidenceError) {
        let value: JSON
        do throws(JSONError) { value = try JSON(parsing: bytes, depth: 4) } catch { throw .json(error) }
        let known: Set<String> = ["checkpoints", "consistency", "kind", "origin", "seen"]
        guard let members = value.objectValue else { throw .member("checkpoints") }
        if let other = members.first(where: { !known.contains($0.name) }) { throw .member(other.name) }
        guard let name = value["kind"]?.stringValue else { throw .member("kind") }
        guard let kind = Kind(rawValue: name) else { throw .kind(name) }
        guard let seen = value["seen"]?.unsignedValue else { throw .member("seen") }
        guard let origin = value["origin"]?.stringValue else { throw .member("origin") }
        self.kind = kind
        self.seen = seen
        checkpoints = try Self.checkpoints(in: value, kind)
        consistency = try Self.consistency(in: value)
        for checkpoint in checkpoints where !checkpoint.checkpoint.origin.text.hasSameBytes(as: origin) {
            throw .otherLog(origin, checkpoint.checkpoint.origin.text)
        }
    }

    private static func checkpoints(in value: JSON, _ kind: Kind) throws(ForkEvidenceError) -> [SignedCheckpoint] {
        guard let notes = value["checkpoints"]?.arrayValue else { throw .member("checkpoints") }
        let expected = kind == .fork ? 2 : 1
        guard notes.count == expected else { throw .checkpointCount(expected: expected, found: notes.count) }
        var checkpoints: [SignedCheckpoint] = []
        for (offset, note) in notes.enumerated() {
            guard let text = note.stringValue else { throw .member("checkpoints") }
            do {
                checkpoints.append(try SignedCheckpoint(parsing: Array(text.utf8)))
            } catch {
                throw .checkpoint(position: offset + 1, error)
            }
        }
        return checkpoints
    }

    private static func consistency(in value: JSON) throws(ForkEvidenceError) -> Consistency? {
        guard let object = value["consistency"] else { return nil }
        guard let root = object["root"]?.stringValue.flatMap({ Hash(base64: $0) }),
            let elements = object["path"]?.arrayValue, object.objectValue?.count == 2
        else { throw .member("consistency") }
        var path: [Hash] = []
        for element in elements {
            guard let hash = element.stringValue.flatMap({ Hash(base64: $0) }) else { throw .member("consistency") }
            path.append(hash)
        }
        return Consistency(root: root, path: path)
    }

    /// The file.
    public var json: JSON {
        var members = [
            JSONMember(
                "checkpoints", .array(checkpoints.map { .string(String(decoding: $0.bytes, as: UTF8.self)) }))
        ]
        if let consistency {
            let path = consistency.path.map { JSON.string($0.base64) }
            members.append(
                JSONMember("consistency", ["root": .string(consistency.root.base64), "path": .array(path)]))
        }
        members.append(JSONMember("kind", .string(kind.rawValue)))
        members.append(JSONMember("origin", .string(origin.text)))
        members.append(JSONMember("seen", JSON(seen)))
        return .object(members)
    }

    /// Throws unless the checkpoints contradict each other, or the one contradicts itself.
    func check() throws(ForkEvidenceError) {
        let first = checkpoints[0].checkpoint
        guard kind == .fork else {
            guard first.size == 0 else { throw .notEmpty(size: first.size) }
            guard first.root != .emptyTree else { throw .consistent }
            return
        }
        let second = checkpoints[1].checkpoint
        guard first.origin == second.origin else { throw .otherLog(first.origin.text, second.origin.text) }
        guard first.size != second.size else {
            guard first.root != second.root || Mutant.forkRoots.isOff else { throw .consistent }
            return
        }
        let (smaller, larger) = first.size < second.size ? (first, second) : (second, first)
        guard let consistency else { throw .consistencyMissing(smaller.size, larger.size) }
        guard consistency.root != smaller.root else { throw .consistent }
        do {
            let proof = ConsistencyProof(oldSize: smaller.size, newSize: larger.size, path: consistency.path)
            if !Mutant.forkProof.isOff { try proof.verify(oldRoot: consistency.root, newRoot: larger.root) }
        } catch {
            throw .path(error)
        }
    }
}

extension String {
    fileprivate func hasSameBytes(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}

/// Why a file proves no fork.
public enum ForkEvidenceError: NamedFailure, Hashable {
    /// The JSON itself is wrong.
    case json(JSONError)
    /// A member that is missing, of the wrong type, or unknown.
    case member(String)
    /// A kind of evidence that is not known.
    case kind(String)
    case checkpointCount(expected: Int, found: Int)
    /// A checkpoint is none; counted from 1.
    case checkpoint(position: Int, CheckpointError)
    /// The parts are of two logs.
    case otherLog(String, String)
    /// The two can be of one tree: same size and root, or the larger has the smaller's root at the smaller's size.
    case consistent
    /// Two sizes, and nothing that says what the larger tree was at the smaller.
    case consistencyMissing(UInt64, UInt64)
    /// The path does not lead from the root beside it to the larger checkpoint's.
    case path(ProofError)
    /// A tree with leaves can't contradict the empty tree's root.
    case notEmpty(size: UInt64)

    public var reason: String {
        switch self {
        case .json(let error): error.reason
        case .member: "json-member"
        case .kind: "evidence-kind"
        case .checkpointCount: "checkpoint-count"
        case .checkpoint(_, let error): error.reason
        case .otherLog: "other-log"
        case .consistent: "consistent"
        case .consistencyMissing: "consistency-missing"
        case .path(let error): error.reason
        case .notEmpty: "not-empty"
        }
    }
}

extension ForkEvidenceError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .json(let error): "\(error)"
        case .member(let name): "the member \"\(name)\" is missing, unknown, or of the wrong type"
        case .kind(let name): "\"\(name)\" is no kind of evidence; it is fork or empty-tree-root"
        case .checkpointCount(let expected, let found): "there are \(found) checkpoints, not \(expected)"
        case .checkpoint(let position, let error): "checkpoint \(position): \(error.described)"
        case .otherLog(let first, let second): "the evidence is of two logs, \(first) and \(second)"
        case .consistent: "the checkpoints do not contradict each other"
        case .consistencyMissing(let smaller, let larger):
            "nothing says what the tree of \(larger) leaves was at \(smaller)"
        case .path(let error): "the consistency proof is not one of the larger tree: \(error.described)"
        case .notEmpty(let size): "a tree of \(size) leaves is not held to the root of the empty tree"
        }
    }
}
