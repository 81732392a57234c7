import COSE
import Foundation
import Testing
import Tlog

/// A vector file, as far as its members are used.
struct Fixture: Decodable {
    let valid: [Case]?
    let validInAnyKeyOrder: [Case]?
    let invalid: [Case]?
    let invalidInAnyKeyOrder: [Case]?
    let refused: [Case]?
    let unverified: [Case]?
    let inclusion: [Case]?
    let consistency: [Case]?
    let issuer: Key?
    let receiptKey: Key?
    let checkpointKey: Key?
    let key: Key?
    let thumbprintInput: String?
    let preimage: String?
    let origin: String?
    let entries: [String]?
    let leafHashes: [String]?
    let statements: [Made]?

    /// A statement made by another library, with a receipt and the two together.
    struct Made: Decodable {
        let statement: String
        let leafHash: String
        let receipt: String
        let transparent: String
    }

    struct Key: Decodable {
        let seed: String?
        let publicKey: String
        let thumbprint: String

        var verifier: Ed25519.PublicKey {
            get throws { try Ed25519.PublicKey(bytes(publicKey)) }
        }

        var signer: Ed25519.SigningKey {
            get throws { try Ed25519.SigningKey(seed: bytes(seed)) }
        }
    }

    struct Case: Decodable, CustomTestStringConvertible, Sendable {
        let name: String
        let reason: String?
        let cbor: String?
        let diagnostic: String?
        let key: String?
        let publicKey: String?
        let thumbprint: String?
        let published: String?
        let statement: String?
        let entry: String?
        let leafHash: String?
        let algorithm: String?
        let contentType: String?
        let issuer: String?
        let subject: String?
        let issuedAt: UInt64?
        let payload: String?
        let preimageContentType: String?
        let payloadLocation: String?
        let receipt: String?
        let index: UInt64?
        let size: UInt64?
        let root: String?
        let checkpoint: String?
        let oldSize: UInt64?
        let newSize: UInt64?
        let oldRoot: String?
        let newRoot: String?
        let receipts: Int?
        let unread: Int?

        var testDescription: String { name }
    }

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "fixtures/cose")

    init(_ name: String) throws {
        let data = try Data(contentsOf: Self.folder.appending(path: name + ".json"))
        self = try JSONDecoder().decode(Fixture.self, from: data)
    }

    /// The cases of one list of a file; no cases are a failure of the test that wanted them.
    static func cases(_ name: String, _ list: KeyPath<Fixture, [Case]?>) -> [Case] {
        do {
            let cases = try Fixture(name)[keyPath: list] ?? []
            precondition(!cases.isEmpty, "\(name) has none of these cases")
            return cases
        } catch {
            preconditionFailure("\(name): \(error)")
        }
    }
}

/// The bytes of a hex text of a vector.
func bytes(_ hex: String?) throws -> [UInt8] {
    let text = try #require(hex)
    return try #require(Hex.decode(text))
}

/// The reason of the error that the body throws; nil if it throws none, or one without a name.
func reason(_ body: () throws -> Void) -> String? {
    do {
        try body()
        return nil
    } catch {
        return (error as? any NamedFailure)?.reason
    }
}

/// A generator of the same numbers on each run (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
