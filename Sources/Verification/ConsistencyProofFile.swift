import Governance
import Tlog

/// A consistency proof in a file: the JSON that a log answers, or one base64 hash a line.
struct ConsistencyProofFile: Sendable, Hashable {
    struct Sizes: Sendable, Hashable {
        let from: UInt64
        let to: UInt64
    }

    /// The sizes, where the file names them.
    let sizes: Sizes?
    let path: [Hash]

    /// Reads either form; JSON begins with a brace, base64 can't.
    init(parsing bytes: [UInt8]) throws(ConsistencyProofFileError) {
        let first = bytes.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
        if first == UInt8(ascii: "{") {
            try self.init(json: bytes)
        } else {
            try self.init(lines: bytes)
        }
    }

    private init(lines bytes: [UInt8]) throws(ConsistencyProofFileError) {
        guard bytes.isEmpty || bytes.last == 0x0A else { throw .notTerminated }
        var path: [Hash] = []
        for (offset, line) in bytes.dropLast().split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            // An empty file, or one empty line, is the proof between equal sizes.
            if line.isEmpty && bytes.count <= 1 { break }
            guard let hash = Hash(base64: String(decoding: line, as: UTF8.self)) else {
                throw .notHash(position: offset + 1)
            }
            path.append(hash)
        }
        self.path = path
        sizes = nil
    }

    private init(json bytes: [UInt8]) throws(ConsistencyProofFileError) {
        let value: JSON
        do throws(JSONError) { value = try JSON(parsing: bytes, depth: 4) } catch { throw .json(error) }
        guard let from = value["from"]?.unsignedValue else { throw .member("from") }
        guard let to = value["to"]?.unsignedValue else { throw .member("to") }
        guard let elements = value["path"]?.arrayValue else { throw .member("path") }
        var path: [Hash] = []
        for (offset, element) in elements.enumerated() {
            guard let hash = element.stringValue.flatMap({ Hash(base64: $0) }) else {
                throw .notHash(position: offset + 1)
            }
            path.append(hash)
        }
        sizes = Sizes(from: from, to: to)
        self.path = path
    }
}

/// Why a consistency proof file can't be read.
enum ConsistencyProofFileError: NamedFailure, Hashable {
    /// The last line does not end with a newline.
    case notTerminated
    /// Not the canonical base64 of 32 bytes; lines and elements are counted from 1.
    case notHash(position: Int)
    /// The JSON itself is wrong.
    case json(JSONError)
    /// A member that is missing or of the wrong type.
    case member(String)

    var reason: String {
        switch self {
        case .notTerminated: "not-terminated"
        case .notHash: "not-a-hash"
        case .json(let error): error.reason
        case .member: "json-member"
        }
    }
}

extension ConsistencyProofFileError: CustomStringConvertible {
    var description: String {
        switch self {
        case .notTerminated: "the last line does not end with a newline"
        case .notHash(let position): "hash \(position) is not the base64 of 32 bytes"
        case .json(let error): "\(error)"
        case .member(let name): "the member \"\(name)\" is missing or of the wrong type"
        }
    }
}
