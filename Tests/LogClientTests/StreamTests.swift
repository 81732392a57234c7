import COSE
import Foundation
import Governance
import Testing
import Tlog

@testable import LogClient

@Suite("Streams")
struct StreamTests {
    private let directory = NSTemporaryDirectory() + "holdfast-streams-\(UUID().uuidString)"

    private func writer(_ log: FakeLog) async throws -> StreamWriter {
        let ledger = try StreamLedger(log.streamName("main"), directory: directory)
        return try await StreamWriter(client: try log.client, key: log.issuerKey, ledger: ledger, now: { 5 })
    }

    private func items(_ numbers: Range<UInt64>) -> [StreamWriter.Item] {
        numbers.map { number in
            StreamWriter.Item(
                draft: EventDraft(type: "test.event", stream: "main", data: .unsigned(number)), subject: "test")
        }
    }

    /// Registers events; returns their indices.
    private func register(_ numbers: Range<UInt64>, _ log: FakeLog) async throws -> [UInt64] {
        var writer = try await writer(log)
        var indices: [UInt64] = []
        var observer = StreamWriter.Observer()
        observer.registered = { indices.append($1.index) }
        try await writer.register(items(numbers), observer: observer)
        return indices
    }

    @Test("events take the stream's next places, run after run")
    func places() async throws {
        let log = try FakeLog()
        #expect(try await register(0..<3, log) == [1, 2, 3])
        #expect(try await register(3..<5, log) == [4, 5])
        let entries = log.entries.dropFirst()
        var prev: Hash?
        for (seq, entry) in entries.enumerated() {
            let event = try Event(decoding: try SignedStatement(decoding: entry).payload)
            #expect(event.seq == UInt64(seq))
            #expect(event.prev == prev)
            #expect(event.time == 5)
            prev = .leaf(entry)
        }
    }

    @Test("a lost record is made again from what the log shows")
    func lostRecord() async throws {
        let log = try FakeLog()
        _ = try await register(0..<3, log)
        try FileManager.default.removeItem(atPath: directory)
        #expect(try await register(3..<4, log) == [4])
    }

    @Test("what was signed and not answered is sent again as it is, by the next run")
    func pending() async throws {
        let log = try FakeLog()
        var client = try log.client
        client.retry.attempts = 1
        let ledger = try StreamLedger(log.streamName("main"), directory: directory)
        var signed: [SignedStatement] = []
        do {
            var writer = try await StreamWriter(client: client, key: log.issuerKey, ledger: ledger, now: { 5 })
            log.change { $0.failures = [.timedOut] }
            var observer = StreamWriter.Observer()
            observer.signed = { signed.append($1) }
            await #expect(throws: StreamError.self) { try await writer.register(items(0..<3), observer: observer) }
        }
        #expect(signed.count == 3)
        let next = try await StreamWriter(client: client, key: log.issuerKey, ledger: ledger, now: { 9 })
        #expect(next.recovered.map(\.statement) == signed)
        #expect(next.recovered.map(\.index) == [1, 2, 3])
        #expect(try ledger.read()?.pending == signed, "until it is forgotten, another run would find it again")
        try next.forgetRecovered()
        #expect(try ledger.read()?.pending == [])
        #expect(try ledger.read()?.next == StreamPlace(seq: 3, prev: signed.last?.leafHash))
    }

