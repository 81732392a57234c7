internal import COSE
internal import Governance
internal import Tlog

/// The one JSON view of what the state holds.
///
/// The members are those of the CBOR record, with its names; numbers, texts and arrays are the same, and byte strings
/// (hashes, keys, nonces, measurements) are lowercase hexadecimal. Times are in ms since 1970. It is for reading: what
/// is to be hashed again is in the state proof.
extension JSON {
    init(record item: CBOR) {
        switch item {
        case .bytes(let bytes): self = .string(Hex.encode(bytes))
        case .array(let elements): self = .array(elements.map { JSON(record: $0) })
        case .map(let map):
            self = .object(map.entries.map { JSONMember(Self.name($0.key), JSON(record: $0.value)) })
        case .tagged(_, let value): self = JSON(record: value)
        case .unsigned, .negative, .text, .bool, .null: self = JSON(item)
        }
    }

    private static func name(_ key: CBOR) -> String {
        key.textValue ?? key.bytesValue.map { Hex.encode($0) } ?? key.description
    }

    /// A record with the text form of the key that it is proved under, and what follows from it besides.
    init(_ key: StateKey, _ value: CBOR, _ derived: [JSONMember] = []) {
        let record = JSON(record: value)
        let members = record.objectValue ?? [JSONMember("value", record)]
        self = .object([JSONMember("stateKey", .string(key.text))] + members + derived)
    }
}

extension StateKey {
    /// What tells the key apart from others of its kind.
    var names: ArraySlice<CBOR> { ((try? CBOR(decoding: bytes))?.arrayValue ?? []).dropFirst() }
}
