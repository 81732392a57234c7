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

/// Another domain's log: its leaves, and heads with proofs between them.
struct PeerLog {
    let origin: String
    let logKey: Ed25519.SigningKey
    let witnessKeys: [Ed25519.SigningKey]
    private(set) var leaves: [Hash] = []

    init(_ number: Int) {
        origin = Cast.peers[number]
        logKey = Cast.signingKey(UInt8(200 + 10 * number))
        witnessKeys = (1...3).map { Cast.signingKey(UInt8(200 + 10 * number + $0)) }
    }

    mutating func grow(_ count: Int) {
        for _ in 0..<count { leaves.append(Hash.leaf([UInt8(truncatingIfNeeded: leaves.count), 7])) }
    }

    /// Two of three witnesses.
    func policy() throws -> String {
        let log = VerifierKey.ed25519(name: try KeyName(origin), publicKey: logKey.publicKey)
        var text = "log \(log.text)\n"
        for (number, key) in witnessKeys.enumerated() {
            let witness = VerifierKey.cosigner(name: try KeyName("w\(number).example"), publicKey: key.publicKey)
            text += "witness w\(number) \(witness.text)\n"
        }
        return text + "group g 2 w0 w1 w2\nquorum g\n"
    }

    func checkpoint(_ size: Int, cosigners: [Int], root: Hash? = nil, origin: String? = nil) throws -> [UInt8] {
        let head = TreeHead(size: UInt64(size), root: root ?? Self.root(leaves[..<size]))
        let checkpoint = Checkpoint(origin: try Origin(origin ?? self.origin), head: head)
        let cosignatures = try cosigners.map {
            Cosignature.sign(
                checkpoint, name: try KeyName("w\($0).example"), key: witnessKeys[$0], time: Cast.time / 1000)
        }
        return checkpoint.signed(by: logKey).adding(cosignatures).bytes
    }

    func proof(_ old: Int, _ new: Int) -> [Hash] {
        old == 0 || old >= new ? [] : Self.subproof(old, leaves[..<new], true)
    }

    private static func split(_ count: Int) -> Int {
        var half = 1
        while half * 2 < count { half *= 2 }
        return half
    }

    private static func root(_ leaves: ArraySlice<Hash>) -> Hash {
        guard leaves.count > 1 else { return leaves.first ?? .emptyTree }
        let middle = leaves.startIndex + split(leaves.count)
        return Hash.node(root(leaves[..<middle]), root(leaves[middle...]))
    }

    /// RFC 6962 §2.1.2.
    private static func subproof(_ old: Int, _ leaves: ArraySlice<Hash>, _ isWhole: Bool) -> [Hash] {
        if old == leaves.count { return isWhole ? [] : [root(leaves)] }
        let half = split(leaves.count)
        let middle = leaves.startIndex + half
        if old <= half { return subproof(old, leaves[..<middle], isWhole) + [root(leaves[middle...])] }
        return subproof(old - half, leaves[middle...], false) + [root(leaves[..<middle])]
    }
}
