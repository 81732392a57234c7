import COSE
import Governance
import Tlog

/// Who governs a test log, and what its state proofs are.
extension TestLog {
    /// The name of the authority in all statements but the genesis.
    var authorityIssuer: String { KeyDirectory.authorityIssuer(COSEKey(authorityKey.publicKey)) }

    /// Two state witnesses of their own.
    static func stateWitnessKeys() throws -> [Ed25519.SigningKey] { [try key(220), try key(221)] }

    // MARK: Statements

    /// The authority's next statement of a type, in a stream of its own for each type.
    func governing(_ type: StatementType, _ data: CBOR) throws -> SignedStatement {
        try statement(type.rawValue, data, stream: type.rawValue, by: authorityKey, issuer: authorityIssuer)
    }

    /// The next event of a stream by anybody.
    func statement(
        _ type: String, _ data: CBOR, stream: String, by key: Ed25519.SigningKey, issuer: String
    ) throws -> SignedStatement {
        let place = streams[stream]
        let event = try Event(
            type: type, stream: stream, seq: place.map { $0.seq + 1 } ?? 0, prev: place?.prev, time: time, data: data)
        return try sign(event, by: key, issuer: issuer)
    }

    /// Issues a grant to the log's one issuer; returns its leaf hash.
    mutating func grant(_ resource: String = "inbox") throws -> Hash {
        let data = GrantIssue(
            subject: Self.issuer, actions: ["read"].compactMap { GrantPattern($0) },
            resources: [resource].compactMap { GrantPattern($0) })
        let statement = try governing(.grantIssue, data.cbor)
        try append(statement)
        return statement.leafHash
    }

    /// Enrols a runtime; returns its key's place in the state.
    mutating func enrol(_ issuer: String, _ key: Ed25519.SigningKey) throws -> StateKey {
        let data = IdentityEnroll(issuer: issuer, key: key.publicKey, roles: [.runtime])
        try append(governing(.identityEnroll, data.cbor))
        return .identity(issuer: issuer, keyID: COSEKey(key.publicKey).thumbprint)
    }

    mutating func revoke(_ key: Ed25519.SigningKey) throws {
        let data = IdentityRevoke(keyID: COSEKey(key.publicKey).thumbprint, reason: "lost")
        try append(governing(.identityRevoke, data.cbor))
    }

    // MARK: State proofs

    /// A checkpoint with the lines of state witnesses too.
    func replayedCheckpoint(
        _ size: UInt64? = nil, witnesses: Int = 2, stateWitnesses: Int = 2
    ) throws -> SignedCheckpoint {
        let signed = try checkpoint(size, witnesses: witnesses)
        let lines = try Self.stateWitnessKeys().prefix(stateWitnesses).enumerated().map { number, key in
            Cosignature.sign(
                signed.checkpoint, name: try KeyName("s\(number).example"), key: key,
                time: 1_750_000_010 + UInt64(number))
        }
        return signed.adding(lines)
    }

    /// What the log answers about a key.
    ///
    /// - Parameters:
    ///   - sealed: the sealed size that the state is of; the log's if nil.
    ///   - size: that of the checkpoint; the log's if nil.
    ///   - state: another state than the log's own, for a log that lies.
    func stateProof(
        _ key: StateKey, at sealed: UInt64? = nil, in size: UInt64? = nil, witnesses: Int = 2, stateWitnesses: Int = 2,
        state: MemoryState? = nil
    ) throws -> StateProof {
        let sealed = sealed ?? self.size
        guard let state = state ?? states[sealed] else { throw NotSealed(size: sealed) }
        return StateProof(
            key: key, value: state.value(key), proof: state.map().proof(key.mapKey), seal: entries[Int(sealed - 1)],
            index: sealed - 1, path: inclusion(sealed - 1, size).path,
            checkpoint: try replayedCheckpoint(size, witnesses: witnesses, stateWitnesses: stateWitnesses).bytes)
    }

    struct NotSealed: Error {
        let size: UInt64
    }

    /// The trust file with the state witnesses, of which both are needed.
    func stateTrustText(quorum: String = "both", stateQuorum: String? = "replayed") throws -> String {
        var lines = try trustText(quorum: quorum).split(separator: "\n").map(String.init)
        let witnesses = try Self.stateWitnessKeys().enumerated().map { number, key in
            let vkey = VerifierKey.cosigner(name: try KeyName("s\(number).example"), publicKey: key.publicKey)
            return "witness s\(number) \(vkey.text)"
        }
        lines += witnesses + ["group replayed all s0 s1"]
        if let stateQuorum { lines.append("state-quorum \(stateQuorum)") }
        return lines.map { $0 + "\n" }.joined()
    }
}

extension StateProof {
    /// With another part in the place of one.
    func changed(
        key: StateKey? = nil, value: [UInt8]?? = nil, proof: MapProof? = nil, seal: [UInt8]? = nil,
        index: UInt64? = nil, path: [Hash]? = nil, checkpoint: [UInt8]? = nil
    ) -> StateProof {
        StateProof(
            key: key ?? self.key, value: value ?? self.value, proof: proof ?? self.proof, seal: seal ?? self.seal,
            index: index ?? self.index, path: path ?? self.path, checkpoint: checkpoint ?? self.checkpoint)
    }
}
