internal import COSE
internal import Tlog

/// What a peer's log has shown of its state: values that were proved, all under the one head of the peer that this log
/// has recorded. What was not shown cannot be read.
struct PeerView: StateReading, Sendable {
    /// A read of what the peer did not show.
    struct NotShown: Error, CustomStringConvertible {
        let key: StateKey
        var description: String { "the peer's evidence does not show \(key)" }
    }

    let record: PeerRecord
    let rules: Rules
    /// When the state witnesses that this domain believes saw the head, ms since 1970; nil if they have not.
    let stateWitnessTime: UInt64?
    let statement: PeerEvidence.Statement?
    /// What all of this was read from.
    let proof: PeerProof
    private let values: [StateKey: [UInt8]?]

    /// What was carried to an evaluator.
    ///
    /// - Throws: a ``Finding`` that says which proof does not hold, and why.
    init(_ evidence: PeerEvidence?, _ record: PeerRecord) throws(Finding) {
        if let fault = evidence?.fault { throw Self.bad(fault, record) }
        guard let evidence, let first = evidence.proofs.first else {
            throw .notEvaluable(
                "there is no evidence of \(record.peer.origin)'s state", mend: "carry state proofs of the peer's")
        }
        guard evidence.proofs.count <= PeerEvidence.maxProofCount else {
            throw .notEvaluable(
                "\(evidence.proofs.count) state proofs; evidence has at most \(PeerEvidence.maxProofCount)",
                mend: "carry what the request needs")
        }
        guard let proof = PeerProof(evidence.proofs) else {
            throw Self.bad("the state proofs are not all of one head", record)
        }
        try self.init(proof, sealIndex: first.index, statement: evidence.statement, record)
    }

    /// - Parameter sealIndex: where the evidence says that the seal stands; nil if it doesn't say.
    init(
        _ proof: PeerProof, sealIndex: UInt64? = nil, statement: PeerEvidence.Statement? = nil, _ record: PeerRecord
    ) throws(Finding) {
        guard record.head.size > 0 else {
            throw .notEvaluable("no head of \(record.peer.origin) is recorded", mend: "record one: peer.head")
        }
        self.record = record
        self.proof = proof
        self.statement = statement
        stateWitnessTime = try Self.checkpoint(proof.checkpoint, record)
        let (seal, sealStatement) = try Self.seal(proof, sealIndex ?? record.head.size - 1, record)
        var values: [StateKey: [UInt8]?] = [:]
        for value in proof.values {
            do throws(MapProofError) {
                try value.proof.verify(
                    key: value.key.mapKey, value: value.value.map { Hash.sha256($0) }, root: seal.stateRoot)
            } catch {
                throw .failed(
                    .stateDivergence, "\(value.key) of \(record.peer.origin): \(error)",
                    mend: "fetch the state proofs again")
            }
            values.updateValue(value.value, forKey: value.key)
        }
        guard let policy = values[.policy] ?? nil, let policyRecord = try? PolicyRecord(decoding: policy) else {
            throw .notEvaluable(
                "the evidence does not show the policy of \(record.peer.origin)", mend: "carry its state proof too")
        }
        rules = Rules(policyRecord)
        do { try sealStatement.verify(rules.statementKey) } catch {
            throw Self.bad("the seal is not signed by the log: \(error)", record)
        }
        self.values = values
    }

    func value(_ key: StateKey) throws -> [UInt8]? {
        guard let value = values[key] else { throw NotShown(key: key) }
        return value
    }

    /// Reads and verifies what a permit carries.
    init(decoding bytes: [UInt8], _ record: PeerRecord) throws(Finding) {
        let proof: PeerProof
        do throws(StateProofError) { proof = try PeerProof(decoding: bytes) } catch {
            throw Self.bad("\(error)", record)
        }
        try self.init(proof, record)
    }

    /// The domain's own trust in the peer's seals: a quorum of state witnesses has replayed what the head covers.
    func checkStateWitnesses() throws(Finding) {
        guard stateWitnessTime != nil else {
            throw .failed(
                .stateDivergence,
                "no quorum of state witnesses of \(record.peer.origin) has cosigned the head of size "
                    + "\(record.head.size)",
                mend: "admit the peer with a state quorum, and record a head that it has cosigned")
        }
    }

    /// The keys of an issuer that the evidence shows.
    func keys(of issuer: String) -> KeyDirectory {
        var keys = KeyDirectory()
        for (key, value) in values {
            guard let value, let found = key.identityIssuer, found.hasSameUTF8(as: issuer),
                let record = try? IdentityRecord(decoding: value)
            else { continue }
            keys.set(KeyDirectory.Entry(issuer: issuer, record: record))
        }
        return keys
    }

    /// The checkpoint is the recorded head, under the key and the quorum that the peer was admitted with.
    ///
    /// - Returns: when its state witnesses saw it, if they did.
    private static func checkpoint(_ bytes: [UInt8], _ record: PeerRecord) throws(Finding) -> UInt64? {
        let policy: TlogPolicy
        let signed: SignedCheckpoint
        do {
            policy = try TlogPolicy(parsing: Array(record.peer.policy.utf8))
            signed = try SignedCheckpoint(parsing: bytes)
            guard signed.checkpoint.origin.text.hasSameUTF8(as: record.peer.origin) else {
                throw bad("the checkpoint is of \(signed.checkpoint.origin)", record)
            }
            _ = try policy.verify(signed)
        } catch let finding as Finding {
            throw finding
        } catch {
            throw bad("\(error)", record)
        }
        // X5: the head that covers what was carried is itself an entry of this log.
        guard signed.checkpoint.treeHead == record.head else {
            throw .failed(
                .auditDiscontinuity,
                "the evidence is of the head of size \(signed.checkpoint.size); recorded is size \(record.head.size)",
                mend: "record the head (peer.head), or carry evidence of the recorded one")
        }
        guard let name = record.peer.stateQuorum,
            let quorum = policy.quorum(named: TlogPolicy.Name(name.utf8)),
            let verified = try? policy.verify(signed, quorum: quorum)
        else { return nil }
        return verified.headTime(notAfter: .max).map { $0 * 1000 }
    }

    private static func seal(
        _ proof: PeerProof, _ index: UInt64, _ record: PeerRecord
    ) throws(Finding) -> (seal: Seal, statement: SignedStatement) {
        do {
            // "Published heads end with a seal, always."
            guard index == record.head.size - 1 else {
                throw bad("the seal at \(index) does not end the head of size \(record.head.size)", record)
            }
            let path = InclusionProof(index: index, size: record.head.size, path: proof.path)
            try path.verify(leafHash: .leaf(proof.seal), root: record.head.root)
            let statement = try SignedStatement(decoding: proof.seal)
            return (try Seal(statement, origin: Origin(record.peer.origin)), statement)
        } catch let finding as Finding {
            throw finding
        } catch {
            throw bad("\(error)", record)
        }
    }

    private static func bad(_ detail: String, _ record: PeerRecord) -> Finding {
        .failed(
            .cryptographicFailure, "evidence of \(record.peer.origin): \(detail)", mend: "fetch the evidence again")
    }
}
