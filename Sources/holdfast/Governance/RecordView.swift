import COSE
import Governance
import Tlog

/// Records of the state as JSON for reading: the members of the CBOR record with its names, byte strings in lowercase
/// hex. The server's reads have the same members (`spec/http.md`).
enum RecordView {
    static func json(_ item: CBOR) -> JSON {
        switch item {
        case .bytes(let bytes): .string(Hex.encode(bytes))
        case .array(let elements): .array(elements.map(json))
        case .map(let map):
            .object(
                map.entries.map { entry in
                    let name = entry.key.textValue ?? entry.key.bytesValue.map { Hex.encode($0) } ?? "\(entry.key)"
                    return JSONMember(name, json(entry.value))
                })
        case .tagged(_, let value): json(value)
        case .unsigned, .negative, .text, .bool, .null: JSON(item)
        }
    }

    /// A record with the text form of its key, and what the key says.
    static func json(_ key: StateKey, _ value: [UInt8]) throws -> JSON {
        let record = json(try CBOR(decoding: value))
        let members = record.objectValue ?? [JSONMember("value", record)]
        return .object([JSONMember("stateKey", .string(key.text))] + members + names(key))
    }

    private static func names(_ key: StateKey) -> [JSONMember] {
        let parts = ((try? CBOR(decoding: key.bytes))?.arrayValue ?? []).dropFirst().map(json)
        switch (key.kind, parts.count) {
        case ("identity", 2): return [JSONMember("issuer", parts[0]), JSONMember("keyID", parts[1])]
        case ("grant", 1): return [JSONMember("hash", parts[0])]
        case ("model", 2): return [JSONMember("name", parts[0]), JSONMember("version", parts[1])]
        case ("containment", _): return [JSONMember("scope", .array(parts))]
        default: return []
        }
    }
}

extension JSON {
    /// The member at a path such as `head.size`.
    func at(_ path: String) -> JSON? {
        path.split(separator: ".").reduce(self as JSON?) { $0?[String($1)] }
    }

    /// A value as it stands in a table.
    var cell: String {
        switch self {
        case .null: ""
        case .bool(let value): value ? "yes" : "no"
        case .integer(let value): String(value)
        case .string(let text): Terminal.visible(text)
        case .array(let elements): elements.map(\.cell).joined(separator: ", ")
        case .object: Terminal.visible(text())
        }
    }
}

/// Rows under titles.
struct Table {
    let titles: [String]
    private var rows: [[String]] = []

    init(_ titles: [String]) { self.titles = titles }

    mutating func add(_ cells: [String]) { rows.append(cells) }

    func show(on terminal: Terminal) {
        let widths = titles.indices.map { column in
            ([titles] + rows).map { $0[column].count }.max() ?? 0
        }
        func line(_ cells: [String]) -> String {
            let padded = zip(cells, widths).map { Columns.padded($0, $1) }.joined(separator: "  ")
            return String(padded.reversed().drop { $0 == " " }.reversed())
        }
        terminal.line(terminal.styled(line(titles), .bold))
        for row in rows { terminal.line(line(row)) }
    }
}
