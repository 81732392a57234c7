import Foundation
import LogClient
import Logging
import Synchronization
import Testing
import Tlog

@testable import holdfast

/// What a log reads out of a witness's answers, and what it takes for none.
@Suite("Witness client")
struct WitnessClientTests {
    /// Answers everything with one response, or fails.
    private final class Answer: Transport {
        let result: Result<ClientResponse, TransportError>
        let requests = Mutex<[ClientRequest]>([])

        init(_ result: Result<ClientResponse, TransportError>) {
            self.result = result
        }

        func send(_ request: ClientRequest) async throws(TransportError) -> ClientResponse {
            requests.withLock { $0.append(request) }
            return try result.get()
        }

        func shutdown() async {}
    }

    private let logKey = Ed25519.SigningKey.generate()
    private let witnessKey = Ed25519.SigningKey.generate()

    private func checkpoint() throws -> SignedCheckpoint {
        Checkpoint(origin: try Origin("example.com/log"), head: TreeHead(size: 3, root: Hash.sha256([1])))
            .signed(by: logKey)
    }

    private func ask(
        _ status: Int, _ body: [UInt8], type: String = "text/plain"
    ) async throws -> WitnessClient.Answer {
        let response = ClientResponse(status: status, headers: ["content-type": type], body: body)
        let client = WitnessClient(transport: Answer(.success(response)))
        return try await client.addCheckpoint(
            AddCheckpointRequest(oldSize: 0, path: [], checkpoint: try checkpoint()))
    }

