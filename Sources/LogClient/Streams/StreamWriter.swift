public import COSE
public import Governance
public import Tlog

/// Registers events to one stream: finds the stream's next place, signs, sends, and remembers.
///
/// Before anything is sent, the signed statements are in the ledger; they are sent again, the same bytes, until the
/// log has answered. So a run that was cut off anywhere goes on where it stopped, and no place is signed twice.
public struct StreamWriter {
    /// One event to register.
    public struct Item: Sendable {
        public var draft: EventDraft
        /// What the statement is about (CWT claim `sub`).
        public var subject: String

        public init(draft: EventDraft, subject: String) {
            self.draft = draft
            self.subject = subject
        }
    }

    /// What happens to the items while they are registered.
    public struct Observer {
        /// Item number `item` was signed; it will be sent when this returns.
        public var signed: (_ item: Int, SignedStatement) throws -> Void = { _, _ in }
        /// The log has it.
        public var registered: (_ item: Int, VerifiedAnswer) throws -> Void = { _, _ in }
        /// It was signed and will not be registered: the log refused it, or one before it.
        public var withdrawn: (_ item: Int) -> Void = { _ in }

        /// So many items are settled, answered or refused; for showing how far the work is.
        public var progress: (_ settled: Int) -> Void = { _ in }

        public init() {}
    }

    public var name: StreamName { ledger.name }
    /// What was pending from an earlier run and is registered now.
    public private(set) var recovered: [VerifiedAnswer] = []

    private let client: LogClient
    private let key: Ed25519.SigningKey
    private let ledger: StreamLedger
    private let now: @Sendable () -> UInt64
    private var record: StreamRecord

    /// Finds out where the stream stands, and registers what an earlier run left pending.
    ///
    /// - Parameter now: the time in ms since 1970.
    public init(
        client: LogClient, key: Ed25519.SigningKey, ledger: StreamLedger, now: @escaping @Sendable () -> UInt64
    ) async throws(StreamError) {
        self.client = client
        self.key = key
        self.ledger = ledger
        self.now = now
        let remembered: StreamRecord?
        do { remembered = try ledger.read() } catch { throw .ledger(error) }
        record = remembered ?? StreamRecord(name: ledger.name, next: .first)
        try await orient(remembered: remembered)
    }

    /// Brings the record and the log together.
    private mutating func orient(remembered: StreamRecord?) async throws(StreamError) {
        let shown: StreamPlace
        do { shown = try await client.nextPlace(in: name) } catch { throw .log(error) }
        switch StreamDecision(record: remembered, shown: shown) {
        case .goOn(let place):
            record = StreamRecord(name: name, next: place)
        case .sendPending:
            try await sendPending()
        case .logIsBehind(let remembered, let shown):
            throw .logIsBehind(name, remembered: remembered, shown: shown, path: ledger.path)
        case .logDiffers(let remembered, let shown):
            throw .logDiffers(name, remembered: remembered, shown: shown, path: ledger.path)
        }
    }

    private mutating func sendPending() async throws(StreamError) {
        for result in await client.submit(record.pending) {
            switch result {
            case .success(let answer):
                record.acknowledge()
                recovered.append(answer)
            case .failure(.refused(let problem)) where !problem.isTemporary:
                // Refused for good (it may be too old by now): its place is free again.
                record.withdraw()
                try save()
                return try await orient(remembered: recovered.isEmpty ? nil : record)
            case .failure(let failure):
                try save()
                throw .log(failure)
            }
        }
    }

    /// Removes from the ledger what is in ``recovered``. Until this, or the next registration, another run would find
    /// it pending again; so call it when the answers are written down.
    public func forgetRecovered() throws(StreamError) {
        try save()
    }

    private func save() throws(StreamError) {
        do { try ledger.write(record) } catch { throw .ledger(error) }
    }

    /// Registers events in order, a batch at a time.
    ///
    /// - Throws: at the first that is not registered; those before it are, and their answers went to the observer.
    ///   What the observer throws ends it too, after the ledger was written.
    public mutating func register(_ items: [Item], observer: Observer) async throws {
        var start = 0
        var mayLookAgain = true
        while start < items.count {
            let end = min(start + client.batches.maximumCount, items.count)
            try sign(items, start..<end, observer)
            let results = await client.submit(record.pending) { observer.progress(start + $0) }
            let done = try settle(results, from: start, observer)
            guard let failure = done.failure else {
                start = end
                continue
            }
            start = done.next
            guard case .refused(let problem) = failure, !problem.isTemporary else {
                // Not refused for good: what is pending stays in the ledger and is sent again by the next run.
                throw StreamError.refused(item: start, failure)
            }
            for item in start..<end { observer.withdrawn(item) }
            record.withdraw()
            try save()
            // Someone else with this key was quicker: look once where the stream is now, and sign for that place.
            guard mayLookAgain, ["stream-gap", "stream-fork"].contains(problem.code) else {
                throw StreamError.refused(item: start, failure)
            }
            mayLookAgain = false
            try await orient(remembered: record)
        }
    }

    private mutating func sign(_ items: [Item], _ range: Range<Int>, _ observer: Observer) throws {
        var signed: [SignedStatement] = []
        let before = record
        for item in range {
            let event: Event
            do {
                let place = EventDraft.Place(seq: record.place.seq, prev: record.place.prev)
                event = try items[item].draft.event(place: place, time: now())
            } catch {
                record = before
                throw StreamError.event(item: item, error)
            }
            do {
                let statement = try SignedStatement.sign(
                    payload: event.encoded(), contentType: Event.contentType, issuer: name.issuer,
                    subject: items[item].subject, key: key)
                record.sign(statement)
                signed.append(statement)
            } catch {
                record = before
                throw StreamError.statement(item: item, error)
            }
        }
        try save()
        for (offset, statement) in signed.enumerated() { try observer.signed(range.lowerBound + offset, statement) }
    }

    /// Acknowledges what was registered; says where the first failure is.
    private mutating func settle(
        _ results: [Result<VerifiedAnswer, ClientError>], from start: Int, _ observer: Observer
    ) throws -> (next: Int, failure: ClientError?) {
        var next = start
        for result in results {
            switch result {
            case .success(let answer):
                record.acknowledge()
                try observer.registered(next, answer)
                next += 1
            case .failure(let failure):
                try save()
                return (next, failure)
            }
        }
        try save()
        return (next, nil)
    }
}