    @Test("what the log refuses for good gives its places back")
    func refused() async throws {
        let log = try FakeLog()
        log.change { $0.refusals = [nil, (400, "not-allowed")] }
        var writer = try await writer(log)
        var withdrawn: [Int] = []
        var registered: [Int] = []
        var observer = StreamWriter.Observer()
        observer.withdrawn = { withdrawn.append($0) }
        observer.registered = { item, _ in registered.append(item) }
        await #expect(throws: StreamError.self) { try await writer.register(items(0..<3), observer: observer) }
        #expect(registered == [0])
        #expect(withdrawn == [1, 2])
        try await writer.register(items(7..<8), observer: .init())
        let newest = try SignedStatement(decoding: try #require(log.entries.last))
        #expect(try Event(decoding: newest.payload).seq == 1)
    }

    @Test("when the same key was used from elsewhere, the events are signed again for the places that are free")
    func elsewhere() async throws {
        let log = try FakeLog()
        var writer = try await writer(log)
        _ = try await log.client.submit(try log.event(0, after: nil, 99))
        var registered: [UInt64] = []
        var observer = StreamWriter.Observer()
        observer.registered = { registered.append($1.index) }
        try await writer.register(items(0..<2), observer: observer)
        #expect(registered == [2, 3])
    }

    @Test("a log that lost what it acknowledged is not signed for")
    func logIsBehind() async throws {
        let log = try FakeLog()
        _ = try await register(0..<3, log)
        log.change { _ = $0.entries.removeLast() }
        await #expect {
            _ = try await writer(log)
        } throws: { error in
            guard case StreamError.logIsBehind(_, let remembered, let shown, _) = error else { return false }
            return remembered.seq == 3 && shown.seq == 2
        }
    }

