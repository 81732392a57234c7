public import COSE
public import Tlog

/// Why a JSON value has no CBOR counterpart.
public enum JSONCodingError: NamedFailure, Hashable {
    /// An object with a member whose name starts with "$", and it is none of the three forms.
    case unknownForm(String)
    /// `$bytes` is no canonical unpadded base64url.
    case invalidBytes
    /// `$map` holds something other than pairs, a key twice, or a map that an object could write.
    case invalidMap
    /// `$tag` is no unsigned number.
    case invalidTag

    public var reason: String {
        switch self {
        case .unknownForm: "unknown-form"
        case .invalidBytes: "invalid-bytes"
        case .invalidMap: "invalid-map"
        case .invalidTag: "invalid-tag"
        }
    }
}

extension JSONCodingError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknownForm(let name):
            "'\(name)': names that start with '$' are kept for {\"$bytes\": …}, {\"$map\": …}, {\"$tag\": …, \"$value\": …}"
        case .invalidBytes: "$bytes must be base64url without padding"
        case .invalidMap: "$map must be an array of different [key, value] pairs that an object cannot write"
        case .invalidTag: "$tag must be a whole number from 0"
        }
    }
}

extension JSON {
    /// The JSON form of a CBOR item. Each item has exactly one, and ``cbor()`` gives the item back.
    ///
    /// Byte strings are `{"$bytes": "<base64url>"}`, tags `{"$tag": n, "$value": …}`; a map is an object if all its
    /// keys are texts that don't start with "$", else `{"$map": [[key, value], …]}`.
    public init(_ item: CBOR) {
        switch item {
        case .unsigned(let value): self = .integer(Int128(value))
        case .negative(let value): self = .integer(-1 - Int128(value))
        case .bytes(let bytes): self = .object([JSONMember("$bytes", .string(Base64.encodeURL(bytes)))])
        case .text(let text): self = .string(text)
        case .array(let elements): self = .array(elements.map { JSON($0) })
        case .map(let map): self = JSON(map)
        case .tagged(let tag, let value):
            self = .object([JSONMember("$tag", JSON(tag)), JSONMember("$value", JSON(value))])
        case .bool(let value): self = .bool(value)
        case .null: self = .null
        }
    }

    private init(_ map: CBORMap) {
        var members: [JSONMember] = []
        for entry in map.entries {
            guard case .text(let name) = entry.key, !name.utf8.starts(with: "$".utf8) else {
                let pairs = map.entries.map { JSON.array([JSON($0.key), JSON($0.value)]) }
                self = .object([JSONMember("$map", .array(pairs))])
                return
            }
            members.append(JSONMember(name, JSON(entry.value)))
        }
        self = .object(members)
    }

    /// The CBOR item that this value writes.
    public func cbor() throws(JSONCodingError) -> CBOR {
        switch self {
        case .null: return .null
        case .bool(let value): return .bool(value)
        case .integer(let value):
            precondition(JSON.integerRange.contains(value), "a JSON number that CBOR cannot carry")
            return value >= 0 ? .unsigned(UInt64(value)) : .negative(UInt64(-1 - value))
        case .string(let text): return .text(text)
        case .array(let elements):
            var items: [CBOR] = []
            for element in elements { items.append(try element.cbor()) }
            return .array(items)
        case .object(let members):
            if let form = members.first(where: { $0.name.utf8.starts(with: "$".utf8) }) {
                return try JSON.special(members, form.name)
            }
            var pairs: [(CBOR, CBOR)] = []
            for member in members { pairs.append((.text(member.name), try member.value.cbor())) }
            return .map(CBORMap(pairs))
        }
    }

    private static func special(_ members: [JSONMember], _ form: String) throws(JSONCodingError) -> CBOR {
        let object = JSON.object(members)
        switch members.count {
        case 1:
            if let value = object["$bytes"] {
                guard case .string(let text) = value, let bytes = Base64.decodeURL(text) else { throw .invalidBytes }
                return .bytes(bytes)
            }
            if let value = object["$map"] { return try map(value) }
        case 2:
            if let tag = object["$tag"], let value = object["$value"] {
                guard let number = tag.unsignedValue else { throw .invalidTag }
                return .tagged(number, try value.cbor())
            }
        default: break
        }
        throw .unknownForm(form)
    }

    private static func map(_ value: JSON) throws(JSONCodingError) -> CBOR {
        guard case .array(let elements) = value else { throw .invalidMap }
        var pairs: [(CBOR, CBOR)] = []
        for element in elements {
            guard case .array(let pair) = element, pair.count == 2 else { throw .invalidMap }
            pairs.append((try pair[0].cbor(), try pair[1].cbor()))
        }
        let map: CBORMap
        do { map = try CBORMap(checking: pairs) } catch { throw .invalidMap }
        // A map that an object can write has the object as its one JSON form.
        guard JSON(CBOR.map(map))["$map"] != nil else { throw .invalidMap }
        return .map(map)
    }
}
