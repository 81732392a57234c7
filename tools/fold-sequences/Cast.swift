import COSE
import Governance
import Tlog

/// Who signs with which key.
struct Actor {
    var issuer: String
    var key: Ed25519.PublicKey

    var keyID: Hash { COSEKey(key).thumbprint }
}

/// The keys and names of all sequences.
enum Cast {
    static let origin = "log.example.org/here"
    static let peers = ["log.example.org/there", "log.example.org/yonder"]
    static let statementKey = signingKey(3)
    static let time: UInt64 = 1_790_000_000_000

    static func signingKey(_ number: UInt8) -> Ed25519.SigningKey {
        do {
            return try Ed25519.SigningKey(seed: [UInt8](repeating: number, count: 32))
        } catch {
            preconditionFailure("a seed of 32 bytes is a key: \(error)")
        }
    }

    /// Numbers 0 to 255: 1 to 3 are the log's, 4 to 9 authorities', 20 and more identities'.
    static let keys: [Ed25519.PublicKey] = (0...UInt8.max).map { signingKey($0).publicKey }

    static func authority(_ number: Int) -> Actor {
        Actor(issuer: KeyDirectory.authorityIssuer(COSEKey(keys[number])), key: keys[number])
    }

    static let roles: [(name: String, roles: [Role])] = [
        ("operator", [.operator]), ("operator2", [.operator, .runtime]), ("registrar", [.registrar]),
        ("gate", [.gate]), ("gate2", [.gate, .observer]), ("runtime0", [.runtime]), ("runtime1", [.runtime]),
        ("runtime2", [.runtime]), ("observer", [.observer]), ("nobody", []),
    ]

    static func identity(_ number: Int) -> Actor {
        Actor(issuer: "spiffe://example.org/" + roles[number].name, key: keys[20 + number])
    }

    static func policy(_ numbers: inout SeededNumbers) throws -> Policy {
        let coin = { (odds: Int, numbers: inout SeededNumbers) in Int.random(in: 0..<odds, using: &numbers) == 0 }
        let authorities = Int.random(in: 1...4, using: &numbers)
        let types: [String] =
            [["application/json"], ["*"], ["hash-envelope", "application/json"]]
            .randomElement(using: &numbers) ?? []
        return try Policy(
            origin: Origin(origin),
            logKeys: LogPublicKeys(checkpoint: keys[1], receipt: keys[2], statement: statementKey.publicKey),
            authorities: (0..<authorities).map { keys[4 + $0] },
            threshold: Int.random(in: 1...authorities, using: &numbers),
            issuers: roles.indices.map {
                EnrolledIssuer(issuer: identity($0).issuer, key: identity($0).key, roles: roles[$0].roles)
            },
            contentTypes: types,
            limits: PolicyLimits(
                maxEntryBytes: coin(4, &numbers) ? 2400 : 65_535, maxSkew: coin(2, &numbers) ? 500 : 60_000,
                maxStreamsPerIssuer: coin(3, &numbers) ? 2 : 100),
            governance: coin(3, &numbers)
                ? nil
                : PolicyGovernance(
                    lifters: [[.operator], [.gate, .observer], []].randomElement(using: &numbers) ?? [],
                    maxPermit: coin(2, &numbers) ? 800 : 5000, maxLease: coin(3, &numbers) ? 0 : 2000))
    }
}
