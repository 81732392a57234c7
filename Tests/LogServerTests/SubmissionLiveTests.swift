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

/// `POST /entries` as it goes over a connection, byte by byte.
@Suite("Submissions on a socket", .serialized, .timeLimit(.minutes(2)))
struct SubmissionLiveTests {
    private static func post(
        _ body: [UInt8], _ fields: String = "", type: String = "application/cose", version: String = "1.1"
    ) -> [UInt8] {
        Array(
            ("POST /entries HTTP/\(version)\r\nHost: x\r\nContent-Type: \(type)\r\n\(fields)"
                + "Content-Length: \(body.count)\r\n\r\n").utf8) + body
    }

    private static let get = Array("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".utf8)

    /// The status lines and what else of the answers is named, in their order.
    private static func seen(_ answers: String, _ marks: [String]) -> [String] {
        var found: [(String.Index, String)] = []
        for mark in marks {
            var rest = answers.startIndex..<answers.endIndex
            while let range = answers.range(of: mark, range: rest) {
                found.append((range.lowerBound, mark))
                rest = range.upperBound..<answers.endIndex
            }
        }
        return found.sorted { $0.0 < $1.0 }.map(\.1)
    }

    @Test("Requests sent one behind the other are answered in their order, whoever answers them")
    func pipelining() async throws {
        let log = try TestLog()
        let statements = try (0..<3).map { try log.evidence("piped \($0)") }
        let hashes = statements.map(\.leafHash.hex)
        let bodies = statements.map(\.entryBytes)
        let answers = try await LiveServer.run(log) { server in
            try await server.connect { connection in
                try await connection.send(
                    Self.post(bodies[0]) + Self.get + Self.post(bodies[1]) + Self.post([0xff])
                        + Self.post(bodies[2], "Connection: close\r\n"))
                return await connection.rest()
            }
        }
        let order = Self.seen(answers, hashes + ["alive\n", "HTTP/1.1 400 "])
        #expect(order == [hashes[0], "alive\n", hashes[1], "HTTP/1.1 400 ", hashes[2]])
    }

    @Test("A second request waits while the first is being written, and is not even read")
    func oneAtATime() async throws {
        let log = try TestLog()
        let (first, second) = (try log.evidence("first"), try log.evidence("second"))
        log.store.holdCommits(true)
        try await LiveServer.run(log) { server in
            try await server.connect { connection in
                try await connection.send(Self.post(first.entryBytes) + Self.post(second.entryBytes))
                while log.log.metrics.inFlight == 0 { try await Task.sleep(for: .milliseconds(5)) }
                try await Task.sleep(for: .milliseconds(100))
                #expect(log.log.metrics.inFlight == 1)
                log.store.holdCommits(false)
                #expect(await connection.wait(for: first.leafHash.hex))
                #expect(await connection.wait(for: second.leafHash.hex))
            }
        }
    }

    @Test("Who asks for the connection's end gets it with the answer; so does HTTP/1.0")
    func close() async throws {
        let log = try TestLog()
        try await LiveServer.run(log) { server in
            for (number, request) in [("Connection: close\r\n", "1.1"), ("", "1.0")].enumerated() {
                let statement = try log.evidence("close \(number)")
                let answer = try await server.connect { connection in
                    try await connection.send(
                        Self.post(statement.entryBytes, request.0, version: request.1))
                    return await connection.rest()
                }
                #expect(answer.hasPrefix("HTTP/1.1 201 "))
                #expect(answer.contains(statement.leafHash.hex))
                #expect(answer.contains("\r\nConnection: close\r\n"))
            }
        }
    }

    @Test("Who closes its side behind the request is answered all the same")
    func halfClosed() async throws {
        let log = try TestLog()
        let statement = try log.evidence("half")
        log.store.holdCommits(true)
        let answer = try await LiveServer.run(log) { server in
            try await server.connect { connection in
                try await connection.send(Self.post(statement.entryBytes))
                connection.outbound.finish()
                while log.log.metrics.inFlight == 0 { try await Task.sleep(for: .milliseconds(5)) }
                try await Task.sleep(for: .milliseconds(100))
                log.store.holdCommits(false)
                return await connection.rest()
            }
        }
        #expect(answer.hasPrefix("HTTP/1.1 201 "))
        #expect(answer.contains(statement.leafHash.hex))
    }

