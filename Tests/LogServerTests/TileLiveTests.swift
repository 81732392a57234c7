import COSE
import Foundation
import LogEngine
import NIOCore
import Testing
import Tlog

@testable import HTTPServing
@testable import LogServer

/// `GET /tile/…` as it goes over a connection: tiles of hashes are served beside the other reads, and not otherwise.
@Suite("Tiles on a socket", .serialized, .timeLimit(.minutes(2)))
struct TileLiveTests {
    private static func get(_ path: String, _ fields: String = "Host: x\r\n") -> String {
        "GET \(path) HTTP/1.1\r\n\(fields)\r\n"
    }

    /// An answer without its date, which is the second's, and without the word on the connection, which Hummingbird does not
    /// say when it closes it; the fields in no order.
    private struct Answer: Hashable {
        let status: Substring
        let fields: Set<Substring>
        let body: Substring

        init?(_ text: String) {
            guard let end = text.range(of: "\r\n\r\n") else { return nil }
            let lines = text[..<end.lowerBound].split(separator: "\r\n")
            status = lines[0]
            fields = Set(
                lines.dropFirst().filter { line in
                    !["date:", "connection:"].contains { line.lowercased().hasPrefix($0) }
                })
            body = text[end.upperBound...]
        }
    }

    private static func answer(_ request: String, _ server: LiveServer) async throws -> Answer? {
        try await server.connect { connection in
            try await connection.send(request)
            return Answer(await connection.rest())
        }
    }

    @Test("A tile is answered as by the way of the other reads, refusals too, field for field")
    func alike() async throws {
        let log = try TestLog()
        try await log.fill(300)
        try await LiveServer.run(log) { server in
            for path in ["/tile/0/000", "/tile/0/001.p/7", "/tile/1/000.p/1", "/tile/0/002", "/tile/63/000"] {
                for fields in [
                    "Host: x\r\n", "", "Host: x\r\nHost: y\r\n", "Host: x\r\nAccept: application/problem+json\r\n",
                    "Host: x\r\nX-Forwarded-For: 10.0.0.1\r\n",
                ] {
                    let fields = fields + "Connection: close\r\n"
                    // A conditional request is served by Hummingbird, and this condition never holds.
                    let direct = try await Self.answer(Self.get(path, fields), server)
                    let other = try await Self.answer(
                        Self.get(path, fields + "If-None-Match: \"none\"\r\n"), server)
                    #expect(direct?.status == other?.status, "\(path) \(fields)")
                    #expect(direct?.fields == other?.fields, "\(path) \(fields)")
                    #expect(direct?.body == other?.body, "\(path) \(fields)")
                }
            }
            let whole = try await Self.answer(Self.get("/tile/0/000", "Host: x\r\nConnection: close\r\n"), server)
            #expect(whole?.status == "HTTP/1.1 200 OK" && whole?.fields.contains("Content-Length: 8192") == true)
        }
    }

    @Test("What is asked of a tile beside its bytes goes the way of the other reads")
    func others() async throws {
        let log = try TestLog()
        try await log.fill(3)
        try await LiveServer.run(log) { server in
            let known = try await Self.answer(
                Self.get("/tile/0/000.p/6", "Host: x\r\nConnection: close\r\nIf-None-Match: *\r\n"), server)
            #expect(known?.status == "HTTP/1.1 304 Not Modified")
            for (request, status) in [
                ("HEAD /tile/0/000.p/6", "200 OK"), ("POST /tile/0/000.p/6", "405 Method Not Allowed"),
                ("OPTIONS /tile/0/000.p/6", "204 No Content"), ("GET /tile/0/000.p/6?a=b", "200 OK"),
                ("GET /tile/entries/000.p/6", "200 OK"), ("GET /tile/0/0", "404 Not Found"),
                ("GET /tile//0/000", "404 Not Found"),
            ] {
                let answer = try await Self.answer(
                    "\(request) HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", server)
                #expect(answer?.status == "HTTP/1.1 \(status)", "\(request)")
            }
            let old = try await Self.answer(
                "GET /tile/0/000.p/6 HTTP/1.0\r\nHost: x\r\nConnection: close\r\n\r\n", server)
            #expect(old?.status == "HTTP/1.1 200 OK")
        }
    }

    @Test("Requests sent one behind the other are answered in their order, whoever answers them")
    func pipelining() async throws {
        let log = try TestLog()
        try await log.fill(3)
        let statement = try log.evidence("between tiles")
        let answers = try await LiveServer.run(log) { server in
            try await server.connect { connection in
                let post =
                    Array(
                        ("POST /entries HTTP/1.1\r\nHost: x\r\nContent-Type: application/cose\r\n"
                            + "Content-Length: \(statement.entryBytes.count)\r\n\r\n").utf8) + statement.entryBytes
                try await connection.send(Array(Self.get("/tile/0/000.p/1").utf8) + post)
                try await connection.send(
                    Self.get("/healthz") + Self.get("/tile/0/000.p/2") + Self.get("/tile/0/000.p/3")
                        + Self.get("/tile/entries/000.p/1")
                        + Self.get("/tile/0/000.p/4", "Host: x\r\nConnection: close\r\n"))
                return await connection.rest()
            }
        }
        let names = answers.components(separatedBy: "\r\n")
            .filter { $0.hasPrefix("ETag: ") || $0.hasPrefix("Location: ") }
            .map { $0.components(separatedBy: "/").last?.trimmingCharacters(in: ["\""]) }
        #expect(names == ["1", statement.leafHash.hex, "2", "3", "1", "4"])
        #expect(answers.contains("alive\n"))
    }

    @Test("A client that does not read is answered no more than its connection takes, and everything when it reads")
    func unread() async throws {
        var log = try TestLog()
        log.options.writeTimeout = .seconds(60)
        log.options.readRate = RequestRate(perSecond: 1_000_000, burst: 1_000_000)
        try await log.fill(300)
        let count = 6000
        let (answered, bytes, expected) = try await LiveServer.run(log) { server in
            try await server.connect { connection in
                let request = String(repeating: Self.get("/tile/0/000"), count: 100)
                let outbound = connection.outbound
                let sending = Task {
                    for _ in 0..<count / 100 { try await outbound.write(ByteBuffer(string: request)) }
                }
                var answered = -1
                while true {
                    try await Task.sleep(for: .milliseconds(300))
                    let now = try await Self.tilesAnswered(server)
                    if now == answered { break }
                    answered = now
                }
                var bytes = 0
                var head: Int?
                while bytes < count * ((head ?? 0) + 8192), let buffer = try await connection.inbound.next() {
                    // The first answers were sent long ago: all of a head is in the first piece.
                    head = head ?? buffer.readableBytesView.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound
                    bytes += buffer.readableBytes
                }
                try await sending.value
                return (answered, bytes, count * ((head ?? 0) + 8192))
            }
        }
        #expect(answered > 0 && answered < count / 2, "\(answered)")
        #expect(bytes == expected)
    }

    private static func tilesAnswered(_ server: LiveServer) async throws -> Int {
        let text = try await server.connect { connection in
            try await connection.send(get("/metrics", "Host: x\r\nConnection: close\r\n"))
            return await connection.rest()
        }
        let line = text.components(separatedBy: "\n").first {
            $0.hasPrefix("holdfast_http_requests_total") && $0.contains("/tile/{level}/{index}") && $0.contains("200")
        }
        return line?.components(separatedBy: " ").last.flatMap { Int($0) } ?? 0
    }
}