    @Test("a stream that another process has open is busy")
    func busy() throws {
        let log = try FakeLog()
        let first = try StreamLedger(log.streamName("main"), directory: directory)
        #expect(throws: StreamLedgerError.busy(path: first.path)) {
            try StreamLedger(log.streamName("main"), directory: directory)
        }
    }

    @Test("what is remembered and what is shown decide how to go on")
    func decisions() throws {
        let log = try FakeLog()
        let name = log.streamName("main")
        let (one, two) = (try log.event(0, after: nil, 1), try log.event(0, after: nil, 2))
        let (after, other) = (StreamPlace(seq: 1, prev: one.leafHash), StreamPlace(seq: 1, prev: two.leafHash))
        let further = StreamPlace(seq: 2, prev: two.leafHash)
        let record = StreamRecord(name: name, next: after)
        var pending = StreamRecord(name: name, next: .first)
        pending.sign(one)
        #expect(StreamDecision(record: nil, shown: .first) == .goOn(.first))
        #expect(StreamDecision(record: nil, shown: after) == .goOn(after))
        #expect(StreamDecision(record: record, shown: after) == .goOn(after))
        #expect(StreamDecision(record: record, shown: further) == .goOn(further))
        #expect(StreamDecision(record: record, shown: other) == .logDiffers(remembered: after, shown: other))
        #expect(StreamDecision(record: record, shown: .first) == .logIsBehind(remembered: after, shown: .first))
        #expect(StreamDecision(record: pending, shown: .first) == .sendPending)
        #expect(StreamDecision(record: pending, shown: after) == .sendPending)
    }

    @Test("a record reads as it was written, and nothing else reads")
    func record() throws {
        let log = try FakeLog()
        let name = log.streamName("main")
        var record = StreamRecord(name: name, next: .first)
        record.sign(try log.event(0, after: nil))
        record.acknowledge()
        record.sign(try log.event(1, after: record.next.prev))
        let text = record.json
        #expect(try StreamRecord(parsing: Array(text.utf8), of: name) == record)
        #expect(throws: StreamRecord.Malformed.otherStream) {
            try StreamRecord(parsing: Array(text.utf8), of: log.streamName("other"))
        }
        for (old, new, fault) in [
            ("\"format\":1", "\"format\":2", StreamRecord.Malformed.otherFormat(2)),
            ("\"seq\":1", "\"seq\":0", .field("prev")), ("\"seq\":1", "\"seq\":2", .field("pending")),
            ("\"pending\":[\"", "\"pending\":[\"A", .field("pending")),
            ("\"pending\"", "\"pended\"", .field("pending")),
        ] {
            #expect(throws: fault, "\(new)") {
                try StreamRecord(parsing: Array(text.replacing(old, with: new).utf8), of: name)
            }
        }
    }

    @Test("the newest link is verified: another stream's statement, or one that is not there, is refused")
    func newestLink() async throws {
        let log = try FakeLog()
        _ = try await register(0..<2, log)
        let client = try log.client
        #expect(try await client.nextPlace(in: log.streamName("main")).seq == 2)
        #expect(try await client.nextPlace(in: log.streamName("empty")) == .first)
        let answers = [
            #"{"seq":7,"leafHash":"LEAF"}"#, #"{"seq":1,"leafHash":"\#(Hash.zero.hex)"}"#, #"{"seq":1}"#, "nothing",
        ]
        let leaf = Hash.leaf(try #require(log.entries.last)).hex
        for answer in answers {
            let body = Array(answer.replacing("LEAF", with: leaf).utf8)
            log.lie { request, response in
                request.path.hasPrefix("streams") ? ClientResponse(status: 200, body: body) : response
            }
            await #expect(throws: ClientError.self, "\(answer)") {
                try await client.nextPlace(in: log.streamName("main"))
            }
        }
        log.lie { $1 }
        // The log shows the statement of this stream for another one.
        log.lie { request, response in
            request.path.hasPrefix("streams")
                ? ClientResponse(status: 200, body: Array(#"{"seq":1,"leafHash":"\#(leaf)"}"#.utf8)) : response
        }
        await #expect(throws: ClientError.self) { try await client.nextPlace(in: log.streamName("empty")) }
    }

    @Test("issuers and streams are escaped in paths, but for what RFC 3986 leaves free")
    func escaping() {
        #expect(LogClient.percentEncoded("spiffe://a/b c") == "spiffe%3A%2F%2Fa%2Fb%20c")
        #expect(LogClient.percentEncoded("aZ0-._~ü%") == "aZ0-._~%C3%BC%25")
    }
}

@Suite("Event files")
struct EventFileTests {
    private func item(_ text: String) throws -> StreamWriter.Item {
        try EventFile.item(Array(text.utf8), defaults: .init())
    }

    @Test("stream and subject have defaults, a file's own count before them")
    func defaults() throws {
        let bare = try item(#"{"type":"a.b","data":1}"#)
        #expect(bare.draft.stream == "main")
        #expect(bare.subject == "main")
        let full = try item(#"{"type":"a.b","stream":"s","subject":"x","data":{"n":[1,null,true]}}"#)
        #expect(full.draft.stream == "s")
        #expect(full.subject == "x")
        let typed = try EventFile.item(
            Array(#"{"data":1}"#.utf8), defaults: .init(type: "c.d", stream: "t", subject: "y"))
        #expect(typed.draft.type == "c.d")
        #expect(typed.draft.stream == "t")
        #expect(typed.subject == "y")
    }

    @Test("what the signer fills in may not be there")
    func filledIn() {
        for field in ["seq", "prev", "time"] {
            #expect(throws: EventFile.Fault.filledIn(field)) { try item(#"{"type":"a.b","data":1,"\#(field)":0}"#) }
        }
    }

    @Test(
        "what is no event is refused",
        arguments: [
            "", "[]", "1", #"{"type":"a.b"}"#, #"{"data":1}"#, #"{"type":"a.b","data":1.5}"#,
            #"{"type":"a.b","data":1,"data":2}"#, #"{"type":"a.b","data":1,"extra":2}"#,
            #"{"type":"a.b","data":1,"subject":7}"#,
        ])
    func refused(_ text: String) {
        #expect(throws: EventFile.Fault.self) { try item(text) }
    }

    @Test("lines keep their numbers, and empty ones are left out")
    func lines() {
        let text = "{\"type\":\"a.b\",\"data\":1}\n\n  \nnot an event\r\n{\"type\":\"a.b\",\"data\":2}\r\n"
        let lines = EventFile.lines(Array(text.utf8), defaults: .init())
        #expect(lines.map(\.line) == [1, 4, 5])
        #expect(throws: EventFile.Fault.self) { try lines[1].item.get() }
        #expect(throws: Never.self) { try lines[2].item.get() }
    }
}
