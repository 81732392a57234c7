import COSE
import Governance
import Tlog

/// Another domain's log: its leaves, the newest of which is a seal over its state, and heads with proofs between them.
struct PeerLog {
    let origin: String
    let logKey: Ed25519.SigningKey
    /// Three witnesses and a state witness.
    let witnessKeys: [Ed25519.SigningKey]
    let statementKey: Ed25519.SigningKey
    /// What the newest seal is over.
    var values: [StateKey: [UInt8]] = [:]
    var grants: [(id: Hash, grant: GrantIssue)] = []
    private(set) var leaves: [Hash] = []
    private(set) var seal: [UInt8] = []

    init(_ number: Int) {
        origin = Cast.peers[number]
        let keys = (0...5).map { Cast.signingKey(UInt8(200 + 10 * number + $0)) }
        logKey = keys[0]
        witnessKeys = Array(keys[1...4])
        statementKey = keys[5]
    }

    /// Some entries, and the seal over what the state is now.
    mutating func grow(_ count: Int) throws {
        for _ in 0..<count { leaves.append(Hash.leaf([UInt8(truncatingIfNeeded: leaves.count), 7])) }
        let statement = Seal(
            time: Cast.time, statements: UInt64(count), stateRoot: map.root, seq: 0, prev: nil
        ).statement(origin: try Origin(origin), key: statementKey)
        seal = statement.entryBytes
        leaves.append(statement.leafHash)
    }

    private var map: MerkleMap {
        var map = MerkleMap()
        map.apply(values.map { StateChange(key: $0.key, value: $0.value) })
        return map
    }

    /// What the newest seal shows of these keys, under a checkpoint of its head.
    func proofs(_ keys: [StateKey], cosigners: [Int]) throws -> [StateProof] {
        let checkpoint = try checkpoint(leaves.count, cosigners: cosigners)
        let path = Self.path(leaves.count - 1, leaves[...])
        let map = map
        return keys.map { key in
            StateProof(
                key: key, value: values[key], proof: map.proof(key.mapKey), seal: seal,
                index: UInt64(leaves.count - 1), path: path, checkpoint: checkpoint)
        }
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

    /// RFC 6962 §2.1.1.
    private static func path(_ index: Int, _ leaves: ArraySlice<Hash>) -> [Hash] {
        guard leaves.count > 1 else { return [] }
        let half = split(leaves.count)
        let middle = leaves.startIndex + half
        if index < half { return path(index, leaves[..<middle]) + [root(leaves[middle...])] }
        return path(index - half, leaves[middle...]) + [root(leaves[..<middle])]
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
