internal import COSE
public import Tlog

/// Why a CBOR item does not have the fields that it should. Paths are written like `logKeys.receipt`.
public enum FieldError: NamedFailure, Hashable {
    case unknownField(String)
    case missingField(String)
    case wrongKind(String)
    /// The field is of its kind, and its value is none that it can have.
    case invalid(String, String)

    public var reason: String {
        switch self {
        case .unknownField: "unknown-field"
        case .missingField: "missing-field"
        case .wrongKind: "wrong-kind"
        case .invalid: "invalid-value"
        }
    }
}

extension FieldError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknownField(let path): "there is no field '\(path)'"
        case .missingField(let path): "the field '\(path)' is missing"
        case .wrongKind(""): "it is no map"
        case .wrongKind(let path): "the field '\(path)' is not of its kind"
        case .invalid(let path, let allowed): "the field '\(path)' must be \(allowed)"
        }
    }
}

/// Reads the fields of one map with text keys. Fields it has not been told of are refused.
struct FieldReader {
    let path: String
    private let map: CBORMap

    init(_ item: CBOR, path: String, fields: [String]) throws(FieldError) {
        guard case .map(let map) = item else { throw .wrongKind(path) }
        self.map = map
        self.path = path
        for entry in map.entries {
            guard case .text(let name) = entry.key else { throw .unknownField("\(entry.key)") }
            guard fields.contains(where: name.hasSameUTF8) else { throw .unknownField(self.path(name)) }
        }
    }

    func path(_ name: String) -> String {
        path.isEmpty ? name : path + "." + name
    }

    /// Whether the field is there.
    func has(_ name: String) -> Bool { map[.text(name)] != nil }

    func item(_ name: String) throws(FieldError) -> CBOR {
        guard let item = map[.text(name)] else { throw .missingField(path(name)) }
        return item
    }

    func text(_ name: String) throws(FieldError) -> String {
        guard let text = try item(name).textValue else { throw .wrongKind(path(name)) }
        return text
    }

    func bool(_ name: String) throws(FieldError) -> Bool {
        guard let value = try item(name).boolValue else { throw .wrongKind(path(name)) }
        return value
    }

    func unsigned(_ name: String) throws(FieldError) -> UInt64 {
        guard let number = try item(name).unsignedValue else { throw .wrongKind(path(name)) }
        return number
    }

    func bytes(_ name: String) throws(FieldError) -> [UInt8] {
        guard let bytes = try item(name).bytesValue else { throw .wrongKind(path(name)) }
        return bytes
    }

    func hash(_ name: String) throws(FieldError) -> Hash {
        guard let hash = Hash(try bytes(name)) else { throw .wrongKind(path(name)) }
        return hash
    }

    func array(_ name: String) throws(FieldError) -> [CBOR] {
        guard let elements = try item(name).arrayValue else { throw .wrongKind(path(name)) }
        return elements
    }

    func texts(_ name: String) throws(FieldError) -> [String] {
        var texts: [String] = []
        for (position, element) in try array(name).enumerated() {
            guard let text = element.textValue else { throw .wrongKind("\(path(name))[\(position)]") }
            texts.append(text)
        }
        return texts
    }
}
