import Foundation
import LogClient
import LogStore
import Monitor
import Synchronization
import Tlog
import Verification

/// A log's files in memory, served to a client; a test can make any of them wrong.
final class FakeServer: Transport {
    struct State {
        var files: [String: [UInt8]] = [:]
        var requests: [String] = []
        var isDown = false
    }

    private let state = Mutex(State())

    func show(_ log: TestLog) throws {
        let files = try log.files()
        state.withLock { $0.files = files }
    }

    func change(_ change: (inout State) -> Void) { state.withLock { change(&$0) } }

    var requests: [String] { state.withLock { $0.requests } }

    func send(_ request: ClientRequest) async throws(TransportError) -> ClientResponse {
        let (body, isDown) = state.withLock { state in
            state.requests.append(request.path)
            return (state.files[request.path] ?? Self.part(of: request.path, in: state.files), state.isDown)
        }
        if isDown { throw .unreachable("down") }
        guard let body else { return ClientResponse(status: 404) }
        return ClientResponse(status: 200, body: body)
    }

    func shutdown() async {}

    /// A narrower tile begins the wider one, and so does a bundle.
    private static func part(of path: String, in files: [String: [UInt8]]) -> [UInt8]? {
        guard let dot = path.range(of: ".p/"), let width = Int(path[dot.upperBound...]) else { return nil }
        let prefix = path[..<dot.upperBound]
        let wider = files.filter { $0.key.hasPrefix(prefix) }.compactMap { key, value in
            Int(key.dropFirst(prefix.count)).map { ($0, value) }
        }.filter { $0.0 >= width }.min { $0.0 < $1.0 }
        let full = files[String(path[..<dot.lowerBound])]
        guard let (found, content) = wider ?? full.map({ (256, $0) }) else { return nil }
        guard path.contains("/entries/") else { return Array(content.prefix(width * 32)) }
        guard let entries = try? EntryBundle(parsing: content, width: found).entries else { return nil }
        return EntryBundle.encode(entries: Array(entries.prefix(width)))
    }
}

/// A follower's place: its server, its store, its directory.
final class Place: Sendable {
    let server = FakeServer()
    let store = MemoryLogStore()
    let directory: String
    let time = Mutex<UInt64>(TestLog.start)

    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "holdfast-monitor-\(UUID())").path()
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// - Parameter lines: more of them.
    func trust(_ log: TestLog, quorum: String = "both", adding lines: [String] = []) throws -> TrustFile {
        try TrustFile(parsing: Array((log.trustText(quorum: quorum) + lines.map { $0 + "\n" }.joined()).utf8))
    }

    var now: @Sendable () -> UInt64 {
        { [self] in time.withLock { $0 } }
    }

    func client(_ trust: TrustFile) throws -> LogClient {
        guard let url = LogURL("http://log.example/") else { throw CocoaError(.featureUnsupported) }
        var client = LogClient(url: url, trust: trust, transport: server)
        client.retry.attempts = 1
        return client
    }

    func follower(
        _ log: TestLog, quorum: String = "both", adding lines: [String] = [], keepsState: Bool = false,
        damage: DamagedStore.Damage? = nil
    ) throws -> LogFollower {
        let client = try client(trust(log, quorum: quorum, adding: lines))
        var store: any LogStore = store
        if let damage { store = DamagedStore(store: store, damage: damage) }
        return try LogFollower(
            client: client, store: store, headPath: directory + "/head", keepsState: keepsState, now: now)
    }

    func watched(
        _ log: TestLog, quorum: String = "both", adding lines: [String] = [], witnesses: [WatchedWitness] = [],
        events: Events, change: (inout WatchOptions) -> Void = { _ in }
    ) throws -> WatchedLog {
        var options = WatchOptions(now: now)
        change(&options)
        return WatchedLog(
            try follower(log, quorum: quorum, adding: lines), witnesses: witnesses, options: options,
            evidence: EvidenceFiles(directory: directory + "/evidence"), report: events.add)
    }

    /// The evidence files as the offline verifier sees them.
    func evidence(_ log: TestLog) throws -> [VerificationReport] {
        let names = try FileManager.default.contentsOfDirectory(atPath: directory + "/evidence")
        return try names.map { name in
            let bytes = [UInt8](try Data(contentsOf: URL(filePath: directory + "/evidence/" + name)))
            return Verifier(trust: try trust(log)).fork(bytes)
        }
    }
}

/// What was reported.
final class Events: Sendable {
    private let all = Mutex<[MonitorEvent]>([])

    @Sendable func add(_ event: MonitorEvent) { all.withLock { $0.append(event) } }

    /// The names of what was reported since the last call.
    func take() -> [MonitorEvent.Name] { takeAll().map(\.name) }

    func takeAll() -> [MonitorEvent] {
        all.withLock { all in
            defer { all = [] }
            return all
        }
    }
}

/// A witness that shows what a test says.
final class FakeWitness: Sendable {
    private let shown = Mutex<Result<SignedCheckpoint?, TransportError>>(.success(nil))

    func show(_ checkpoint: SignedCheckpoint?) { shown.withLock { $0 = .success(checkpoint) } }

    func end() { shown.withLock { $0 = .failure(.timedOut) } }

    func watched(_ name: String) -> WatchedWitness {
        WatchedWitness(name: name) { [self] _ in try shown.withLock { $0 }.get() }
    }
}
