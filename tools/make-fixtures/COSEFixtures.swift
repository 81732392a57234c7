import COSE
import Tlog

/// The vectors of CBOR, COSE keys, statements, receipts and transparent statements. What is expected of each case is
/// written here by hand; `COSETests` holds the code to it.
enum COSEFixtures {
    static let suites: [FixtureSuite] = [
        FixtureSuite(folder: "cose") {
            [
                ("cbor.json", COSECBORFixtures.document.file),
                ("key.json", try COSEKeyFixtures.document().file),
                ("statement.json", try COSEStatementFixtures.document().file),
                ("hash-envelope.json", try COSEStatementFixtures.hashEnvelopeDocument().file),
                ("receipt.json", try COSEReceiptFixtures.document().file),
                ("transparent.json", try COSEReceiptFixtures.transparentDocument().file),
            ]
        }
    ]
}

/// Keys and texts that the vectors share.
enum COSECast {
    /// The seed is 32 bytes counted up from `first`.
    static func seed(_ first: UInt8) -> [UInt8] { (0..<32).map { first + $0 } }

    static func key(_ first: UInt8) throws -> Ed25519.SigningKey { try Ed25519.SigningKey(seed: seed(first)) }

    static func issuer() throws -> Ed25519.SigningKey { try key(0x00) }
    static func stranger() throws -> Ed25519.SigningKey { try key(0x20) }
    static func receiptKey() throws -> Ed25519.SigningKey { try key(0x40) }
    static func checkpointKey() throws -> Ed25519.SigningKey { try key(0x60) }

    static let issuerName = "https://issuer.example/agents"
    static let subject = "urn:example:deployment:7"
    static let contentType = "application/json"
    static let payload = Array(#"{"action":"deploy","version":7}"#.utf8)
    static let origin = "log.example/2026"

    static func thumbprint(_ key: Ed25519.SigningKey) -> Hash { COSEKey(key.publicKey).thumbprint }

    /// What a vector file says of a key.
    static func description(_ first: UInt8) throws -> FixtureValue {
        let key = try key(first)
        return [
            "seed": hex(seed(first)), "publicKey": hex(key.publicKey.bytes),
            "thumbprint": .string(thumbprint(key).hex),
        ]
    }

    static func hex(_ bytes: [UInt8]) -> FixtureValue { .string(Hex.encode(bytes)) }
}

/// A COSE_Sign1 message put together part by part, so that each part can be wrong.
struct COSEMessage {
    var protected: CBORMap
    /// Takes the place of the encoded `protected`.
    var protectedBytes: [UInt8]?
    var unprotected: CBORMap = [:]
    var payload: [UInt8]? = COSECast.payload
    var key: Ed25519.SigningKey

    /// A sound statement.
    init() throws {
        key = try COSECast.issuer()
        protected = [
            1: -8, 3: .text(COSECast.contentType), 4: .bytes(COSECast.thumbprint(key).bytes),
            15: [1: .text(COSECast.issuerName), 2: .text(COSECast.subject)],
        ]
    }

    /// A sound statement with a change.
    init(_ change: (inout COSEMessage) throws -> Void) throws {
        try self.init()
        try change(&self)
    }

    /// Signed over the payload, or over an empty one if it is detached.
    var sign1: COSESign1 {
        let protected = protectedBytes ?? protected.encoded()
        let unsigned = COSESign1(protected: protected, payload: payload, signature: [])
        return COSESign1(
            protected: protected, unprotected: unprotected, payload: payload,
            signature: key.sign(unsigned.toBeSigned(payload: payload ?? [])))
    }

    var encoded: [UInt8] { sign1.encoded() }

    mutating func setClaim(_ claim: CBOR, _ value: CBOR?) {
        var claims = protected[15]?.mapValue ?? [:]
        claims[claim] = value
        protected[15] = .map(claims)
    }
}
