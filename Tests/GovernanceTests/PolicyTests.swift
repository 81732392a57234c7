import COSE
import Governance
import Testing
import Tlog

@Suite("Policy and genesis")
struct PolicyTests {
    /// The policy's map with one change.
    private func decode(_ change: (inout CBORMap) -> Void) throws -> Policy {
        guard case .map(var map) = try testPolicy().cbor else { throw PolicyError.authorityCount(0) }
        change(&map)
        return try Policy(decoding: .map(map))
    }

    private func key(_ key: Ed25519.SigningKey) -> CBOR { .bytes(key.publicKey.bytes) }

    @Test("comes back from its encoding, with the digest of it")
    func identity() throws {
        let policy = try testPolicy()
        #expect(try Policy(decoding: policy.encoded()) == policy)
        #expect(try Policy(decoding: policy.json.cbor()) == policy)
        #expect(policy.digest == Hash.sha256(policy.encoded()))
    }

    @Test("refuses fields that are unknown, missing or of another kind")
    func fields() {
        #expect(throws: PolicyError.field(.unknownField("extra"))) { try decode { $0["extra"] = 1 } }
        #expect(throws: PolicyError.field(.missingField("rates"))) { try decode { $0["rates"] = nil } }
        #expect(throws: PolicyError.field(.wrongKind("contentTypes[0]"))) { try decode { $0["contentTypes"] = [1] } }
        #expect(throws: PolicyError.field(.missingField("limits.maxBatch"))) {
            try decode { $0["limits"] = ["maxEntryBytes": 5000, "maxSkew": 1, "maxStreamsPerIssuer": 1] }
        }
        #expect(throws: PolicyError.field(.wrongKind("authorities[0]"))) { try decode { $0["authorities"] = ["a"] } }
        #expect(throws: PolicyError.field(.unknownField("logKeys.extra"))) {
            try decode { map in
                guard case .map(var keys)? = map["logKeys"] else { return }
                keys["extra"] = 1
                map["logKeys"] = .map(keys)
            }
        }
    }

    @Test("refuses one key in two places")
    func sameKey() {
        #expect(throws: PolicyError.sameKey("logKeys.receipt", "authorities[1]")) {
            try decode { $0["authorities"] = [key(TestKeys.authority), key(TestKeys.receipt)] }
        }
        #expect(throws: PolicyError.sameKey("logKeys.checkpoint", "logKeys.statement")) {
            try decode {
                $0["logKeys"] = [
                    "checkpoint": key(TestKeys.checkpoint), "receipt": key(TestKeys.receipt),
                    "statement": key(TestKeys.checkpoint),
                ]
            }
        }
        #expect(throws: PolicyError.sameKey("authorities[0]", "issuers[0].key")) {
            try decode { $0["issuers"] = [["issuer": "urn:a", "key": key(TestKeys.authority), "roles": []]] }
        }
        #expect(throws: PolicyError.sameKey("issuers[0].key", "issuers[1].key")) {
            try decode {
                $0["issuers"] = [
                    ["issuer": "urn:a", "key": key(TestKeys.alice), "roles": []],
                    ["issuer": "urn:b", "key": key(TestKeys.alice), "roles": []],
                ]
            }
        }
    }

    @Test("an issuer may have several keys")
    func severalKeys() throws {
        let policy = try decode {
            $0["issuers"] = [
                ["issuer": "urn:a", "key": key(TestKeys.alice), "roles": []],
                ["issuer": "urn:a", "key": key(TestKeys.bob), "roles": []],
            ]
        }
        let keys = KeyDirectory(policy: policy, index: 0)
        #expect(keys.count == 4)
        #expect(keys.all.count { $0.isAuthority } == 2)
    }

    @Test("refuses thresholds that cannot be met or mean nothing")
    func thresholds() {
        for threshold: UInt64 in [0, 3, .max] {
            #expect(throws: PolicyError.threshold(threshold, authorities: 2)) {
                try decode { $0["threshold"] = .unsigned(threshold) }
            }
        }
        #expect(throws: PolicyError.authorityCount(0)) { try decode { $0["authorities"] = [] } }
    }

    @Test("refuses issuers, roles, content types and origins that cannot be")
    func names() {
        for issuer in ["", "alice", ":a", "1:a", "a:", "urn:a b", "urn:é", "urn:" + String(repeating: "a", count: 509)]
        {
            #expect(throws: PolicyError.issuer(issuer)) {
                try decode { $0["issuers"] = [["issuer": .text(issuer), "key": key(TestKeys.alice), "roles": []]] }
            }
        }
        #expect(throws: PolicyError.unknownRole("authority")) {
            try decode { $0["issuers"] = [["issuer": "urn:a", "key": key(TestKeys.alice), "roles": ["authority"]]] }
        }
        #expect(throws: PolicyError.sameRole("issuers[0]")) {
            try decode {
                $0["issuers"] = [["issuer": "urn:a", "key": key(TestKeys.alice), "roles": ["gate", "gate"]]]
            }
        }
        #expect(throws: PolicyError.contentType("a b")) { try decode { $0["contentTypes"] = ["a b"] } }
        #expect(throws: PolicyError.sameContentType("*")) { try decode { $0["contentTypes"] = ["*", "*"] } }
        #expect(throws: PolicyError.self) { try decode { $0["origin"] = "two words" } }
    }

    @Test("refuses numbers outside their bounds")
    func bounds() throws {
        let cases: [(String, WritableKeyPath<PolicyLimits, UInt64>, UInt64, ClosedRange<UInt64>)] = [
            ("limits.maxEntryBytes", \.maxEntryBytes, 1023, 1024...65_535),
            ("limits.maxEntryBytes", \.maxEntryBytes, 65_536, 1024...65_535),
            ("limits.maxSkew", \.maxSkew, 0, 1...UInt64.max), ("limits.maxBatch", \.maxBatch, 0, 1...65_536),
            ("limits.maxBatch", \.maxBatch, 65_537, 1...65_536),
            ("limits.maxStreamsPerIssuer", \.maxStreamsPerIssuer, 0, 1...UInt64.max),
        ]
        for (path, keyPath, value, allowed) in cases {
            var limits = PolicyLimits()
            limits[keyPath: keyPath] = value
            #expect(throws: PolicyError.outOfBounds(path, value, allowed: allowed)) { try testPolicy(limits: limits) }
        }
        #expect(throws: PolicyError.outOfBounds("rates.perIssuer.burst", 0, allowed: 1...UInt64.max)) {
            try decode {
                $0["rates"] = [
                    "perIssuer": ["perSecond": 1, "burst": 0], "perAddress": ["perSecond": 1, "burst": 1],
                ]
            }
        }
    }

    @Test("a genesis gives its policy back")
    func genesis() throws {
        let policy = try testPolicy()
        let statement = try testGenesis(policy)
        #expect(try Genesis.policy(of: statement) == policy)
        #expect(statement.header.issuer == authorityURI)
        #expect(statement.header.subject == "log.example.org/test")
    }

    @Test("a genesis must be signed by an authority that it names, and bind the origin")
    func genesisSigner() throws {
        let policy = try testPolicy()
        let stranger = COSEKey(TestKeys.stranger.publicKey).thumbprint.bytes
        #expect(throws: GenesisError.notAnAuthority(stranger)) {
            try Genesis.statement(policy: policy, authority: TestKeys.stranger, issuer: authorityURI, time: 1)
        }
        #expect(throws: GenesisError.issuer("authority")) {
            try Genesis.statement(policy: policy, authority: TestKeys.authority, issuer: "authority", time: 1)
        }
        let payload = try testGenesis(policy).payload
        let other = try SignedStatement.sign(
            payload: payload, contentType: Event.contentType, issuer: authorityURI, subject: "another.example.org",
            key: TestKeys.authority)
        #expect(throws: GenesisError.subject("another.example.org", origin: "log.example.org/test")) {
            try Genesis.policy(of: other)
        }
        var bytes = try testGenesis(policy).entryBytes
        bytes[bytes.count - 1] ^= 1
        let forged = try SignedStatement(decoding: bytes)
        #expect(throws: GenesisError.statement(.envelope(.badSignature))) { try Genesis.policy(of: forged) }
    }

    @Test("a genesis is the first event of the stream of policies, and nothing else")
    func genesisForm() throws {
        let policy = try testPolicy()
        func sign(_ event: Event, contentType: String = Event.contentType) throws -> SignedStatement {
            try SignedStatement.sign(
                payload: event.encoded(), contentType: contentType, issuer: authorityURI,
                subject: policy.origin.text, key: TestKeys.authority)
        }
        func event(type: String = "policy.set", stream: String = "policy", seq: UInt64 = 0) throws -> Event {
            try Event(
                type: type, stream: stream, seq: seq, prev: seq == 0 ? nil : .zero, time: 1, data: policy.cbor)
        }
        let cases: [(SignedStatement, GenesisError)] = [
            (try sign(event(type: "policy.get")), .type("policy.get")),
            (try sign(event(stream: "p")), .place("p", 0)), (try sign(event(seq: 1)), .place("policy", 1)),
            (try sign(event(), contentType: "application/cbor"), .contentType("application/cbor")),
            (try sign(heartbeat(stream: "policy", type: "policy.set", data: 1)), .policy(.field(.wrongKind("")))),
        ]
        for (statement, error) in cases {
            #expect(throws: error) { try Genesis.policy(of: statement) }
        }
    }
}