    @Test("Who closes its side behind several requests is answered all of them, whoever answers them")
    func halfClosedBehindSeveral() async throws {
        let log = try TestLog()
        let (first, second) = (try log.evidence("one of two"), try log.evidence("two of two"))
        log.store.holdCommits(true)
        let answers = try await LiveServer.run(log) { server in
            try await server.connect { connection in
                try await connection.send(
                    Self.get + Self.post(first.entryBytes) + Self.get + Self.post(second.entryBytes) + Self.get)
                connection.outbound.finish()
                while log.log.metrics.inFlight == 0 { try await Task.sleep(for: .milliseconds(5)) }
                try await Task.sleep(for: .milliseconds(100))
                log.store.holdCommits(false)
                return await connection.rest()
            }
        }
        let order = Self.seen(answers, [first.leafHash.hex, second.leafHash.hex, "alive\n"])
        #expect(order == ["alive\n", first.leafHash.hex, "alive\n", second.leafHash.hex, "alive\n"])
    }

    @Test("What is no HTTP behind a request does not keep back its answer")
    func brokenBehind() async throws {
        let log = try TestLog()
        let (first, second) = (try log.evidence("sound"), try log.evidence("sound too"))
        log.store.holdCommits(true)
        let answers = try await LiveServer.run(log) { server in
            try await server.connect { connection in
                try await connection.send(
                    Self.post(first.entryBytes) + Self.post(second.entryBytes) + Array("no request\r\n\r\n".utf8))
                while log.log.metrics.inFlight == 0 { try await Task.sleep(for: .milliseconds(5)) }
                try await Task.sleep(for: .milliseconds(100))
                log.store.holdCommits(false)
                return await connection.rest()
            }
        }
        #expect(Self.seen(answers, [first.leafHash.hex, second.leafHash.hex]) == [first, second].map(\.leafHash.hex))
    }

    @Test("A body may come in chunks, and in pieces")
    func chunks() async throws {
        let log = try TestLog()
        let statement = try log.evidence("chunks")
        let body = statement.entryBytes
        try await LiveServer.run(log) { server in
            try await server.connect { connection in
                try await connection.send(
                    "POST /entries HTTP/1.1\r\nHost: x\r\nContent-Type: application/cose\r\n"
                        + "Transfer-Encoding: chunked\r\n\r\n")
                for piece in [body[..<10], body[10..<11], body[11...]] {
                    try await connection.send("\(String(piece.count, radix: 16))\r\n")
                    try await connection.send(Array(piece))
                    try await connection.send("\r\n")
                    try await Task.sleep(for: .milliseconds(20))
                }
                try await connection.send("0\r\n\r\n")
                #expect(await connection.wait(for: statement.leafHash.hex))
                #expect(connection.received.hasPrefix("HTTP/1.1 201 "))
                // The connection goes on.
                try await connection.send(Self.get)
                #expect(await connection.wait(for: "alive\n"))
            }
        }
    }

    @Test("A client that expects 100-continue is told to go on, unless its body is not wanted")
    func expectation() async throws {
        let log = try TestLog()
        let statement = try log.evidence("expected")
        let request = Self.post(statement.entryBytes, "Expect: 100-continue\r\n")
        let head = request.dropLast(statement.entryBytes.count)
        try await LiveServer.run(log) { server in
            try await server.connect { connection in
                try await connection.send(Array(head))
                #expect(await connection.wait(for: "HTTP/1.1 100 Continue\r\n\r\n"))
                try await connection.send(statement.entryBytes)
                #expect(await connection.wait(for: statement.leafHash.hex))
                #expect(connection.received.hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 "))
            }
            let refused = try await server.connect { connection in
                try await connection.send(
                    "POST /entries HTTP/1.1\r\nHost: x\r\nContent-Type: application/cose\r\nExpect: 100-continue\r\n"
                        + "Content-Length: 99999999\r\n\r\n")
                return await connection.rest()
            }
            #expect(refused.hasPrefix("HTTP/1.1 413 "))
        }
    }

