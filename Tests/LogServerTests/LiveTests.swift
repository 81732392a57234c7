import COSE
import Foundation
import HTTPTypes
import HummingbirdTesting
import LogEngine
import NIOCore
import NIOSSL
import Testing
import Tlog

@testable import HTTPServing
@testable import LogServer

/// What only a socket shows. One at a time: the tests measure times.
@Suite("A server on a socket", .serialized, .timeLimit(.minutes(2)))
struct LiveTests {
    /// How a submission begins.
    private static let head = "POST /entries HTTP/1.1\r\nHost: x\r\nContent-Type: application/cose\r\n"

    @Test("The port that the system chose is told, and the server answers on it, request after request")
    func keepAlive() async throws {
        let log = try TestLog()
        try await LiveServer.run(log) { server in
            #expect(server.address.port > 0)
            #expect(server.address.url == "http://127.0.0.1:\(server.address.port)")
            try await server.connect { connection in
                for _ in 0..<3 { try await connection.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") }
                while connection.received.components(separatedBy: "alive\n").count < 4 {
                    #expect(await connection.next() != nil)
                }
                #expect(connection.received.contains("\r\nDate: ") || connection.received.contains("\r\ndate: "))
            }
        }
    }

    @Test("A statement is registered over a socket")
    func register() async throws {
        let log = try TestLog()
        let statement = try log.evidence("live")
        try await LiveServer.run(log) { server in
            try await TestClient.withClient(host: "127.0.0.1", port: server.address.port) { client in
                let response = try await client.post(
                    "/entries", headers: [.host: "x", .contentType: "application/cose"],
                    body: ByteBuffer(bytes: statement.entryBytes))
                #expect(response.status == .created)
                #expect(try await client.get("/entries/\(statement.leafHash.hex)", headers: [.host: "x"]).status == .ok)
                #expect(try await client.head("/checkpoint", headers: [.host: "x"]).status == .ok)
            }
        }
    }

    @Test("A body that nobody wants may not come for ever either; one that comes at once does no harm")
    func unwantedDrip() async throws {
        var log = try TestLog()
        log.options.bodyTimeout = .seconds(1)
        try await LiveServer.run(log) { server in
            try await server.connect { connection in
                let get = "GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n"
                try await connection.send(get + String(repeating: "x", count: 9000) + get)
                while connection.received.components(separatedBy: "alive\n").count < 3 {
                    try #require(await connection.next() != nil)
                }
                let start = ContinuousClock.now
                while (try? await connection.send("x")) != nil, ContinuousClock.now - start < .seconds(8) {
                    try await Task.sleep(for: .milliseconds(50))
                }
                #expect(ContinuousClock.now - start < .seconds(6))
            }
        }
    }

    @Test("A body announced as too large is refused without being read")
    func announced() async throws {
        let log = try TestLog()
        try await LiveServer.run(log) { server in
            let answer = try await server.connect { connection in
                try await connection.send(
                    Self.head + "Content-Length: 99999999\r\n\r\n"
                )
                return await connection.rest()
            }
            #expect(answer.hasPrefix("HTTP/1.1 413 "))
            #expect(answer.lowercased().contains("connection: close"))
            #expect(answer.contains("hash envelope"))
        }
    }

    @Test("A chunked body without end is refused at the limit, and the connection ends")
    func chunked() async throws {
        var log = try TestLog()
        log.options.maxStatementBytes = 10_000
        try await LiveServer.run(log) { server in
            try await server.connect { connection in
                try await connection.send(
                    Self.head + "Transfer-Encoding: chunked\r\n\r\n"
                )
                let chunk = "1000\r\n" + String(repeating: "x", count: 4096) + "\r\n"
                for _ in 0..<4 { try await connection.send(chunk) }
                #expect(await connection.wait(for: "HTTP/1.1 413 "))
                let start = ContinuousClock.now
                // Whoever goes on sending is cut off.
                while (try? await connection.send(chunk)) != nil, ContinuousClock.now - start < .seconds(20) {
                    try await Task.sleep(for: .milliseconds(20))
                }
                #expect(ContinuousClock.now - start < .seconds(10))
            }
        }
    }

    @Test("A body that nobody asked for ends the connection instead of being read")
    func unwanted() async throws {
        let log = try TestLog()
        try await LiveServer.run(log) { server in
            let answer = try await server.connect { connection in
                try await connection.send("GET /checkpoint HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
                return await connection.rest()
            }
            #expect(answer.hasPrefix("HTTP/1.1 200 "))
            #expect(answer.lowercased().contains("connection: close"))
        }
    }

    @Test("A request without a Host field, or with two, is refused; its connection ends")
    func host() async throws {
        try await LiveServer.run(try TestLog()) { server in
            for fields in ["", "Host: x\r\nHost: x\r\n", "Host: x\r\nHost: y\r\n"] {
                let answer = try await server.connect { connection in
                    try await connection.send("GET /healthz HTTP/1.1\r\n\(fields)\r\n")
                    return await connection.rest()
                }
                #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(fields)")
                #expect(answer.contains("Host"))
            }
            let answer = try await server.connect { connection in
                try await connection.send("GET http://x/healthz HTTP/1.1\r\nConnection: close\r\nHost: x\r\n\r\n")
                return await connection.rest()
            }
            #expect(answer.hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test("Headers past the limits are refused")
    func headers() async throws {
        var log = try TestLog()
        log.options.maxHeaderBytes = 2000
        log.options.maxHeaderCount = 20
        try await LiveServer.run(log) { server in
            for field in [
                "A: \(String(repeating: "x", count: 3000))\r\n",
                (0..<40).map { "A\($0): x\r\n" }.joined(),
            ] {
                let answer = try await server.connect { connection in
                    try await connection.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\(field)\r\n")
                    return await connection.rest()
                }
                #expect(answer.hasPrefix("HTTP/1.1 400 "))
            }
        }
    }

    @Test("Who says nothing, or not all of a request, is cut off")
    func silence() async throws {
        var log = try TestLog()
        log.options.idleTimeout = .milliseconds(400)
        log.options.bodyTimeout = .milliseconds(600)
        let head = Self.head + "Content-Length: 5000\r\n\r\n"
        try await LiveServer.run(log) { server in
            for opening in ["", "GET /health", "GET /healthz HTTP/1.1\r\nHost: x\r\n", head] {
                let start = ContinuousClock.now
                _ = try await server.connect { connection in
                    if !opening.isEmpty { try await connection.send(opening) }
                    return await connection.rest()
                }
                #expect(ContinuousClock.now - start < .seconds(8), "\(opening)")
            }
            // A drip keeps the connection busy, but not for longer than a body may take.
            let answer = try await server.connect { connection in
                try await connection.send(head)
                for _ in 0..<20 where (try? await connection.send("x")) != nil {
                    try await Task.sleep(for: .milliseconds(100))
                }
                return await connection.rest()
            }
            #expect(answer.hasPrefix("HTTP/1.1 408 "))
        }
    }

    @Test("Who does not read its answers is cut off")
    func unread() async throws {
        var log = try TestLog()
        log.options.writeTimeout = .milliseconds(500)
        try await log.fill(300)
        let connections = try await LiveServer.run(log) { server in
            try await server.connect { connection in
                let request = "GET /tile/entries/000 HTTP/1.1\r\nHost: x\r\n\r\n"
                let start = ContinuousClock.now
                while (try? await connection.send(String(repeating: request, count: 20))) != nil,
                    ContinuousClock.now - start < .seconds(20)
                {
                    try await Task.sleep(for: .milliseconds(50))
                }
                return ContinuousClock.now - start
            }
        }
        #expect(connections < .seconds(15))
    }

    @Test("A client has only so many connections")
    func connectionsPerClient() async throws {
        var log = try TestLog()
        log.options.maxConnectionsPerClient = 2
        try await LiveServer.run(log) { server in
            try await server.connect { first in
                try await first.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(await first.wait(for: "alive"))
                try await server.connect { second in
                    try await second.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                    #expect(await second.wait(for: "alive"))
                    let third = try? await server.connect { third in
                        try? await third.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                        return await third.rest()
                    }
                    #expect(third?.contains("alive") != true)
                }
            }
        }
    }

    @Test("A graceful shutdown answers what was submitted, then ends")
    func shutdown() async throws {
        let log = try TestLog()
        let statement = try log.evidence("late")
        log.store.holdCommits(true)
        let body = statement.entryBytes
        let answer = try await LiveServer.run(log) { server in
            try await server.connect { connection in
                try await connection.send(
                    "POST /entries HTTP/1.1\r\nHost: x\r\nContent-Type: application/cose\r\n"
                        + "Content-Length: \(body.count)\r\n\r\n")
                try await connection.send(body)
                while log.log.metrics.inFlight == 0 { try await Task.sleep(for: .milliseconds(5)) }
                await server.shutdown()
                try await Task.sleep(for: .milliseconds(300))
                let refused = try? await server.connect { other in
                    try? await other.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                    return await other.rest()
                }
                #expect(refused?.contains("alive") != true)
                log.store.holdCommits(false)
                return await connection.rest()
            }
        }
        #expect(answer.hasPrefix("HTTP/1.1 201 "))
        #expect(answer.contains(statement.leafHash.hex))
        await log.log.shutdown()
    }

    // MARK: TLS

    @Test("With a certificate the server speaks TLS")
    func tls() async throws {
        var log = try TestLog()
        let files = try TestCertificate()
        defer { files.remove() }
        log.options.tls = TLSFiles(certificateChain: files.certificate, privateKey: files.key)
        log.options.host = "localhost"
        try await LiveServer.run(log) { server in
            #expect(server.address.isTLS)
            #expect(server.address.url.hasPrefix("https://"))
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.certificateVerification = .none
            try await TestClient.withClient(
                host: server.address.host, port: server.address.port,
                configuration: .init(tlsConfiguration: tls, serverName: "localhost")
            ) { client in
                let response = try await client.get("/healthz", headers: [.host: "x"])
                #expect(response.status == .ok)
            }
        }
    }

    @Test("A key that is not the certificate's is refused at the start, by name")
    func wrongKey() throws {
        let log = try TestLog()
        let files = try TestCertificate()
        defer { files.remove() }
        for (chain, key, named) in [
            (files.certificate, "/nowhere.pem", "/nowhere.pem"), (files.key, files.key, files.key),
            (files.certificate, files.certificate, files.certificate),
        ] {
            var options = ServerOptions()
            options.tls = TLSFiles(certificateChain: chain, privateKey: key)
            let error = #expect(throws: ServerError.self) {
                _ = try LogServer(log: log.log, options: options, logger: TestLog.logger)
            }
            #expect(error?.description.contains(named) == true)
        }
    }
}
