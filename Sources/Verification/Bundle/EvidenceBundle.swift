public import COSE
public import Governance
public import Tlog

/// All that shows how one execution, grant or model stands in a log, in one file: the statements, their proofs, the
/// values of the governance state that name them, and one signed tree head that everything leads to.
///
/// `spec/evidence-bundle.cddl`:
///
/// ```cddl
/// evidence-bundle = {
///   "format": "holdfast-evidence/1",
///   "subject": bstr .cbor state-key,   ; an execution, a grant or a model
///   "checkpoint": bstr,                ; a signed note with its cosignatures
///   "entries": [* [index: uint, entry: bstr, path: [* hash]]],
///   "states": [* [size: uint, [* [key: bstr, value: bstr / null, proof: map-proof]]]],
///   "heads": [* [size: uint, path: [* hash]]],
/// }
/// ```
///
/// Having one means that its form is right; nothing is verified here: see ``Verifier/bundle(_:)``.
public struct EvidenceBundle: Sendable, Hashable {
    /// The first thing in every bundle.
    public static let format = "holdfast-evidence/1"
    /// What names of files that hold one end with.
    public static let pathExtension = "evidence"
    /// The most bytes that one may have.
    public static let maxByteCount = 32 << 20
    /// The most entries, and the most values of the state.
    public static let maxCount = 20_000

    /// An entry of the log and its inclusion proof under the one head.
    public struct Entry: Sendable, Hashable {
        public let index: UInt64
        /// The canonical bytes.
        public let bytes: [UInt8]
        public let path: [Hash]

        public init(index: UInt64, bytes: [UInt8], path: [Hash]) {
            self.index = index
            self.bytes = bytes
            self.path = path
        }
    }

    /// A key of the state, its value or that it has none, and what leads from there to the root in a seal.
    public struct Value: Sendable, Hashable {
        public let key: StateKey
        public let value: [UInt8]?
        public let proof: MapProof

        public init(key: StateKey, value: [UInt8]?, proof: MapProof) {
            self.key = key
            self.value = value
            self.proof = proof
        }
    }

    /// Values of the state as of one size. The seal that they are proved under is the entry before that size, and is
    /// among the entries.
    public struct State: Sendable, Hashable {
        public let size: UInt64
        public let values: [Value]

        public init(size: UInt64, values: [Value]) {
            self.size = size
            self.values = values
        }
    }

    /// That the one head extends an earlier one, which a decision names: RFC 9162's consistency proof.
    public struct Head: Sendable, Hashable {
        public let size: UInt64
        public let path: [Hash]

        public init(size: UInt64, path: [Hash]) {
            self.size = size
            self.path = path
        }
    }

    /// What the bundle is about: a key of an execution, a grant or a model.
    public let subject: StateKey
    /// The signed checkpoint with all cosignatures there are.
    public let checkpoint: [UInt8]
    /// In the order of their indices.
    public let entries: [Entry]
    /// In the order of their sizes, and in each the keys in theirs.
    public let states: [State]
    /// In the order of their sizes.
    public let heads: [Head]

    /// Sorts what it is given. Nothing may be there twice.
    public init(
        subject: StateKey, checkpoint: [UInt8], entries: [Entry], states: [State], heads: [Head]
    ) {
        self.subject = subject
        self.checkpoint = checkpoint
        self.entries = entries.sorted { $0.index < $1.index }
        self.states = states.sorted { $0.size < $1.size }.map { state in
            State(size: state.size, values: state.values.sorted { $0.key < $1.key })
        }
        self.heads = heads.sorted { $0.size < $1.size }
    }

    /// Deterministic CBOR: the content of an `.evidence` file.
    public func encoded() -> [UInt8] {
        let item: CBOR = [
            "format": .text(Self.format), "subject": .bytes(subject.bytes), "checkpoint": .bytes(checkpoint),
            "entries": .array(
                entries.map { [.unsigned($0.index), .bytes($0.bytes), .array($0.path.map { .bytes($0.bytes) })] }),
            "states": .array(states.map(\.cbor)),
            "heads": .array(heads.map { [.unsigned($0.size), .array($0.path.map { .bytes($0.bytes) })] }),
        ]
        return item.encoded()
    }

    /// Whether a bundle can be about this key.
    static func isSubject(_ key: StateKey) -> Bool { ["execution", "grant", "model"].contains(key.kind) }
}

extension EvidenceBundle.State {
    fileprivate var cbor: CBOR {
        [
            .unsigned(size),
            .array(
                values.map { value in
                    [.bytes(value.key.bytes), value.value.map { .bytes($0) } ?? .null, value.proof.cbor]
                }),
        ]
    }
}

/// Why bytes are no ``EvidenceBundle``.
public enum EvidenceBundleError: NamedFailure, Hashable {
    case tooLarge(bytes: Int, limit: Int)
    case cbor(CBORError)
    /// Another format, or none of ours.
    case format
    /// A part is missing, unknown, or not of its kind.
    case part(String)
    /// Parts are not in their order, or one is there twice.
    case order(String)
    case tooMany(String, limit: Int)
    case proof(MapProofError)
    /// No key of the state, or, as the subject, of another kind than a bundle can be about.
    case key(String)

    public var reason: String {
        switch self {
        case .tooLarge: "too-large"
        case .cbor(let error): error.reason
        case .format: "unknown-format"
        case .part: "malformed"
        case .order: "not-sorted"
        case .tooMany: "too-many"
        case .proof(let error): error.reason
        case .key: "state-key"
        }
    }
}

extension EvidenceBundleError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .tooLarge(let bytes, let limit): "\(bytes) bytes; an evidence bundle has at most \(limit)"
        case .cbor(let error): "the bundle is no deterministic CBOR: \(error)"
        case .format: "the bundle does not begin as one of format \(EvidenceBundle.format)"
        case .part(let path): "'\(path)' is missing, unknown, or not of its kind"
        case .order(let path): "'\(path)' are not in ascending order, or one is there twice"
        case .tooMany(let path, let limit): "more than \(limit) '\(path)'"
        case .proof(let error): "\(error)"
        case .key(let path): "'\(path)' is no key that could stand there"
        }
    }
}
