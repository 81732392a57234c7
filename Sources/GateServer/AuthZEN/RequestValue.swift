internal import Foundation

/// Any JSON value of a caller's. Unlike the JSON of statements it may have fractions, of which nothing is read here.
enum RequestValue: Decodable, Sendable, Hashable {
    case null
    case bool(Bool)
    case whole(UInt64)
    case number(Double)
    case string(String)
    case array([RequestValue])
    case object([String: RequestValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(UInt64.self) {
            self = .whole(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([RequestValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: RequestValue].self))
        }
    }

    /// The JSON object of a body.
    static func object(parsing body: [UInt8]) throws(RequestFault) -> [String: RequestValue] {
        let value: RequestValue
        do {
            value = try JSONDecoder().decode(RequestValue.self, from: Data(body))
        } catch {
            throw RequestFault("the body is not JSON")
        }
        guard case .object(let members) = value else { throw RequestFault("the body is not a JSON object") }
        return members
    }

    var text: String? { if case .string(let text) = self { text } else { nil } }
    var members: [String: RequestValue]? { if case .object(let members) = self { members } else { nil } }
}

/// What is wrong with a request, in a sentence for whoever made it.
struct RequestFault: Error, Hashable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