    @Test("A short body that is not wanted is read, and the connection goes on; one in chunks ends it")
    func unwanted() async throws {
        let log = try TestLog()
        try await LiveServer.run(log) { server in
            try await server.connect { connection in
                try await connection.send(
                    Self.post(Array(repeating: 0x78, count: 9000), type: "text/plain") + Self.get)
                #expect(await connection.wait(for: "alive\n"))
                #expect(connection.received.hasPrefix("HTTP/1.1 415 "))
                #expect(!connection.received.contains("Connection: close"))
            }
            let answer = try await server.connect { connection in
                try await connection.send(
                    "POST /entries HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
                        + "Transfer-Encoding: chunked\r\n\r\n")
                return await connection.rest()
            }
            #expect(answer.hasPrefix("HTTP/1.1 415 "))
            #expect(answer.contains("\r\nConnection: close\r\n"))
        }
    }

    @Test("A body that is not wanted may not come for ever")
    func drip() async throws {
        var log = try TestLog()
        log.options.bodyTimeout = .milliseconds(500)
        try await LiveServer.run(log) { server in
            try await server.connect { connection in
                try await connection.send(
                    "POST /entries HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 9000\r\n\r\n")
                #expect(await connection.wait(for: "HTTP/1.1 415 "))
                let start = ContinuousClock.now
                while (try? await connection.send("x")) != nil, ContinuousClock.now - start < .seconds(20) {
                    try await Task.sleep(for: .milliseconds(50))
                }
                #expect(ContinuousClock.now - start < .seconds(15))
            }
        }
    }

    @Test("What is no HTTP in the middle of a body is answered with 400, and gives back what the request had taken")
    func broken() async throws {
        let log = try TestLog()
        try await LiveServer.run(log) { server in
            let answer = try await server.connect { connection in
                try await connection.send(
                    "POST /entries HTTP/1.1\r\nHost: x\r\nContent-Type: application/cose\r\n"
                        + "Transfer-Encoding: chunked\r\n\r\n5\r\nxxxxx\r\nno chunk\r\n")
                return await connection.rest()
            }
            #expect(answer.hasPrefix("HTTP/1.1 400 "))
            // One that goes away in the middle of its body.
            try await server.connect { connection in
                try await connection.send(Array(Self.post(Array(repeating: 1, count: 500)).dropLast(100)))
            }
            try await server.connect { connection in
                let taken = "holdfast_http_body_bytes_in_flight 0\n"
                for _ in 0..<200 where !connection.received.contains(taken) {
                    try await connection.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
                    #expect(await connection.wait(for: "holdfast_http_body_bytes_in_flight "))
                    try await Task.sleep(for: .milliseconds(10))
                }
                #expect(connection.received.contains(taken))
                // The one that asks.
                #expect(connection.received.contains("holdfast_http_requests_in_flight 1\n"))
            }
        }
    }

