import COSE
import Governance
import HTTPTypes
import HummingbirdTesting
import LogEngine
import NIOCore
import Testing
import Tlog

@testable import HTTPServing
@testable import LogServer

@Suite("Health and options")
struct HealthTests {
    @Test(
        "A running log is alive and ready; one that was shut down is alive only, and can still be read or says why not")
    func health() async throws {
        let log = try TestLog()
        try await log.ask { [log = log.log] client in
            #expect(try await client.execute(uri: "/healthz", method: .get).status == .ok)
            #expect(try await client.execute(uri: "/readyz", method: .get).status == .ok)
            await log.shutdown()
            #expect(try await client.execute(uri: "/healthz", method: .get).status == .ok)
            let ready = try await client.execute(uri: "/readyz", method: .get)
            #expect(ready.status == .serviceUnavailable)
            #expect(ready.problem?.detail.contains("shut down") == true)
            #expect(try await client.execute(uri: "/checkpoint", method: .get).status == .ok)
            let entry = try await client.execute(uri: "/entries/0", method: .get)
            #expect(entry.problem?.code == "stopped")
        }
    }

    @Test("Without a quorum of its witnesses a log is not ready, and its metrics say so")
    func noQuorum() async throws {
        let witnessed = try TestLog()
        let cosigned = witnessed.clock.now()
        var log = try await witnessed.losingItsQuorum()
        log.options.submissionTimeout = .seconds(8)
        let statement = try log.evidence("x").entryBytes
        try await log.ask { client in
            #expect(try await client.execute(uri: "/readyz", method: .get).status == .ok)
            let answer = try await client.execute(
                uri: "/entries", method: .post, headers: [.contentType: "application/cose"],
                body: ByteBuffer(bytes: statement))
            #expect(answer.status == .serviceUnavailable)
            #expect(answer.problem?.code == "no-quorum")
            #expect(answer.headers[.retryAfter] == "5")
            let ready = try await client.execute(uri: "/readyz", method: .get)
            #expect(ready.status == .serviceUnavailable)
            #expect(ready.problem?.detail.contains("too few witnesses") == true)
            let metrics = String(buffer: try await client.execute(uri: "/metrics", method: .get).body)
            for line in [
                #"holdfast_cosigning_rounds_total{result="quorum"} 1"#, "holdfast_quorum 0",
                #"holdfast_witness_requests_total{witness="w",result="cosigned"} 1"#,
                #"holdfast_witness_quarantined{witness="w"} 0"#,
                #"holdfast_witness_cosigned_timestamp_seconds{witness="w"} \#(cosigned / 1000)"#,
                "holdfast_published_without_quorum_total 0",
            ] {
                #expect(metrics.contains("\n\(line)\n"), "\(line)")
            }
        }
    }

    @Test("A log whose clock is too far behind its newest seal is not ready, and is when the clock is right again")
    func clockBehind() async throws {
        let log = try TestLog()
        let (now, skew) = (log.clock.now(), log.policy.limits.maxSkew)
        for (time, status) in [(now - skew, 200), (now - skew - 1, 503), (0, 503), (now, 200)] as [(UInt64, Int)] {
            log.clock.set(time)
            let ready = try await log.get("/readyz")
            #expect(ready.status.code == status, "\(time)")
            if status == 503 { #expect(ready.problem?.detail.contains("clock-behind") == true) }
            #expect(try await log.get("/healthz").status == .ok)
        }
    }

    @Test("The front page says which log this is")
    func home() async throws {
        let log = try TestLog()
        let response = try await log.get("/")
        #expect(response.status == .ok)
        #expect(response.mediaType == "text/plain; charset=utf-8")
        for part in ["log.example/test", "size      2", log.genesis.leafHash.hex, "log.example/test+", "/entries"] {
            #expect(response.text.contains(part), "\(part)")
        }
    }

    @Test("Probes are answered however many requests came; other reads are not")
    func probes() async throws {
        var log = try TestLog()
        log.options.readRate = RequestRate(perSecond: 0.01, burst: 2)
        try await log.ask { client in
            for path in ["/checkpoint", "/nowhere"] { _ = try await client.execute(uri: path, method: .get) }
            let refused = try await client.execute(uri: "/metrics", method: .get)
            #expect(refused.status == .tooManyRequests)
            #expect(refused.problem?.code == "rate-limited")
            #expect(refused.headers[.retryAfter] != nil)
            for _ in 0..<10 {
                #expect(try await client.execute(uri: "/healthz", method: .get).status == .ok)
                #expect(try await client.execute(uri: "/readyz", method: .get).status == .ok)
            }
        }
    }

    @Test("Plain HTTP is refused on addresses that others can reach, unless it is allowed")
    func plainHTTP() throws {
        let log = try TestLog()
        func start(_ host: String, allow: Bool = false) throws {
            var options = ServerOptions()
            options.host = host
            options.allowPlainHTTP = allow
            _ = try LogServer(log: log.log, options: options, logger: TestLog.logger)
        }
        for host in ["127.0.0.1", "127.1.2.3", "::1", "localhost"] { try start(host) }
        for host in ["0.0.0.0", "::", "192.0.2.1", "log.example", "127.0.0.1.example"] {
            #expect(throws: ServerError.plainHTTP(host: host)) { try start(host) }
            try start(host, allow: true)
        }
        #expect(ServerError.plainHTTP(host: "0.0.0.0").description.contains("plain HTTP"))
    }

    @Test("Options that make no sense are named")
    func options() throws {
        let log = try TestLog()
        func error(_ change: (inout ServerOptions) -> Void) -> String? {
            var options = ServerOptions()
            change(&options)
            do {
                _ = try LogServer(log: log.log, options: options, logger: TestLog.logger)
                return nil
            } catch {
                return error.description
            }
        }
        #expect(error { _ in } == nil)
        #expect(error { $0.port = 70_000 }?.contains("port") == true)
        #expect(error { $0.baseURL = "log.example" }?.contains("baseURL") == true)
        #expect(error { $0.baseURL = "https://log.example/" }?.contains("baseURL") == true)
        #expect(error { $0.maxSequenceCount = 0 }?.contains("maxSequenceCount") == true)
        #expect(error { $0.readRate.perSecond = 0 }?.contains("readRate") == true)
        #expect(
            error { $0.submissionRate = RequestRate(perSecond: .nan, burst: 1) }?.contains("submissionRate") == true)
        #expect(
            error { $0.tls = TLSFiles(certificateChain: "/nowhere.pem", privateKey: "/x") }?.contains("/nowhere.pem")
                == true)
    }
}
