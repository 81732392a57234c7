import LogEngine
import Synchronization
import Tlog

/// Witnesses in memory that answer as real ones do, and otherwise where a test tells them to.
final class FakeWitnesses: Cosigners {
    /// What a witness does with a request.
    enum Behaviour: Sendable {
        case honest
        /// Throws.
        case down
        /// Answers when the gate is opened.
        case slow(AsyncGate)
        /// 409 with this size, whatever is asked.
        case claims(UInt64)
        /// Its answer is changed on the way.
        case lies(@Sendable ([NoteSignature], Checkpoint) -> [NoteSignature])
        case inconsistent
    }

    struct Known {
        var behaviour = Behaviour.honest
        /// The newest checkpoint it cosigned.
        var newest: SignedCheckpoint?
        /// What it shows, where that is another one.
        var shown: SignedCheckpoint?
        var requests: [(old: UInt64, size: UInt64)] = []
        var time: UInt64 = 1_700_000_000
    }

    let keys: [Ed25519.SigningKey]
    let quorum: Int
    private let gate: Gate?
    private let state: Mutex<[Known]>

    /// - Parameter gate: where the first witness stops, on each request.
    init(_ count: Int, quorum: Int? = nil, gate: Gate? = nil) {
        keys = (0..<count).map { _ in .generate() }
        self.quorum = quorum ?? count
        self.gate = gate
        state = Mutex((0..<count).map { _ in Known() })
    }

    func vkey(_ number: Int) throws -> VerifierKey {
        .cosigner(name: try KeyName("w\(number).example"), publicKey: keys[number].publicKey)
    }

    var policy: TlogPolicy {
        get throws {
            var text = ""
            for number in keys.indices { text += "witness w\(number) \(try vkey(number)) https://w\(number)/\n" }
            text += "group g \(quorum) " + keys.indices.map { "w\($0)" }.joined(separator: " ") + "\nquorum g\n"
            return try TlogPolicy(parsing: Array(text.utf8))
        }
    }

    /// The policy, with short pauses.
    var witnessing: Witnessing {
        get throws {
            var witnessing = Witnessing(policy: try policy, cosigners: self)
            witnessing.timeout = .seconds(20)
            witnessing.retry = .milliseconds(5)...(.milliseconds(20))
            return witnessing
        }
    }

    func set(_ number: Int, _ behaviour: Behaviour) {
        state.withLock { $0[number].behaviour = behaviour }
    }

    func setAll(_ behaviour: Behaviour) {
        for number in keys.indices { set(number, behaviour) }
    }

    func change(_ number: Int, _ change: (inout Known) -> Void) {
        state.withLock { change(&$0[number]) }
    }

    func known(_ number: Int) -> Known { state.withLock { $0[number] } }

    func addCheckpoint(
        _ request: AddCheckpointRequest, to witness: TlogPolicy.Witness
    ) async throws -> CosignerAnswer {
        let number = try number(witness)
        state.withLock { $0[number].requests.append((request.oldSize, request.checkpoint.checkpoint.size)) }
        if number == 0, let gate { try await gate.passed() }
        switch known(number).behaviour {
        case .honest: return try answer(request, number) { lines, _ in lines }
        case .down: throw TestFailure("down")
        case .slow(let gate):
            try await gate.pass()
            return try answer(request, number) { lines, _ in lines }
        case .claims(let size): return .conflict(size: size)
        case .lies(let lie): return try answer(request, number, lie)
        case .inconsistent: return .inconsistent
        }
    }

    func checkpoint(of origin: Origin, at witness: TlogPolicy.Witness) async throws -> SignedCheckpoint? {
        let known = known(try number(witness))
        return known.shown ?? known.newest
    }

    private func number(_ witness: TlogPolicy.Witness) throws -> Int {
        guard let number = keys.firstIndex(where: { $0.publicKey.bytes == witness.key.publicKey }) else {
            throw TestFailure("no such witness")
        }
        return number
    }

    /// The decision of tlog-witness, as far as tests need it.
    private func answer(
        _ request: AddCheckpointRequest, _ number: Int, _ change: ([NoteSignature], Checkpoint) -> [NoteSignature]
    ) throws -> CosignerAnswer {
        let name = try vkey(number).name
        return try state.withLock { state in
            let recorded = state[number].newest?.checkpoint.treeHead ?? .empty
            guard request.oldSize == recorded.size else { return .conflict(size: recorded.size) }
            let checkpoint = request.checkpoint.checkpoint
            if recorded.size > 0 {
                try request.consistencyProof.verify(oldRoot: recorded.root, newRoot: checkpoint.root)
            }
            state[number].newest = request.checkpoint
            state[number].time += 1
            let line = Cosignature.sign(checkpoint, name: name, key: keys[number], time: state[number].time)
            return .cosigned(AddCheckpointResponse(signatures: change([line], checkpoint)))
        }
    }
}

/// A place where tasks wait until the test lets them go on. It notices when they are cancelled.
final class AsyncGate: Sendable {
    private let isOpen = Mutex(false)
    private let count = Mutex(0)

    var arrivals: Int { count.withLock { $0 } }

    func pass() async throws {
        count.withLock { $0 += 1 }
        while !isOpen.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(2)) }
    }

    func open() {
        isOpen.withLock { $0 = true }
    }
}