    @Test("the request is the specification's, at the submission prefix")
    func request() async throws {
        let line = Cosignature.sign(
            try checkpoint().checkpoint, name: try KeyName("w.example"), key: witnessKey, time: 1_700_000_000)
        let transport = Answer(.success(ClientResponse(status: 200, body: Array("\(line.line)\n".utf8))))
        let path = [Hash.sha256([2])]
        let request = AddCheckpointRequest(oldSize: 2, path: path, checkpoint: try checkpoint())
        #expect(
            try await WitnessClient(transport: transport).addCheckpoint(request)
                == .cosigned(AddCheckpointResponse(signatures: [line])))
        let sent = try #require(transport.requests.withLock { $0.first })
        #expect(sent.method == .post && sent.path == "add-checkpoint" && sent.body == request.body)
        #expect(try AddCheckpointRequest(parsing: sent.body) == request)
    }

    @Test("409 is a size only as text/x.tlog.size, in canonical decimal with a newline")
    func conflict() async throws {
        let type = AddCheckpointResponse.conflictContentType
        #expect(try await ask(409, Array("20852163\n".utf8), type: type) == .conflict(size: 20_852_163))
        #expect(try await ask(409, Array("0\n".utf8), type: "Text/X.Tlog.Size; charset=utf-8") == .conflict(size: 0))
        for body in ["", "12", "012\n", "+1\n", "-1\n", "1 \n", "9223372036854775808\n", "1\n\n", "one\n"] {
            await #expect(throws: WitnessClientError.self, "\(body)") {
                _ = try await ask(409, Array(body.utf8), type: type)
            }
        }
        for other in ["text/plain", "", "text/x.tlog.sizes"] {
            await #expect(throws: WitnessClientError.self) { _ = try await ask(409, Array("1\n".utf8), type: other) }
        }
    }

    @Test("422 says something of the checkpoint; other statuses and malformed bodies are failures that say why")
    func failures() async throws {
        #expect(try await ask(422, []) == .inconsistent)
        for status in [201, 204, 301, 400, 403, 404, 429, 500, 503] {
            await #expect(throws: WitnessClientError.status(status, "no ? today")) {
                _ = try await ask(status, Array("no \u{1b} today\nmore".utf8))
            }
        }
        for body in ["", "\n", "— w.example AAAA\n", "nothing\n", "— w.example Az3g"] {
            await #expect(throws: WitnessClientError.self, "\(body)") { _ = try await ask(200, Array(body.utf8)) }
        }
        let request = AddCheckpointRequest(oldSize: 0, path: [], checkpoint: try checkpoint())
        let cases: [(TransportError, WitnessClientError)] = [
            (.timedOut, .timedOut), (.unreachable("x"), .unreachable("x")),
            (.tooLarge(limit: 5), .malformed("an answer of more than 5 bytes")),
        ]
        for (failure, expected) in cases {
            await #expect(throws: expected) {
                _ = try await WitnessClient(transport: Answer(.failure(failure))).addCheckpoint(request)
            }
        }
    }

    @Test("the checkpoint that a witness serves is asked for under the hash of the origin; 404 is none")
    func served() async throws {
        let origin = try Origin("example.com/log")
        let transport = Answer(.success(ClientResponse(status: 200, body: try checkpoint().bytes)))
        #expect(try await WitnessClient(transport: transport).checkpoint(of: origin) == (try checkpoint()))
        let path = try #require(transport.requests.withLock { $0.first?.path })
        #expect(path == "\(Hash.sha256(Array("example.com/log".utf8)).hex)/checkpoint")
        let none = WitnessClient(transport: Answer(.success(ClientResponse(status: 404))))
        #expect(try await none.checkpoint(of: origin) == nil)
        let bad = WitnessClient(transport: Answer(.success(ClientResponse(status: 200, body: [1]))))
        await #expect(throws: WitnessClientError.self) { _ = try await bad.checkpoint(of: origin) }
    }

    @Test("a witness policy is refused if its quorum can't be reached, it is another log's, or a URL is none")
    func policies() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let vkey = VerifierKey.cosigner(name: try KeyName("w.example"), publicKey: witnessKey.publicKey).text
        let own = VerifierKey.ed25519(name: try KeyName("example.com/log"), publicKey: logKey.publicKey).text
        let other = VerifierKey.ed25519(
            name: try KeyName("example.com/log"), publicKey: Ed25519.SigningKey.generate().publicKey
        ).text
        let stateKey = VerifierKey.cosigner(
            name: try KeyName("s.example"), publicKey: Ed25519.SigningKey.generate().publicKey
        ).text
        func witnesses(_ text: String) async throws -> Witnesses {
            let path = directory.appending(path: "policy").path()
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let witnesses = try Witnesses(
                file: path, log: [logKey.publicKey], timeout: .seconds(1), stateTimeout: .seconds(9), logger: logger)
            await witnesses.shutdown()
            return witnesses
        }
        func read(_ text: String) async throws -> TlogPolicy { try await witnesses(text).policy }
        let witness = "witness w \(vkey) https://w.example/\n"
        #expect(try await read("\(witness)quorum w\n").quorum == .name("w"))
        #expect(try await read("log \(own)\n\(witness)quorum w\n").witnesses.count == 1)
        #expect(try await read("log \(own)\n\(witness)quorum w\nauthority \(Hash.zero.hex)\n").witnesses.count == 1)
        for bad in [
            "witness w \(vkey)\nquorum w\n", "log \(other)\n\(witness)quorum w\n",
            "witness w \(vkey) nowhere\nquorum w\n",
            "\(witness)", "\(witness)quorum w\nsomething else\n",
            "\(witness)quorum w\nstate-quorum w\nstate-quorum w\n", "\(witness)quorum w\nstate-quorum v\n",
            "\(witness)witness s \(stateKey)\nquorum w\nstate-quorum s\n",
        ] {
            await #expect(throws: Failure.self, "\(bad)") { _ = try await read(bad) }
        }
        // State witnesses are those that only the state quorum reaches, through groups too.
        let state = "witness s \(stateKey) https://s.example/\ngroup g all w s\n"
        #expect(try await witnesses("\(witness)quorum w\n").stateWitnesses.isEmpty)
        #expect(try await witnesses("\(witness)\(state)quorum w\nstate-quorum g\n").stateWitnesses == ["s"])
        #expect(try await witnesses("\(witness)\(state)quorum g\nstate-quorum s\n").stateWitnesses.isEmpty)
        #expect(
            try await witnesses("log \(own)\n\(witness)\(state)quorum w\nstate-quorum s\nauthority \(Hash.zero.hex)\n")
                .stateWitnesses == ["s"])
    }
}
