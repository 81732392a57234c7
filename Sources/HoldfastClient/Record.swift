internal import COSE
internal import Foundation
internal import Governance
internal import LogClient
internal import Tlog

/// An event to register: what happened, to what, and what is to be said of it.
public struct Record: Sendable {
    /// Dotted lowercase words, such as `task.done`; the types that the log holds to rules of governance are in
    /// `spec/governance.md`.
    public var type: String
    /// What it is about.
    public var subject: String
    /// Which of the signer's streams it continues. A stream is a chain without gaps: nobody can take a link out of it.
    public var stream: String
    /// What is said: deterministic, so there are no floating-point numbers in it.
    private let data: JSON

    /// A record of a value that is written down.
    ///
    /// - Parameters:
    ///   - type: dotted lowercase words.
    ///   - subject: what it is about.
    ///   - stream: which of the signer's streams it continues.
    ///   - data: an object, array, text, bytes, whole number, truth value or null.
    public init(type: String, subject: String, stream: String = "main", data: RecordValue = .null) {
        self.type = type
        self.subject = subject
        self.stream = stream
        self.data = data.json
    }

    /// A record of a value of the program's own.
    ///
    /// - Parameters:
    ///   - type: dotted lowercase words.
    ///   - subject: what it is about.
    ///   - stream: which of the signer's streams it continues.
    ///   - value: anything that can be encoded. What can't be said exactly, such as a fraction, is refused.
    public init(
        type: String, subject: String, stream: String = "main", encoding value: some Encodable
    ) throws(HoldfastError) {
        self.type = type
        self.subject = subject
        self.stream = stream
        do {
            data = try JSON(parsing: [UInt8](JSONEncoder().encode(value)))
        } catch {
            throw HoldfastError(code: "data", message: "the value can't be said in an event: \(error)")
        }
    }

    func cbor() throws(HoldfastError) -> CBOR {
        do { return try data.cbor() } catch {
            throw HoldfastError(code: "data", message: "the value can't be said in an event: \(error)")
        }
    }
}

/// A value in a record, written down as Swift writes values: `["items": 12, "names": ["a", "b"]]`.
public enum RecordValue: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case text(String)
    /// Bytes are kept as bytes.
    case bytes([UInt8])
    case array([RecordValue])
    case object([String: RecordValue])

    var json: JSON {
        switch self {
        case .null: .null
        case .bool(let value): .bool(value)
        case .integer(let number): .integer(Int128(number))
        case .text(let text): .string(text)
        case .bytes(let bytes): .object([JSONMember("$bytes", .string(Base64.encodeURL(bytes)))])
        case .array(let items): .array(items.map(\.json))
        case .object(let members):
            .object(members.sorted { $0.key < $1.key }.map { JSONMember($0.key, $0.value.json) })
        }
    }
}

extension RecordValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .text(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(nilLiteral: ()) { self = .null }
    public init(arrayLiteral elements: RecordValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, RecordValue)...) {
        self = .object(Dictionary(elements) { $1 })
    }
}

/// Who signs: a name that the log has enrolled, and its key.
public struct Identity: Sendable {
    /// A URI, such as a SPIFFE ID.
    public let name: String
    let key: Ed25519.SigningKey

    /// Reads the key from a file as `holdfast key new` writes it. The file must be private to the user.
    public init(name: String, keyFile path: String) throws(HoldfastError) {
        self.name = name
        do throws(KeyFileError) { key = try KeyFile.read(path) } catch { throw HoldfastError(error) }
    }
}

/// An event that is in the log: durable, in the tree, under a published head that was verified.
public struct Registration: Sendable, Hashable {
    /// Its place in the log.
    public let index: UInt64
    /// Its leaf hash in hex, by which the log finds it too.
    public let id: String
    /// Whether the log had the same statement before.
    public let isDuplicate: Bool
    /// The size of the tree that it was proved in.
    public let size: UInt64
    /// The signed statement: the content of a `.cose` file.
    public let statement: [UInt8]
    /// The statement with its receipt inside: the content of a `.transparent` file.
    public let transparentStatement: [UInt8]
    /// The proof in C2SP's text form: the content of a `.tlog-proof` file.
    public let proof: [UInt8]
}
