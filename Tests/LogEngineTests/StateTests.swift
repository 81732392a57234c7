import COSE
import Governance
import LMDBLogStore
import LogEngine
import LogStore
import Synchronization
import Testing
import Tlog

/// The state's map in the store: what is signed stands on it, and everything in it can be proved.
@Suite("Governance state", .timeLimit(.minutes(2)))
struct StateTests {
    private let domain: TestDomain

    init() throws {
        domain = try TestDomain(limits: PolicyLimits(maxStreamsPerIssuer: 10_000))
    }

    /// Registers a batch with the first statement of each of some streams.
    private func begin(_ streams: Range<Int>, on log: Log) async throws {
        for start in stride(from: streams.lowerBound, to: streams.upperBound, by: 1000) {
            let statements = try (start..<min(start + 1000, streams.upperBound)).map { number in
                try domain.author("stream \(number)").first()
            }
            for result in await log.submit(statements) { _ = try result.get() }
        }
    }

    /// Throws unless the proof leads from the value to a checkpoint of the log.
    private func verify(_ proof: StateProof, value: [UInt8]?, at size: UInt64) throws {
        let proof = try StateProof(decoding: proof.encoded())
        guard proof.value == value, proof.sealedSize == size else { throw TestFailure("another value or size") }
        let seal = try Seal(SignedStatement(decoding: proof.seal), origin: domain.policy.origin)
        try proof.proof.verify(
            key: proof.key.mapKey, value: proof.value.map { Hash.sha256($0) }, root: seal.stateRoot)
        let checkpoint = try SignedCheckpoint(parsing: proof.checkpoint)
        let logKey = VerifierKey.ed25519(
            name: domain.policy.origin.keyName, publicKey: domain.keys.checkpoint.publicKey)
        try checkpoint.verify(logKey: logKey)
        let head = checkpoint.checkpoint.treeHead
        try InclusionProof(index: proof.index, size: head.size, path: proof.path)
            .verify(leafHash: Hash.leaf(proof.seal), root: head.root)
    }

    // MARK: Proofs

