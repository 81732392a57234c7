import COSE
public import Governance
import Tlog
public import Verification

/// An evidence bundle that was verified as it will be verified offline.
public struct VerifiedEvidence: Sendable {
    public let bundle: EvidenceBundle
    /// The content of the file.
    public let bytes: [UInt8]
    public let findings: EvidenceFindings
}

extension LogClient {
    /// Gathers the evidence bundle of an execution, a grant or a model, under the newest head that the quorums vouch
    /// for, and verifies it.
    ///
    /// - Parameters:
    ///   - subject: a key of one of the three kinds.
    ///   - patience: how long to wait for a head that the state witnesses have cosigned: they replay before they do.
    ///   - isWithoutStateQuorum: whether the log's own word is enough, where the trust file names no state quorum.
    public func evidence(
        of subject: StateKey, patience: Duration = .seconds(30), isWithoutStateQuorum: Bool = false
    ) async throws(ClientError) -> VerifiedEvidence {
        let head = try await vouchedHead(patience: patience)
        guard let parts = EvidenceAssembly(subject, under: head.treeHead, trust: trust) else {
            throw .contradiction(
                path: "state/\(subject.text)",
                reason: "the trust file has no genesis entry, or no evidence can be about this key")
        }
        var gathering = EvidenceGathering(client: self, head: head, parts: parts)
        let bundle = try await gathering.bundle()
        let bytes = bundle.encoded()
        let report = Verifier(trust: trust, isWithoutStateQuorum: isWithoutStateQuorum).bundle(bytes, about: subject)
        guard report.verdict == .verified, let findings = report.evidence else { throw .notVerified(report) }
        return VerifiedEvidence(bundle: bundle, bytes: bytes, findings: findings)
    }

    /// The newest checkpoint that the quorum of witnesses has cosigned, and that of state witnesses where the trust
    /// file names one: these are not waited for when a head is published.
    private func vouchedHead(patience: Duration) async throws(ClientError) -> VerifiedCheckpoint {
        let head = try await checkpoint()
        guard let quorum = trust.stateQuorum else { return head }
        let clock = ContinuousClock()
        let end = clock.now + patience
        var newest = head
        while (try? trust.policy.verify(newest.signed, quorum: quorum)) == nil {
            // The report says what is missing.
            guard clock.now < end else { return newest }
            do { try await Task.sleep(for: .milliseconds(250)) } catch { return newest }
            newest = try await checkpoint()
        }
        return newest
    }
}

/// Follows what a bundle lacks until it lacks nothing. Entries and proofs are the log's under one head, by its tiles;
/// what the server says beside that only tells where to look.
private struct EvidenceGathering {
    let client: LogClient
    let head: VerifiedCheckpoint
    var parts: EvidenceAssembly
    private var view: LogView
    /// Statements by their indices, as many bundles of 256 as were read last.
    private var read: [UInt64: [SignedStatement]] = [:]

    init(client: LogClient, head: VerifiedCheckpoint, parts: EvidenceAssembly) {
        self.client = client
        self.head = head
        self.parts = parts
        view = client.view(under: head)
    }

    mutating func bundle() async throws(ClientError) -> EvidenceBundle {
        var asked: Set<BundlePart> = []
        while true {
            let missing = parts.missing.filter { !asked.contains($0) }
            guard !missing.isEmpty else { break }
            for part in missing where asked.insert(part).inserted { try await fetch(part) }
        }
        var paths: [UInt64: [Hash]] = [:]
        for index in parts.indices { paths[index] = try await view.inclusionProof(index: index).path }
        return parts.bundle(checkpoint: head.signed.bytes, paths: paths)
    }

    private mutating func fetch(_ part: BundlePart) async throws(ClientError) {
        switch part {
        case .entry(let index): try await add(index)
        case .statement(let hash):
            let index = try await index(of: hash)
            guard try await statement(index).leafHash == hash else {
                throw .contradiction(path: "entries/\(hash)", reason: "it is not entry \(index), as the log says")
            }
            try await add(index)
        case .state(let key, let size): try await fetch(key, at: size)
        case .seal(let index): try await addSeal(after: index)
        case .step(_, let execution, let range): try await addSteps(of: execution, in: range)
        case .head(let size): parts.add(head: size, try await view.consistencyProof(from: size).path)
        }
    }

