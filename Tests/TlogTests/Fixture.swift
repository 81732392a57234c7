import Foundation
import Testing
import Tlog

/// The committed vectors, read as they are published: every file is an object with lists of cases.
struct Fixture {
    let document: [String: Any]

    init(_ name: String) throws {
        let file = Vectors.packageRoot.appending(path: "fixtures/tlog").appending(path: name)
        document = try #require(JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
    }

    func text(_ field: String) throws -> String { try #require(document[field] as? String) }

    func cases(_ list: String) throws -> [Case] {
        let cases = try #require(document[list] as? [[String: Any]]).map(Case.init)
        #expect(cases.count > 0)
        return cases
    }

    /// One vector.
    struct Case {
        let fields: [String: Any]

        var name: String { fields["name"] as? String ?? "without a name" }
        func text(_ field: String) throws -> String { try #require(fields[field] as? String, "\(field)") }
        func texts(_ field: String) throws -> [String] { try #require(fields[field] as? [String], "\(field)") }
        func number(_ field: String) throws -> UInt64 {
            try #require(fields[field] as? NSNumber, "\(field)").uint64Value
        }
        func optionalNumber(_ field: String) -> UInt64? { (fields[field] as? NSNumber)?.uint64Value }
        func hash(_ field: String) throws -> Hash { try #require(Hash(hex: text(field)), "\(field)") }
        func hashes(_ field: String) throws -> [Hash] {
            try texts(field).map { try #require(Hash(hex: $0), "\(field)") }
        }

        /// A text, or bytes under the name with `Base64` at its end.
        func bytes(_ field: String) throws -> [UInt8] {
            if let text = fields[field] as? String { return Array(text.utf8) }
            return try #require(Base64.decode(text(field + "Base64")))
        }

        /// Runs the case: it must do what `valid` says, and fail for the reason that is written down.
        func run<T>(_ body: () throws -> T, accepted: (T) throws -> Void) throws {
            let valid = try #require(fields["valid"] as? Bool)
            do {
                let value = try body()
                #expect(valid, "accepted: \(name)")
                if valid { try accepted(value) }
            } catch let failure as any NamedFailure {
                #expect(!valid, "refused: \(name): \(failure)")
                if !valid { #expect(try failure.reason == text("reason"), "\(name): \(failure)") }
            }
        }
    }
}
