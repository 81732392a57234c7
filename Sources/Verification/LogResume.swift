import COSE
import Governance
public import Tlog

/// Where a verification of a whole log stands: what it needs to go on later, without reading again what it has read.
///
/// In the file it is sealed with a key of whoever verifies: all that it says is that *this verifier* found every entry
/// below to be as it should be, and nobody else can say that. What the log itself fixes is held to the log all the same:
/// the state to the last seal, the tree to the checkpoint.
///
/// ```cddl
/// resume = { "format": "holdfast-resume/2", "trust": hash, "size": uint, "tiles": [+ [* hash]], "seal": bstr,
///   "state": [* bstr], "evidence": bstr, "heads": bstr }
/// ```
public struct LogResume: Sendable {
    /// The trust file that the entries were held to.
    let trust: Hash
    let standstill: LogReplay.Standstill
    /// By level: the hashes of the tile that is not full yet.
    let openTiles: [[Hash]]

    /// How many entries were verified.
    public var size: UInt64 { standstill.size }

    static let format = "holdfast-resume/2"
    private static let macByteCount = 32

    /// The file: deterministic CBOR, and HMAC-SHA256 of it.
    public func encoded(key: [UInt8]) -> [UInt8] {
        let state = standstill.state.values.sorted { $0.key < $1.key }
        let evidence = standstill.evidence.sorted { $0.value < $1.value }
        let heads = standstill.state.heads.sorted { $0.key < $1.key }
        let item: CBOR = [
            "format": .text(Self.format), "trust": .bytes(trust.bytes), "size": .unsigned(size),
            "tiles": .array(openTiles.map { .array($0.map { .bytes($0.bytes) }) }),
            "seal": .bytes(standstill.sealEntry),
            "state": .array(state.flatMap { [.bytes($0.key.bytes), .bytes($0.value)] }),
            "evidence": .bytes(evidence.flatMap { $0.key.bytes + Self.bigEndian($0.value) }),
            "heads": .bytes(heads.flatMap { $0.value.bytes + Self.bigEndian($0.key) }),
        ]
        let body = item.encoded()
        return body + HMAC.sha256(body, key: key).bytes
    }

    /// Reads a file that was written with this key.
    public init(decoding bytes: [UInt8], key: [UInt8]) throws(LogResumeError) {
        guard bytes.count > Self.macByteCount else { throw .mac }
        let body = Array(bytes.dropLast(Self.macByteCount))
        guard HMAC.sha256(body, key: key).bytes == bytes.suffix(Self.macByteCount) || Mutant.resumeMAC.isOff
        else { throw .mac }
        // From here on it is a file of our own; another version's is refused by its format.
        let limits = CBORLimits(depth: 4, items: bytes.count)
        guard let map = (try? CBOR(decoding: body, limits: limits))?.mapValue,
            map["format"]?.textValue == Self.format, let trust = map["trust"]?.bytesValue.flatMap({ Hash($0) }),
            let size = map["size"]?.unsignedValue, let seal = map["seal"]?.bytesValue,
            let tiles = map["tiles"]?.arrayValue, let state = map["state"]?.arrayValue,
            let evidence = map["evidence"]?.bytesValue, evidence.count % 40 == 0, state.count % 2 == 0,
            let heads = map["heads"]?.bytesValue, heads.count % 40 == 0
        else { throw .form }
        self.trust = trust
        var open: [[Hash]] = []
        for tile in tiles {
            guard let hashes = tile.arrayValue else { throw .form }
            open.append(hashes.compactMap { $0.bytesValue.flatMap { Hash($0) } })
        }
        openTiles = open
        var changes: [StateChange] = []
        for position in stride(from: 0, to: state.count, by: 2) {
            guard let key = state[position].bytesValue, let value = state[position + 1].bytesValue else { throw .form }
            changes.append(StateChange(key: StateKey(bytes: key), value: value))
        }
        var memory = MemoryState()
        memory.apply(changes)
        for (root, size) in Self.places(heads) { memory.keep(TreeHead(size: size, root: root)) }
        guard TileEdges.fit(openTiles, size: size), openTiles[0].last == Hash.leaf(seal),
            let frontier = try? TileEdges.frontier(openTiles, size: size), memory.heads[size] == frontier.root()
        else { throw .form }
        standstill = LogReplay.Standstill(
            size: size, state: memory, sealEntry: seal, evidence: Self.places(evidence), frontier: frontier)
    }