    @Test(
        "every key has a proof at every retained size, in memory and in LMDB, also after a restart",
        arguments: [false, true])
    func proofs(onDisk: Bool) async throws {
        let scratch = try Scratch()
        let anchor = MemoryAnchor()
        func store() throws -> any LogStore { try LMDBLogStore(directory: scratch.file("log")) }
        let memory = TestStore()
        try domain.create(onDisk ? try store() : memory, anchor)
        if onDisk { try store().close() }
        var log = try domain.open(onDisk ? try store() : memory, anchor)
        var sizes = [log.published.size]
        for round in 0..<6 {
            try await begin(round * 30..<round * 30 + 1 + round * 6, on: log)
            sizes.append(log.published.size)
            if round == 3 {
                await log.shutdown()
                log = try domain.open(onDisk ? try store() : memory, anchor)
            }
        }
        let states = try log.read { snapshot, _ in try sizes.map { try replayed(snapshot, upTo: $0).state } }
        let keys = Array(try #require(states.last).values.keys) + [.streamCount(issuer: "a:b"), .approvals]
        #expect(keys.count > 60)
        for (size, state) in zip(sizes, states) {
            for key in keys {
                let proof = try log.stateProof(key, at: size)
                try verify(proof, value: state.value(key), at: size)
                #expect(proof.checkpoint == log.published.checkpoint.bytes)
            }
            for wrong in [size - 1, size + 1] where !sizes.contains(wrong) {
                let error = #expect(throws: StoreError.self) { try log.stateProof(.policy, at: wrong) }
                #expect(error?.code == .notFound)
            }
        }
        #expect(throws: StoreError.self) { try log.stateProof(.policy, at: 0) }
        try verify(log.stateProof(.policy), value: states.last?.value(.policy), at: log.published.size)
        await log.shutdown()
    }

    @Test("the state of a size that is no longer retained is refused as such")
    func retention() async throws {
        let scratch = try Scratch()
        var options = LMDBLogStore.Options()
        options.retainedSeals = 3
        let store = try LMDBLogStore(directory: scratch.file("log"), options: options)
        let log = try domain.log(store: store)
        var sizes = [log.published.size]
        for round in 0..<6 {
            try await begin(round..<round + 1, on: log)
            sizes.append(log.published.size)
        }
        for size in sizes.suffix(3) { _ = try log.stateProof(.policy, at: size) }
        for size in sizes.dropLast(3) {
            let error = #expect(throws: StoreError.self) { try log.stateProof(.policy, at: size) }
            #expect(error?.code == .notRetained)
        }
        await log.shutdown()
    }

    // MARK: What is signed

    @Test("the roots in the seals, and the state, are those of a replay; a batch that was not stored leaves no trace")
    func replays() async throws {
        let store = TestStore()
        let anchor = MemoryAnchor()
        try domain.create(store, anchor)
        var log = try domain.open(store, anchor)
        for round in 0..<8 {
            store.set { faults in
                faults.beforeCommit = { () throws(StoreError) in
                    if round % 3 == 1 { throw StoreError(.full, "for the test") }
                }
            }
            if round % 3 == 1 {
                let statement = try domain.evidence(round)
                #expect(await log.submit(statement).failure?.code == .storageFailed)
                await #expect(throws: Rejection.self) { try await begin(round * 20..<round * 20 + 20, on: log) }
                store.set { $0.beforeCommit = {} }
            }
            try await begin(round * 20..<round * 20 + 17, on: log)
            if round % 4 == 3 {
                await log.shutdown()
                log = try domain.open(store, anchor)
            }
        }
        let replayed = try replay(log)
        try log.read { snapshot, head in
            var values: [StateKey: [UInt8]] = [:]
            try snapshot.forEachState { values[StateKey(bytes: $0)] = $1 }
            #expect(values == replayed.state.values)
            let entry = try #require(try snapshot.entry(head.size - 1))
            let seal = try Seal(SignedStatement(decoding: entry), origin: domain.policy.origin)
            #expect(seal.stateRoot == replayed.map.root)
        }
        await log.shutdown()
    }

    @Test("a bit that flips in a page of the map stops the log before anything is signed on it")
    func damagedPage() async throws {
        for number in 0..<6 {
            let store = TestStore()
            let anchor = MemoryAnchor()
            let log = try domain.log(store: store, anchor: anchor)
            try await begin(0..<300, on: log)
            await log.shutdown()
            let before = try anchor.read()

            // A new process has nothing in memory, and reads one page after the other.
            let open = try domain.open(store, anchor)
            let pages = Mutex(0)
            store.set {
                $0.page = { _, page in
                    let isTheOne = pages.withLock { count in
                        defer { count += 1 }
                        return count == number
                    }
                    guard isTheOne, var flipped = page else { return page }
                    flipped[flipped.count - 1 - number * 3] ^= 0x20
                    return flipped
                }
            }
            // Two keys change: the stream, and the number of streams.
            let result = await open.submit(try domain.author("stream 1000").first())
            let met = pages.withLock { $0 }
            #expect(met > min(number, 2), "the root's page, and a bucket for each key")
            if number < met {
                #expect(result.failure?.code == .stopped)
                guard case .stopped(.stateDamaged(let detail)) = open.status else {
                    Issue.record("page \(number): the log goes on: \(open.status)")
                    return
                }
                #expect(detail.hasPrefix("the state map is damaged at path"))
                #expect(try anchor.read() == before)
                #expect(open.published.treeHead == before)
            }
            await open.shutdown()
            store.set { $0.page = { $1 } }
            let again = try domain.open(store, anchor)
            _ = try await again.submit(try domain.author("stream 2000").first()).get()
            await again.shutdown()
        }
    }

    @Test("a state value that is lost, another, or from nowhere stops the log before anything is admitted on it")
    func damagedValue() async throws {
        let key = StateKey.stream(issuer: domain.issuer, stream: "stream 7").bytes
        let (other, fresh) = (domain.issuer, StateKey.stream(issuer: domain.issuer, stream: "new").bytes)
        let link = StreamLink(seq: 4, leafHash: .zero, index: 3).encoded()
        let count = StateKey.streamCount(issuer: other).bytes
        let faults: [(String, @Sendable ([UInt8], [UInt8]?) -> [UInt8]?)] = [
            // Without it the stream would begin again: a fork of the issuer's own history.
            ("stream 7", { $0 == key ? nil : $1 }),
            // The statement would be refused for a gap that is none.
            ("new", { $0 == fresh ? link : $1 }),
            ("new", { $0 == count ? CBOR.unsigned(1).encoded() : $1 }),
        ]
        for (stream, fault) in faults {
            let store = TestStore()
            let anchor = MemoryAnchor()
            let log = try domain.log(store: store, anchor: anchor)
            try await begin(0..<20, on: log)
            let before = log.published.treeHead
            store.set { $0.state = fault }
            // In another second, so that it is not the statement of before.
            domain.clock.advance(by: 1000)
            #expect(await log.submit(try domain.author(stream).first()).failure?.code == .stopped)
            guard case .stopped(.stateDamaged(let detail)) = log.status else {
                Issue.record("the log goes on: \(log.status)")
                return
            }
            #expect(detail.contains("the state's value under the key"))
            #expect(try anchor.read() == before)
            await log.shutdown()
        }
    }

    // MARK: Start

    @Test("a start reads policy, identities and the top of the map, however much state there is")
    func opening() async throws {
        var counts: [ReadCount.Numbers] = []
        for streams in [20, 2000] {
            let store = TestStore()
            let anchor = MemoryAnchor()
            let log = try domain.log(store: store, anchor: anchor)
            try await begin(0..<streams, on: log)
            await log.shutdown()
            let reads = ReadCount()
            store.set { $0.reads = reads }
            await (try domain.open(store, anchor)).shutdown()
            counts.append(reads.numbers)
        }
        // Policy and two identities, each read twice: for the rules, and to hold it to the map.
        #expect(counts.map(\.values) == [6, 6])
        // The pages on the way to three keys.
        #expect(counts.allSatisfy { $0.pages <= 1 + 3 * 3 })
    }

    @Test("a map without its pages, or with older ones, is not gone on from")
    func pagesOfAnotherTime() async throws {
        let store = TestStore()
        let anchor = MemoryAnchor()
        let log = try domain.log(store: store, anchor: anchor)
        try await begin(0..<100, on: log)
        await log.shutdown()
        let old = Mutex<[[UInt8]: [UInt8]?]>([:])
        store.set { faults in
            faults.page = { path, page in
                old.withLock { $0[path] = .some(page) }
                return page
            }
        }
        let next = try domain.open(store, anchor)
        try await begin(100..<200, on: next)
        await next.shutdown()
        let pages = old.withLock { $0 }
        for lost in [true, false] {
            store.set { $0.page = { path, page in lost ? nil : pages[path] ?? page } }
            do {
                _ = try domain.open(store, anchor)
                Issue.record("opened on a map of another time")
            } catch {
                guard case LogError.damaged(let detail) = error else { throw error }
                #expect(detail.contains("the state map is damaged at path /"))
            }
        }
        store.set { $0.page = { $1 } }
        await (try domain.open(store, anchor)).shutdown()
    }
}

extension StreamAuthor {
    /// The stream's first statement.
    fileprivate func first() throws -> [UInt8] {
        var copy = self
        return try copy.next()
    }
}
