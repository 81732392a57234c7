public import Governance
import Tlog

/// One thing in a stored log that is not what its signed root, or its own rules, demand.
public struct AuditDamage: Sendable, Hashable {
    /// What is damaged. The raw values are stable.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// An entry whose bytes do not hash to the leaf that the root demands.
        case entry
        /// A bundle of entries that is missing, or can't be read as one.
        case bundle
        /// A tile that is missing, cut, or has another hash than the root demands.
        case tile
        /// The head of a store, which names another root than its tiles and entries make.
        case head
        /// The newest kept checkpoint is not of this tree.
        case checkpoint
        /// The index by which a store finds an entry by its leaf hash.
        case leafIndex = "leaf-index"
        /// The index by which a store finds the newest statement of a stream.
        case streamLink = "stream-link"
        /// A list of a store: of an issuer's entries, for example.
        case listing
        /// The same entry twice.
        case duplicate
        /// A key of the stored governance state.
        case state
        /// A page of the stored Merkle map of the state.
        case map
    }

    public let kind: Kind
    /// The file below the log's prefix, or what stands for it in a store.
    public let place: String
    /// The entry's index, or a tile's first differing position.
    public let index: UInt64?
    /// What the root demands: a hash; nil where it can't be told.
    public let expected: String?
    /// What is there; nil if nothing is.
    public let found: String?
    /// Whether it was repaired.
    public internal(set) var isRepaired = false

    init(_ kind: Kind, _ place: String, index: UInt64? = nil, expected: String?, found: String?) {
        self.kind = kind
        self.place = place
        self.index = index
        self.expected = expected
        self.found = found
    }

    /// A tile that differs from what it must be, at the first place where it does.
    init(_ resource: TileResource, expected: [UInt8]?, found: [UInt8]?) {
        guard let expected, let found, expected.count == found.count else {
            self.init(
                .tile, resource.path, expected: expected?.rootOfTile.hex,
                found: found.map { $0.count % Hash.byteCount == 0 ? $0.rootOfTile.hex : "\($0.count) bytes" })
            return
        }
        let width = expected.count / Hash.byteCount
        let position = (0..<width).first { expected.hash(at: $0) != found.hash(at: $0) } ?? 0
        self.init(
            .tile, resource.path, index: UInt64(position), expected: expected.hash(at: position)?.hex,
            found: found.hash(at: position)?.hex)
    }

    /// One line for people.
    public var text: String {
        let place =
            switch (kind, index) {
            case (.entry, let index?), (.duplicate, let index?), (.leafIndex, let index?), (.streamLink, let index?),
                (.listing, let index?):
                "entry \(index), \(self.place)"
            case (.tile, let index?): "\(self.place), position \(index)"
            default: self.place
            }
        return "\(kind.rawValue)  \(place): \(values)" + (isRepaired ? "; repaired" : "")
    }

    /// What was expected, and what is there, in words.
    var values: String { "expected \(expected ?? "what can't be told"), found \(found ?? "nothing")" }

    public var json: JSON {
        var members = [JSONMember("kind", .string(kind.rawValue)), JSONMember("place", .string(place))]
        if let index { members.append(JSONMember("index", JSON(index))) }
        members.append(JSONMember("expected", expected.map { .string($0) } ?? .null))
        members.append(JSONMember("found", found.map { .string($0) } ?? .null))
        members.append(JSONMember("repaired", .bool(isRepaired)))
        return .object(members)
    }
}