    init(trust: TrustFile, standstill: LogReplay.Standstill, openTiles: [[Hash]]) {
        self.trust = Self.digest(trust)
        self.standstill = standstill
        self.openTiles = openTiles
    }

    static func digest(_ trust: TrustFile) -> Hash { .sha256(trust.bytes) }

    /// Hashes, each with a number of eight bytes.
    private static func places(_ bytes: [UInt8]) -> [Hash: UInt64] {
        var places: [Hash: UInt64] = [:]
        for start in stride(from: 0, to: bytes.count, by: 40) {
            guard let hash = Hash(bytes[start..<start + 32]) else { continue }
            places[hash] = bytes[(start + 32)..<(start + 40)].reduce(0) { $0 << 8 | UInt64($1) }
        }
        return places
    }

    private static func bigEndian(_ number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
    }
}

/// The tiles on the right edge of a tree.
enum TileEdges {
    /// Whether there are as many hashes on each level as a tree of this size has in its partial tiles, and at least one
    /// on level 0: "The partial tile at level l for a tree of size s has floor(s / 256**l) mod 256 entries".
    static func fit(_ open: [[Hash]], size: UInt64) -> Bool {
        guard !open.isEmpty, open.count <= 8, !open[0].isEmpty else { return false }
        let widths = open.indices.map { Int(size >> (8 * UInt64($0)) & 255) }
        let isWhole = open.count == 8 || size >> (8 * UInt64(open.count)) == 0
        return isWhole && open.map(\.count) == widths
    }

    static func frontier(_ open: [[Hash]], size: UInt64) throws(ProofError) -> Frontier {
        try Frontier(size: size, hashes: subtrees(open))
    }

    /// The root of the tree whose partial tiles these are.
    static func root(_ open: [[Hash]]) -> Hash {
        let hashes = subtrees(open)
        guard let smallest = hashes.last else { return .emptyTree }
        return hashes.dropLast().reversed().reduce(smallest) { .node($1, $0) }
    }

    /// The roots of the perfect subtrees, the largest first.
    private static func subtrees(_ open: [[Hash]]) -> [Hash] {
        var hashes: [Hash] = []
        for tile in open.reversed() {
            var rest = tile[...]
            while !rest.isEmpty {
                let width = 1 << (Int.bitWidth - 1 - rest.count.leadingZeroBitCount)
                hashes.append(perfectRoot(rest.prefix(width)))
                rest = rest.dropFirst(width)
            }
        }
        return hashes
    }

    private static func perfectRoot(_ hashes: ArraySlice<Hash>) -> Hash {
        var level = Array(hashes)
        while level.count > 1 {
            level = stride(from: 0, to: level.count, by: 2).map { .node(level[$0], level[$0 + 1]) }
        }
        return level[0]
    }
}

/// RFC 2104 with SHA-256.
enum HMAC {
    static func sha256(_ message: [UInt8], key: [UInt8]) -> Hash {
        // "Applications that use keys longer than B bytes will first hash the key using H".
        let short = key.count > 64 ? Hash.sha256(key).bytes : key
        let padded = short + [UInt8](repeating: 0, count: 64 - short.count)
        // "H(K XOR opad, H(K XOR ipad, text))"
        let inner = Hash.sha256(padded.map { $0 ^ 0x36 } + message)
        return Hash.sha256(padded.map { $0 ^ 0x5C } + inner.bytes)
    }
}

/// Why a verification can't go on from a file.
public enum LogResumeError: NamedFailure, Hashable {
    /// It was not written with this key, or was changed since.
    case mac
    /// It is of another version.
    case form

    public var reason: String {
        switch self {
        case .mac: "resume-mac"
        case .form: "resume-form"
        }
    }
}

extension LogResumeError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .mac: "it was not written by this verifier, or was changed since: delete it to start over"
        case .form: "it is of another version: delete it to start over"
        }
    }
}

/// From where a verification goes on, and what keeps where it stands.
public struct LogResumption {
    /// Nil for the beginning.
    public let start: LogResume?
    /// Asked after each batch of the log's: whether it is time to keep where it stands.
    public let isDue: () -> Bool
    public let keep: (LogResume) throws -> Void

    public init(
        start: LogResume?, isDue: @escaping () -> Bool = { false }, keep: @escaping (LogResume) throws -> Void
    ) {
        self.start = start
        self.isDue = isDue
        self.keep = keep
    }
}
