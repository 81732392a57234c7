import COSE
import Testing
import Tlog

private let files = ["statement", "hash-envelope"]

@Suite("Signed statements")
struct SignedStatementTests {
    @Test(
        "reads a statement, makes it canonical and verifies it",
        arguments: files.flatMap { Fixture.cases($0, \.valid) })
    func readsValid(_ test: Fixture.Case) throws {
        let issuer = try #require(try Fixture("statement").issuer)
        let statement = try SignedStatement(decoding: try bytes(test.statement))
        #expect(statement.entryBytes == (try bytes(test.entry)))
        #expect(statement.leafHash.hex == test.leafHash)
        #expect(statement.leafHash == Hash.sha256([0] + statement.entryBytes))
        #expect("\(statement.header.algorithm)" == test.algorithm)
        #expect(statement.header.contentType == test.contentType)
        #expect(statement.header.issuer == test.issuer)
        #expect(statement.header.subject == test.subject)
        #expect(statement.header.issuedAt == test.issuedAt)
        #expect(statement.header.hashEnvelope?.preimageContentType == test.preimageContentType)
        #expect(statement.header.hashEnvelope?.payloadLocation == test.payloadLocation)
        #expect(statement.payload == (try bytes(test.payload)))
        #expect(Hex.encode(statement.header.keyID) == issuer.thumbprint)
        try statement.verify(try issuer.verifier)

        // Canonical bytes are their own canonical bytes, and the parts are where they belong.
        #expect(try SignedStatement(decoding: statement.entryBytes) == statement)
        let message = try COSESign1(decoding: statement.entryBytes)
        #expect(message.protected == statement.protected && message.payload == statement.payload)
        #expect(message.signature == statement.signature && message.unprotected.isEmpty)
        #expect(message.encoded() == statement.entryBytes)
    }

    @Test(
        "refuses what is no statement, naming the reason", arguments: files.flatMap { Fixture.cases($0, \.refused) })
    func refusesInvalid(_ test: Fixture.Case) throws {
        let encoded = try bytes(test.statement)
        #expect(reason { _ = try SignedStatement(decoding: encoded) } == test.reason)
    }

    @Test("refuses a wrong signature or key", arguments: Fixture.cases("statement", \.unverified))
    func refusesUnverified(_ test: Fixture.Case) throws {
        let issuer = try #require(try Fixture("statement").issuer).verifier
        let statement = try SignedStatement(decoding: try bytes(test.statement))
        #expect(reason { try statement.verify(issuer) } == test.reason)
    }

