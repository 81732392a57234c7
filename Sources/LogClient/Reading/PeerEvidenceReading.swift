internal import COSE
public import Governance
public import Tlog
internal import Verification

extension LogClient {
    /// What this log, a peer's, shows for a request by a route: the grant's statement, and state proofs, all under the
    /// head that the domain that is asked has recorded.
    ///
    /// - Parameters:
    ///   - request: what will be asked; it names the grant.
    ///   - route: the one that it names, as the domain that is asked has it.
    ///   - home: the origin of the domain that is asked.
    ///   - recorded: the checkpoint that it has recorded newest, with its cosignatures, as its `peer.head` has it. Trust in
    ///     it is that domain's: nothing newer of this log's is looked at.
    public func peerEvidence(
        for request: AccessRequest, by route: RouteOpen, home: String, under recorded: SignedCheckpoint
    ) async throws(ClientError) -> PeerEvidence {
        let head: VerifiedCheckpoint
        do { head = try trust.verify(recorded, takesFormer: true) } catch {
            throw .contradiction(path: "checkpoint", reason: "the recorded head does not count: \(error)")
        }
        var gathering = PeerEvidenceGathering(client: self, head: head)
        for key in PeerEvidence.keys(for: request, by: route, home: home) { _ = try await gathering.add(key) }
        var next = request.grant
        var depth: UInt64 = 0
        while let id = next, depth <= GrantIssue.maxDelegations {
            depth += 1
            next = try await gathering.add(.grant(id), GrantRecord.self)?.grant.parent
        }
        guard let grant = request.grant else { return PeerEvidence(statement: nil, proofs: gathering.proofs) }
        let statement = try await gathering.statement(of: grant)
        return PeerEvidence(statement: statement, proofs: gathering.proofs)
    }
}

/// State proofs and one statement under one head.
private struct PeerEvidenceGathering {
    private let client: LogClient
    private let head: VerifiedCheckpoint
    private var view: LogView
    private var seal: (entry: [UInt8], path: [Hash])?
    private(set) var proofs: [StateProof] = []

    init(client: LogClient, head: VerifiedCheckpoint) {
        self.client = client
        self.head = head
        view = client.view(under: head)
    }

    /// The value, which the log proves or the gate will say what is wrong with it.
    mutating func add(_ key: StateKey) async throws(ClientError) -> [UInt8]? {
        let path = "state/\(key.text)?size=\(head.treeHead.size)"
        let answer = try await client.send(
            .get(path, accept: StateProof.mediaType, maximumAnswerBytes: StateProof.maxByteCount))
        let proof: StateProof
        do { proof = try StateProof(decoding: answer.body) } catch {
            throw .answerMalformed(path: path, reason: "\(error)")
        }
        guard proof.key == key, proof.sealedSize == head.treeHead.size else {
            throw .contradiction(path: path, reason: "the log answers with \(proof.key.text) at \(proof.sealedSize)")
        }
        let (entry, sealPath) = try await sealEntry()
        // The log's own checkpoint may be newer by now; the recorded one is what counts.
        proofs.append(
            StateProof(
                key: key, value: proof.value, proof: proof.proof, seal: entry, index: proof.index, path: sealPath,
                checkpoint: head.signed.bytes))
        return proof.value
    }

    mutating func add<Record: StateRecord>(
        _ key: StateKey, _ kind: Record.Type
    ) async throws(ClientError) -> Record? {
        guard let value = try await add(key) else { return nil }
        do { return try Record(decoding: value) } catch {
            throw .answerMalformed(path: "state/\(key.text)", reason: "\(error)")
        }
    }

    private mutating func sealEntry() async throws(ClientError) -> (entry: [UInt8], path: [Hash]) {
        if let seal { return seal }
        let index = head.treeHead.size - 1
        guard let entry = try await view.entries(index..<index + 1).first else {
            throw .contradiction(path: "tile/entries", reason: "entry \(index) is not there")
        }
        let found = (entry, try await view.inclusionProof(index: index).path)
        seal = found
        return found
    }

    /// The entry with a leaf hash, and the state's record of the key that signed it.
    mutating func statement(of grant: Hash) async throws(ClientError) -> PeerEvidence.Statement? {
        guard let record = proofs.first(where: { $0.key == .grant(grant) })?.value,
            let index = (try? GrantRecord(decoding: record))?.index
        else { return nil }
        // A record says the entry that changed it last, which is the statement unless the grant was revoked.
        for entry in [index] + (try await indexOf(grant).map { [$0] } ?? []) where entry < head.treeHead.size {
            guard let bytes = try await view.entries(entry..<entry + 1).first, Hash.leaf(bytes) == grant,
                let statement = try? SignedStatement(decoding: bytes)
            else { continue }
            if let keyID = Hash(statement.header.keyID) {
                _ = try await add(.identity(issuer: statement.header.issuer, keyID: keyID))
            }
            return PeerEvidence.Statement(
                entry: bytes, index: entry, path: try await view.inclusionProof(index: entry).path)
        }
        return nil
    }

    private func indexOf(_ grant: Hash) async throws(ClientError) -> UInt64? {
        let path = "entries/\(grant.hex)/statement"
        let request = ClientRequest.get(
            path, accept: MediaType.cose, maximumAnswerBytes: LogClient.Limits.statement)
        guard let answer = try await client.find(request) else { return nil }
        guard let transparent = try? TransparentStatement(decoding: answer.body),
            case .inclusion(let proof)? = transparent.receipts.first?.proof
        else { throw .answerMalformed(path: path, reason: "it is no statement with a receipt") }
        return proof.index
    }
}
