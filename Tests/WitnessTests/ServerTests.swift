import Foundation
import HTTPServing
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Testing
import Tlog

@testable import Witness
@testable import WitnessServer

@Suite("Witness server")
struct WitnessServerTests {
    private func server(_ scratch: Scratch, _ logs: TestLog..., options: WitnessOptions = WitnessOptions()) throws
        -> WitnessServer
    {
        try scratch.write(logs.map { "\($0.verifierKey)\n" }.joined(), to: "logs")
        var options = options
        options.port = 0
        return try WitnessServer(
            directory: scratch.path, cosigners: [try testCosigner()], logs: scratch.path + "/logs", options: options,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private struct Answer {
        let status: Int
        let type: String?
        let body: String
        let headers: HTTPFields
    }

    private func add(_ client: any TestClientProtocol, _ body: [UInt8]) async throws -> Answer {
        try await ask(client, .post, "/add-checkpoint", ByteBuffer(bytes: body))
    }

    private func ask(
        _ client: any TestClientProtocol, _ method: HTTPRequest.Method, _ path: String, _ body: ByteBuffer? = nil
    ) async throws -> Answer {
        let response = try await client.executeRequest(uri: path, method: method, headers: [:], body: body)
        return Answer(
            status: response.status.code, type: response.headers[.contentType], body: String(buffer: response.body),
            headers: response.headers)
    }

    private func path(_ log: TestLog) -> String { "/\(OriginHash(log.origin))/checkpoint" }

    @Test("every row of the status table, over a socket, and no refusal moves the state")
    func table() async throws {
        let (scratch, log) = (try Scratch(), try TestLog(size: 20))
        let (other, fork) = (try TestLog("log.example/other", size: 3), log.fork())
        let path = path(log)
        try await server(scratch, log).application.test(.live) { client in
            #expect(try await ask(client, .get, path).status == 404)
            let first = try await add(client, try log.body(0, 10))
            #expect(first.status == 200)
            let kept = try await ask(client, .get, path).body
            let good = String(decoding: try log.body(10, 20), as: UTF8.self)
            let stranger = try log.signed(20, by: Ed25519.SigningKey.generate())
            let bad = NoteSignature(
                name: log.origin.keyName, keyID: log.verifierKey.keyID, signature: [UInt8](repeating: 1, count: 64))
            let rows: [(Int, [UInt8])] = [
                (400, []), (400, Array(good.replacing("old 10", with: "old 010").utf8)),
                (400, Array(good.replacing("old 10\n", with: "old 10 \n").utf8)), (400, try log.body(20, 10)),
                (403, try log.body(10, 20, checkpoint: stranger)),
                (403, try log.body(10, 20, checkpoint: log.signed(20).adding([bad]))),
                (404, try other.body(0, 3)), (409, try log.body(0, 20)), (409, try log.body(12, 20)),
                (422, try log.body(10, 20, path: [])), (422, try fork.body(10, 20)), (422, try fork.body(10, 10)),
                (413, [UInt8](repeating: 0x61, count: 65_537)),
            ]
            for (number, (status, body)) in rows.enumerated() where status != 413 {
                let answer = try await add(client, body)
                #expect(answer.status == status, "row \(number): \(answer.body)")
                #expect(try await ask(client, .get, path).body == kept, "row \(number)")
            }
            #expect(try await add(client, try log.body(10, 20)).status == 200)
        }
        // The answer to a body that is too long ends the connection.
        try await server(try Scratch(), log).application.test(.live) { client in
            let answer = try await add(client, [UInt8](repeating: 0x61, count: 65_537))
            #expect(answer.status == 413)
            #expect(answer.headers[.connection] == "close")
        }
    }

    @Test(
        "409: \"the tree size of the latest cosigned checkpoint in decimal, followed by a newline\", text/x.tlog.size")
    func conflict() async throws {
        let log = try TestLog(size: 20)
        try await server(try Scratch(), log).application.test(.live) { client in
            let unknown = try await add(client, try log.body(5, 20))
            #expect((unknown.status, unknown.type, unknown.body) == (409, "text/x.tlog.size", "0\n"))
            _ = try await add(client, try log.body(0, 12))
            let known = try await add(client, try log.body(0, 20))
            #expect((known.status, known.type, known.body) == (409, "text/x.tlog.size", "12\n"))
            // What the client does with it.
            #expect(try await add(client, try log.body(12, 20)).status == 200)
        }
    }

    @Test("200: \"a sequence of one or more note signature lines\" that are the witness's cosignatures")
    func cosigned() async throws {
        let log = try TestLog(size: 20)
        let key = try testCosigner().verifierKey
        try await server(try Scratch(), log).application.test(.live) { client in
            let answer = try await add(client, try log.body(0, 20))
            #expect(answer.status == 200)
            #expect(answer.body.hasPrefix("— ") && answer.body.hasSuffix("\n"))
            let response = try AddCheckpointResponse(parsing: Array(answer.body.utf8))
            let lines = try response.cosignatures(of: try log.checkpoint(20), from: [key])
            #expect(lines.count == 1 && response.signatures.count == 1)
            // "it MUST include the cosignature(s) from the witness's key(s) that were returned from add-checkpoint and
            // the cosignature from the log key(s) that the witness verified."
            let served = try await ask(client, .get, path(log))
            #expect(served.status == 200)
            #expect(served.body == String(decoding: try log.signed(20).adding(lines).bytes, as: UTF8.self))
            #expect(try await ask(client, .head, path(log)).body.isEmpty)
        }
    }

    @Test(
        "\"hex encoded, in lowercase\"; \"never cosigned a checkpoint for that log\": 404; \"MUST be an HTTP POST\": 405"
    )
    func paths() async throws {
        let log = try TestLog(size: 3)
        let path = path(log)
        try await server(try Scratch(), log).application.test(.live) { client in
            _ = try await add(client, try log.body(0, 3))
            for wrong in [
                path.uppercased().replacing("CHECKPOINT", with: "checkpoint"), "/" + path, path + "/", "/00/checkpoint",
                "/\(Hash.zero.hex)/checkpoint", "/checkpoint", "/sign-subtree", "/add-checkpoint/",
            ] {
                #expect(try await ask(client, .get, wrong).status == 404, "\(wrong)")
            }
            #expect(try await ask(client, .get, "/add-checkpoint").status == 405)
            #expect(try await ask(client, .put, "/add-checkpoint").headers[.allow] == "POST")
            #expect(try await ask(client, .post, path).status == 405)
            #expect(try await ask(client, .get, "/healthz").body == "alive\n")
            let metrics = try await ask(client, .get, "/metrics")
            #expect(metrics.type == "text/plain; version=0.0.4; charset=utf-8")
            #expect(metrics.body.contains("holdfast_witness_requests_total{result=\"cosigned\"} 1\n"))
            #expect(metrics.body.contains("holdfast_witness_tree_size{origin=\"log.example/test\"} 3\n"))
            #expect(try await ask(client, .get, "/").body.contains(try testCosigner().verifierKey.text))
        }
    }

    @Test("429 says when to come back")
    func rateLimit() async throws {
        let log = try TestLog(size: 3)
        var options = WitnessOptions()
        options.growthRate = CosigningRate(perSecond: 0.01, burst: 1)
        try await server(try Scratch(), log, options: options).application.test(.live) { client in
            #expect(try await add(client, try log.body(0, 1)).status == 200)
            let answer = try await add(client, try log.body(1, 2))
            #expect(answer.status == 429)
            #expect(Int(answer.headers[.retryAfter] ?? "") ?? 0 > 90)
        }
    }

    @Test("forged and foreign lines can't wedge it: the log goes on after them")
    func forged() async throws {
        let log = try TestLog(size: 9)
        let witness = try testCosigner()
        let forged = NoteSignature(
            name: witness.verifierKey.name, keyID: witness.verifierKey.keyID,
            signature: [UInt8](repeating: 0xff, count: 72))
        try await server(try Scratch(), log).application.test(.live) { client in
            for size in 1...9 {
                let lines = [forged, witness.cosign(try log.checkpoint(1), at: .max >> 1)]
                let body = try log.body(size - 1, size, checkpoint: log.signed(size).adding(lines))
                let answer = try await add(client, body)
                #expect(answer.status == 200, "\(answer.body)")
                let served = try await ask(client, .get, path(log)).body
                let note = try SignedCheckpoint(parsing: Array(served.utf8))
                #expect(note.note.signatures.count == 2)
                #expect(try Cosignature.verify(note, key: witness.verifierKey) != nil)
            }
        }
    }

    @Test("one client asks only so often; what operators ask is not counted")
    func clientRate() async throws {
        let log = try TestLog(size: 3)
        var options = WitnessOptions()
        options.requestRate = RequestRate(perSecond: 0.01, burst: 2)
        try await server(try Scratch(), log, options: options).application.test(.live) { client in
            #expect(try await add(client, try log.body(0, 1)).status == 200)
            #expect(try await ask(client, .get, path(log)).status == 200)
            let read = try await ask(client, .get, path(log))
            #expect(read.status == 429)
            #expect(Int(read.headers[.retryAfter] ?? "") ?? 0 > 50)
            let refused = try await add(client, try log.body(1, 2))
            #expect(refused.status == 429)
            #expect(Int(refused.headers[.retryAfter] ?? "") ?? 0 > 50)
        }
        // Each test of a server has a connection of its own, and the address is the same.
        options.requestRate = RequestRate(perSecond: 0.01, burst: 1)
        try await server(try Scratch(), log, options: options).application.test(.live) { client in
            for path in ["/healthz", "/metrics", "/healthz", "/metrics"] {
                let answer = try await ask(client, .get, path)
                #expect(answer.status == 200)
            }
            let unknown = try await ask(client, .get, path(log))
            #expect(unknown.status == 404)
        }
    }

    @Test("a TLS file that can't be read is refused at the start, by name")
    func badTLS() throws {
        var options = WitnessOptions()
        options.host = "0.0.0.0"
        options.tls = TLSFiles(certificateChain: "/nowhere/chain.pem", privateKey: "/nowhere/key.pem")
        let log = try TestLog()
        let error = #expect(throws: WitnessServerError.self) { try server(try Scratch(), log, options: options) }
        guard case .tls(let file, _) = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
        #expect(file == "/nowhere/chain.pem")
    }

    @Test("plain HTTP for others only where it is said")
    func plainHTTP() throws {
        var options = WitnessOptions()
        options.host = "0.0.0.0"
        let log = try TestLog()
        #expect(throws: WitnessServerError.plainHTTP(host: "0.0.0.0")) {
            try server(try Scratch(), log, options: options)
        }
    }
}