    @Test("a statement with any bit flipped is refused or does not verify")
    func detectsEveryFlip() throws {
        let key = Ed25519.SigningKey.generate()
        let statement = try SignedStatement.sign(
            payload: Array("payload".utf8), contentType: "text/plain", issuer: "https://a.example", subject: "s",
            issuedAt: 1_790_000_000, key: key)
        try statement.verify(key.publicKey)
        let verifier = COSEKey(key.publicKey)
        for bit in 0..<8 * statement.entryBytes.count {
            var flipped = statement.entryBytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: StatementError.self, "bit \(bit)") {
                try SignedStatement(decoding: flipped).verify(verifier)
            }
        }
    }

    @Test("a statement cut off anywhere is refused")
    func refusesPrefixes() throws {
        let encoded = try bytes(Fixture.cases("statement", \.valid)[0].statement)
        for count in 0..<encoded.count {
            #expect(throws: StatementError.self) { try SignedStatement(decoding: Array(encoded[..<count])) }
        }
    }

    /// The usual header is read field by field, any other as a map: both must come to the same.
    @Test("a header says the same in any order of its labels, or is refused for the same reason")
    func headersInAnyOrder() throws {
        var random = SeededGenerator(state: 9)
        let key = Ed25519.SigningKey.generate()
        var read = 0
        for round in 0..<4_000 {
            let header = try StatementHeader(
                contentType: round % 5 < 2 ? ContentType.event : "text/plain", keyID: COSEKey(key.publicKey).thumbprint,
                issuer: "https://a.example",
                subject: "s", issuedAt: round.isMultiple(of: 2) ? 1_790_000_000 : nil)
            var usual = header.protected()
            if round > 1 {
                let place = Int.random(in: 0..<usual.count, using: &random)
                usual[place] = round.isMultiple(of: 3) ? usual[place] ^ 1 : UInt8.random(in: 0...255, using: &random)
            }
            guard case .map(let map)? = try? CBOR(decoding: usual, keyOrder: .any) else { continue }
            var writer = CBORWriter()
            writer.map(count: map.count)
            for entry in map.entries.reversed() {
                writer.item(entry.key)
                writer.item(entry.value)
            }
            let found = [usual, writer.bytes].map { protected in
                Result {
                    try SignedStatement(
                        decoding: COSESign1(
                            protected: protected, payload: [1], signature: [UInt8](repeating: 0, count: 64)
                        ).encoded()
                    ).header
                }
            }
            switch (found[0], found[1]) {
            case (.success(let one), .success(let other)):
                read += 1
                #expect(one == other, "\(Hex.encode(usual))")
            case (.failure(let one), .failure(let other)): #expect("\(one)" == "\(other)", "\(Hex.encode(usual))")
            default: Issue.record("\(Hex.encode(usual)): \(found)")
            }
        }
        #expect(read > 500)
    }

    @Test("a statement with random changes is refused, or has its canonical form")
    func survivesChanges() throws {
        var random = SeededGenerator(state: 5)
        let seeds = try Fixture.cases("statement", \.valid).map { try bytes($0.statement) }
        for _ in 0..<4_000 {
            var encoded = seeds.randomElement(using: &random) ?? []
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let position = Int.random(in: 0..<encoded.count, using: &random)
                encoded[position] = UInt8.random(in: 0...255, using: &random)
            }
            guard let statement = try? SignedStatement(decoding: encoded) else { continue }
            #expect(try SignedStatement(decoding: statement.entryBytes) == statement)
        }
    }

    @Test("statements that are read one after the other are what each is alone, or refused for the same reason")
    func readsMany() throws {
        var random = SeededGenerator(state: 6)
        let seeds = try files.flatMap { Fixture.cases($0, \.valid) + Fixture.cases($0, \.refused) }
            .map { try bytes($0.statement) }
        let key = Ed25519.SigningKey.generate()
        let stream = try (0..<4).map { number in
            try SignedStatement.sign(
                payload: [UInt8](repeating: 7, count: 40 * number), contentType: "text/plain",
                issuer: "https://a.example", subject: number < 3 ? "s" : "t", key: key
            ).entryBytes
        }
        var read = 0
        for _ in 0..<1_000 {
            let messages = (0..<Int.random(in: 0...8, using: &random)).map { _ in
                var bytes = (Bool.random(using: &random) ? seeds : stream).randomElement(using: &random) ?? []
                if Int.random(in: 0..<4, using: &random) == 0, !bytes.isEmpty {
                    let place = Int.random(in: 0..<bytes.count, using: &random)
                    bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                }
                return bytes
            }
            let together = SignedStatement.decode(messages[...])
            #expect(together.count == messages.count)
            for (bytes, one) in zip(messages, together) {
                let alone = Result { () throws(StatementError) in try SignedStatement(decoding: bytes) }
                switch (one, alone) {
                case (.success(let one), .success(let alone)):
                    read += 1
                    #expect(one.entryBytes == alone.entryBytes && one.leafHash == alone.leafHash)
                    #expect(one.header == alone.header && one.payload == alone.payload)
                    #expect(one.signature == alone.signature && one.protected == alone.protected)
                case (.failure(let one), .failure(let alone)): #expect("\(one)" == "\(alone)")
                default: Issue.record("\(Hex.encode(bytes)): \(one) and \(alone)")
                }
            }
        }
        #expect(read > 1_000)
    }

    @Test("the fields of a header are what is written and read")
    func headersRoundTrip() throws {
        let key = Ed25519.SigningKey.generate()
        let keyID = COSEKey(key.publicKey).thumbprint
        for contentType in ["text/plain", "application/json; charset=utf-8", "coap:0", "coap:65535"] {
            let header = try StatementHeader(
                contentType: contentType, keyID: keyID, issuer: "i", subject: "s", issuedAt: 0)
            let statement = try SignedStatement.sign(header, payload: [], key: key)
            #expect(statement.header == header)
            #expect(statement.protected == header.protected())
            #expect(try CBOR(decoding: statement.protected).encoded() == statement.protected)
        }
    }

    @Test("fields that can't be are refused before signing")
    func refusesFields() {
        let key = Ed25519.SigningKey.generate()
        func failure(
            contentType: String = "text/plain", issuer: String = "i", subject: String = "s", payload: Int = 0
        ) -> String? {
            reason {
                _ = try SignedStatement.sign(
                    payload: Array(repeating: 0, count: payload), contentType: contentType, issuer: issuer,
                    subject: subject, key: key)
            }
        }
        #expect(failure() == nil)
        for contentType in ["", "text", "/plain", "text/", " text/plain", "coap:65536", "coap:07", "coap:+7", "coap:"] {
            #expect(failure(contentType: contentType) == "content-type", "\(contentType)")
        }
        #expect(failure(contentType: StatementHeader.hashEnvelopeType) == "content-type")
        #expect(failure(issuer: "") == "claim-empty")
        #expect(failure(subject: "") == "claim-empty")
        #expect(failure(issuer: String(repeating: "é", count: 4097)) == "claim-too-long")
        #expect(failure(issuer: String(repeating: "é", count: 4096)) == nil)
        #expect(failure(payload: 65_535) == "too-large")
    }

    @Test("an entry may have 65,535 bytes and not one more; what is dropped does not count")
    func entryLimit() throws {
        let key = Ed25519.SigningKey.generate()
        func sign(_ count: Int) throws -> SignedStatement {
            try SignedStatement.sign(
                payload: Array(repeating: 0x2e, count: count), contentType: "text/plain", issuer: "i", subject: "s",
                key: key)
        }
        let overhead = try sign(60_000).entryBytes.count - 60_000
        let largest = try sign(65_535 - overhead)
        #expect(largest.entryBytes.count == 65_535)
        #expect(throws: StatementError.envelope(.tooLarge(bytes: 65_536, limit: 65_535))) {
            try sign(65_536 - overhead)
        }
        let message = COSESign1(
            protected: largest.protected, unprotected: [99: .bytes(Array(repeating: 1, count: 1_000))],
            payload: largest.payload, signature: largest.signature)
        #expect(try SignedStatement(decoding: message.encoded()) == largest)
    }

    @Test("a digest is signed in an envelope that says what was hashed")
    func hashEnvelopes() throws {
        let key = Ed25519.SigningKey.generate()
        let envelope = HashEnvelope(preimageContentType: "application/pdf", payloadLocation: "https://a.example/b")
        let digest = Hash.sha256([1, 2, 3])
        let statement = try SignedStatement.sign(
            digest: digest, envelope: envelope, issuer: "i", subject: "s", key: key)
        try statement.verify(key.publicKey)
        #expect(statement.header.hashEnvelope == envelope)
        #expect(statement.header.contentType == StatementHeader.hashEnvelopeType)
        #expect(statement.payload == digest.bytes)
        for wrong in [HashEnvelope(preimageContentType: "pdf"), HashEnvelope(payloadLocation: "")] {
            #expect(throws: StatementError.self) {
                try SignedStatement.sign(digest: digest, envelope: wrong, issuer: "i", subject: "s", key: key)
            }
        }
        let header = statement.header
        #expect(throws: StatementError.digestLength(3)) {
            try SignedStatement.sign(header, payload: [1, 2, 3], key: key)
        }
    }

    @Test("errors say which kind they are")
    func errorKinds() {
        #expect(StatementError.envelope(.badSignature).isBadSignature)
        #expect(StatementError.envelope(.keyMismatch).isBadSignature)
        #expect(StatementError.envelope(.unsupportedAlgorithm(-7)).isUnsupportedAlgorithm)
        #expect(StatementError.envelope(.tooLarge(bytes: 2, limit: 1)).isTooLarge)
        #expect(!StatementError.payloadMissing.isBadSignature)
    }
}