    // MARK: Entries

    private mutating func add(_ index: UInt64) async throws(ClientError) {
        guard index < view.size else { return }
        parts.add(try await statement(index), at: index)
    }

    private mutating func statement(_ index: UInt64) async throws(ClientError) -> SignedStatement {
        let first = index / 256 * 256
        if let bundle = read[first] { return bundle[Int(index - first)] }
        var statements: [SignedStatement] = []
        for entry in try await view.entries(first..<min(first + 256, view.size)) {
            do { statements.append(try SignedStatement(decoding: entry)) } catch {
                throw .contradiction(path: "tile/entries", reason: "an entry is no statement: \(error)")
            }
        }
        if read.count >= 64 { read.removeAll() }
        read[first] = statements
        return statements[Int(index - first)]
    }

    /// Where the log says that a statement is.
    private func index(of hash: Hash) async throws(ClientError) -> UInt64 {
        let path = "entries/\(hash.hex)/statement"
        let answer = try await client.send(
            .get(path, accept: MediaType.cose, maximumAnswerBytes: LogClient.Limits.statement))
        guard let transparent = try? TransparentStatement(decoding: answer.body),
            case .inclusion(let proof)? = transparent.receipts.first?.proof
        else { throw .answerMalformed(path: path, reason: "it is no statement with a receipt") }
        guard proof.index < view.size else {
            throw .contradiction(path: path, reason: "entry \(proof.index) is not below size \(view.size)")
        }
        return proof.index
    }

    private mutating func addSeal(after index: UInt64) async throws(ClientError) {
        guard let origin = client.trust.genesis?.policy?.origin else { return }
        var next = index + 1
        while next < view.size {
            if (try? Seal(try await statement(next), origin: origin)) != nil { return try await add(next) }
            next += 1
        }
    }

    /// All steps of an execution at once, and decisions to contain it.
    private mutating func addSteps(of execution: ExecutionID, in range: ClosedRange<UInt64>) async throws(ClientError) {
        for index in range where index < view.size {
            let statement = try await statement(index)
            guard let event = try? Event(decoding: statement.payload),
                event.type == StatementType.executionStep.rawValue, let step = try? ExecutionStep(event.data),
                step.execution == execution
            else { continue }
            parts.add(statement, at: index)
        }
    }

    // MARK: State

    /// A value with its proof, held to the seal that the log has there.
    private mutating func fetch(_ key: StateKey, at size: UInt64) async throws(ClientError) {
        guard size > 0, size <= view.size else { return }
        let path = "state/\(key.text)?size=\(size)"
        let answer = try await client.send(
            .get(path, accept: StateProof.mediaType, maximumAnswerBytes: StateProof.maxByteCount))
        let proof: StateProof
        do {
            proof = try StateProof(decoding: answer.body)
        } catch {
            throw .answerMalformed(path: path, reason: "\(error)")
        }
        guard proof.key == key, proof.sealedSize == size else {
            throw .contradiction(path: path, reason: "the log answers with \(proof.key.text) at \(proof.sealedSize)")
        }
        let statement = try await statement(size - 1)
        guard let origin = client.trust.genesis?.policy?.origin, let seal = try? Seal(statement, origin: origin) else {
            throw .contradiction(path: path, reason: "entry \(size - 1) is no seal")
        }
        do {
            try proof.proof.verify(
                key: key.mapKey, value: proof.value.map { Hash.sha256($0) }, root: seal.stateRoot)
        } catch {
            throw .contradiction(path: path, reason: "the value does not lead to the root in the seal: \(error)")
        }
        parts.add(statement, at: size - 1)
        parts.add(proof.value, of: key, at: size, proof.proof)
    }
}