    @Test("The other methods of the resource are answered as before")
    func methods() async throws {
        try await LiveServer.run(try TestLog()) { server in
            for (method, status) in [("GET", "405"), ("HEAD", "405"), ("PUT", "405"), ("OPTIONS", "204")] {
                let answer = try await server.connect { connection in
                    try await connection.send(
                        "\(method) /entries HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    return await connection.rest()
                }
                #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(method)")
                #expect(answer.contains("POST, OPTIONS"), "\(method)")
            }
        }
    }

    @Test("Hosts are counted here too; a target in absolute form, or with a query, is the same resource")
    func targets() async throws {
        let log = try TestLog()
        let body = try log.evidence("target").entryBytes
        try await LiveServer.run(log) { server in
            for (target, fields, status) in [
                ("/entries", "", "400"), ("/entries", "Host: x\r\nHost: x\r\n", "400"),
                ("http://x/entries", "Host: x\r\n", "201"), ("/entries?a=b", "Host: x\r\n", "200"),
                ("/entries/", "Host: x\r\n", "404"), ("//entries", "Host: x\r\n", "404"),
            ] {
                let answer = try await server.connect { connection in
                    try await connection.send(
                        Array(
                            ("POST \(target) HTTP/1.1\r\n\(fields)Connection: close\r\n"
                                + "Content-Type: application/cose\r\nContent-Length: \(body.count)\r\n\r\n").utf8)
                            + body)
                    return await connection.rest()
                }
                #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(target)")
            }
        }
    }

    @Test("A graceful shutdown answers a sequence too, lets an idle connection go, and takes no second request")
    func shutdown() async throws {
        let log = try TestLog()
        let body = try (0..<40).flatMap { try log.evidence("late \($0)").entryBytes }
        let late = try log.evidence("too late")
        log.store.holdCommits(true)
        let answer = try await LiveServer.run(log) { server in
            try await server.connect { idle in
                try await idle.send(Self.get)
                #expect(await idle.wait(for: "alive\n"))
                return try await server.connect { connection in
                    try await connection.send(Self.post(body, type: "application/cbor-seq"))
                    while log.log.metrics.inFlight == 0 { try await Task.sleep(for: .milliseconds(5)) }
                    await server.shutdown()
                    _ = await idle.rest()
                    try await connection.send(Self.post(late.entryBytes))
                    try await Task.sleep(for: .milliseconds(100))
                    log.store.holdCommits(false)
                    return await connection.rest()
                }
            }
        }
        #expect(answer.hasPrefix("HTTP/1.1 200 "))
        #expect(!answer.contains(late.leafHash.hex))
        #expect(log.log.metrics.accepted == 40)
        await log.log.shutdown()
    }

    @Test("Statements are registered over TLS, many on one connection")
    func tls() async throws {
        var log = try TestLog()
        let files = try TestCertificate()
        defer { files.remove() }
        log.options.tls = TLSFiles(certificateChain: files.certificate, privateKey: files.key)
        log.options.host = "localhost"
        let statements = try (0..<5).map { try log.evidence("tls \($0)") }
        try await LiveServer.run(log) { server in
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.certificateVerification = .none
            try await TestClient.withClient(
                host: server.address.host, port: server.address.port,
                configuration: .init(tlsConfiguration: tls, serverName: "localhost")
            ) { client in
                for statement in statements {
                    let response = try await client.post(
                        "/entries", headers: [.host: "x", .contentType: "application/cose"],
                        body: ByteBuffer(bytes: statement.entryBytes))
                    #expect(response.status == .created)
                    #expect(response.headers[.location] == "/entries/\(statement.leafHash.hex)")
                }
            }
        }
    }

    @Test("Who waits for an answer for longer than it may be silent is not cut off; who is silent afterwards is")
    func silence() async throws {
        var log = try TestLog()
        log.options.idleTimeout = .milliseconds(300)
        let statement = try log.evidence("patient")
        log.store.holdCommits(true)
        try await LiveServer.run(log) { [log] server in
            try await server.connect { connection in
                try await connection.send(Self.post(statement.entryBytes))
                while log.log.metrics.inFlight == 0 { try await Task.sleep(for: .milliseconds(5)) }
                try await Task.sleep(for: .milliseconds(900))
                log.store.holdCommits(false)
                #expect(await connection.wait(for: statement.leafHash.hex))
                // Returns when the server has closed.
                _ = await connection.rest()
            }
        }
    }

    @Test(
        "Dates are written as RFC 9110 does",
        arguments: [
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"), (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        ] as [(Int64, String)])
    func date(seconds: Int64, text: String) {
        #expect(DateField.text(seconds) == text)
    }
}
