import COSE
import Foundation
import Governance
import LogClient
import Synchronization
import Testing

@testable import HoldfastClient

private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

private func example(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: root.appending(path: "fixtures/verification/example/\(name)")))
}

/// A gate that answers what it was told to.
private final class FakeGate: Transport {
    let answer: Result<ClientResponse, TransportError>
    let requests = Mutex<[ClientRequest]>([])

    init(_ answer: Result<ClientResponse, TransportError>) { self.answer = answer }

    convenience init(_ status: Int, _ body: String) {
        self.init(.success(ClientResponse(status: status, body: Array(body.utf8))))
    }

    func send(_ request: ClientRequest) async throws(TransportError) -> ClientResponse {
        requests.withLock { $0.append(request) }
        return try answer.get()
    }

    func shutdown() async {}
}

@Suite("HoldfastClient")
struct ClientTests {
    // MARK: Verify

    @Test("the verifier says what holdfast-verify says: the example's files, whole and with a bit changed")
    func verifies() throws {
        let verifier = try HoldfastVerifier(trust: example("log.trust"), isWithoutStateQuorum: true)
        let transparent = try example("event.transparent")
        #expect(verifier.transparentStatement(transparent).isVerified)
        #expect(verifier.statement(try example("event.cose"), proof: try example("event.tlog-proof")).isVerified)
        #expect(verifier.checkpoint(try example("log/checkpoint")).isVerified)
        let key = "stream/spiffe%3A%2F%2Fexample.org%2Fagent/s1"
        #expect(try verifier.state(example("stream.state-proof"), of: key).isVerified)
        let other = try verifier.state(example("stream.state-proof"), of: "policy")
        #expect(!other.isVerified && other.decidedBy == "expected-key")
        var changed = transparent
        changed[changed.count / 2] ^= 1
        let refused = verifier.transparentStatement(changed)
        #expect(!refused.isVerified && refused.decidedBy != nil)
        #expect(refused.text.contains("NOT VERIFIED") && refused.json.contains("not-verified"))
        #expect(throws: HoldfastError.self) { try verifier.state([], of: "nothing/at/all") }
        #expect(throws: HoldfastError.self) { try HoldfastVerifier(trust: []) }
    }

    @Test("evidence that is none is refused")
    func evidence() throws {
        let verifier = try HoldfastVerifier(trust: example("log.trust"))
        let result = try verifier.evidence([1, 2, 3], about: "execution/log.example/run-1")
        #expect(!result.isVerified && result.decidedBy == "bundle-form")
    }

    // MARK: Records

    @Test("what a record says, from literals and from what can be encoded; fractions can't be said")
    func records() throws {
        struct Done: Encodable {
            let items: Int
            let names: [String]
        }
        let literal = Record(type: "task.done", subject: "task/7", data: ["items": 12, "names": ["a", "b"]])
        let encoded = try Record(type: "task.done", subject: "task/7", encoding: Done(items: 12, names: ["a", "b"]))
        #expect(try literal.cbor() == encoded.cbor())
        #expect(try Record(type: "a.b", subject: "x", data: .bytes([1, 2])).cbor() == .bytes([1, 2]))
        #expect(throws: HoldfastError.self) { try Record(type: "a.b", subject: "x", encoding: 1.5) }
    }

    @Test("a log needs a URL and a trust file with the genesis entry")
    func logs() async throws {
        let trust = try example("log.trust")
        await (try HoldfastLog(url: "http://127.0.0.1:1", trust: trust)).close()
        #expect(throws: HoldfastError.self) { try HoldfastLog(url: "log.example", trust: trust) }
        let text = String(decoding: trust, as: UTF8.self)
        let bare = text.split(separator: "\n").filter { !$0.hasPrefix("genesis") }.joined(separator: "\n") + "\n"
        #expect(throws: HoldfastError.self) { try HoldfastLog(url: "http://127.0.0.1:1", trust: Array(bare.utf8)) }
    }

    // MARK: Evaluate

    private func decision(_ gate: FakeGate) async throws -> GateDecision {
        let question = GateQuestion(
            subject: "spiffe://example.org/agent", action: "read", resource: "inbox/7", context: ["purpose": "search"])
        return try await HoldfastGate(url: "http://gate.test/", token: "secret", transport: gate).evaluate(
            question)
    }

    @Test("a question in AuthZEN's form, asked once; the decision as the gate says it")
    func asks() async throws {
        let gate = FakeGate(
            200, #"{"decision": true, "context": {"recorded": {"index": 7}, "permit": {"nonce": "ab"}}}"#)
        let decision = try await decision(gate)
        #expect(decision.isPermitted && decision.entry == 7 && decision.permit == "ab" && decision.reason == nil)
        #expect(decision.context == #"{"recorded":{"index":7},"permit":{"nonce":"ab"}}"#)
        let requests = gate.requests.withLock { $0 }
        #expect(requests.map(\.path) == ["access/v1/evaluation"])
        let sent = try JSON(parsing: try #require(requests.first).body)
        #expect(sent["subject"]?["id"]?.stringValue == "spiffe://example.org/agent")
        #expect(sent["action"]?["name"]?.stringValue == "read")
        #expect(sent["resource"]?["id"]?.stringValue == "inbox/7")
        #expect(sent["context"]?["purpose"]?.stringValue == "search")
        #expect(requests.first?.headers.contains(.init("Authorization", "Bearer secret")) == true)
        let refusal = try await self.decision(
            FakeGate(
                200, #"{"decision": false, "context": {"reason_user": {"en": "no"}, "permit": {"nonce": "ab"}}}"#))
        #expect(!refusal.isPermitted && refusal.reason == "no" && refusal.permit == nil && refusal.entry == nil)
        #expect(try await !self.decision(FakeGate(200, #"{"decision": false}"#)).isPermitted)
    }

    @Test("whatever is no decision permits nothing")
    func failsClosed() async throws {
        let answers: [(FakeGate, code: String, isTemporary: Bool)] = [
            (FakeGate(200, "{}"), "answer-malformed", false),
            (FakeGate(200, #"{"decision": "true"}"#), "answer-malformed", false),
            (FakeGate(200, "true"), "answer-malformed", false),
            (FakeGate(204, ""), "gate", false),
            (FakeGate(503, "busy"), "gate", true),
            (FakeGate(401, "a token is needed"), "gate", false),
            (FakeGate(400, ""), "gate", false),
            (FakeGate(.failure(.unreachable("refused"))), "unreachable", true),
            (FakeGate(.failure(.timedOut)), "timed-out", true),
            (FakeGate(.failure(.tooLarge(limit: 1))), "too-large", false),
        ]
        for (gate, code, isTemporary) in answers {
            let error = await #expect(throws: HoldfastError.self) { try await decision(gate) }
            #expect(error?.code == code)
            #expect(error?.isTemporary == isTemporary, "\(code)")
            #expect(gate.requests.withLock(\.count) == 1, "\(code): it was asked again")
        }
    }

    // MARK: Documentation

    @Test("every symbol that the documentation names is one that the library has")
    func documentation() throws {
        let folder = root.appending(path: "Sources/HoldfastClient")
        let files = try FileManager.default.subpathsOfDirectory(atPath: folder.path())
        func text(_ suffix: String) throws -> String {
            try files.filter { $0.hasSuffix(suffix) }
                .map { try String(contentsOf: folder.appending(path: $0), encoding: .utf8) }.joined()
        }
        let sources = try text(".swift")
        // Without the blocks of code.
        let documents = try text(".md").components(separatedBy: "```").enumerated()
            .filter { $0.offset % 2 == 0 }.map(\.element).joined()
        var named: Set<String> = []
        for part in documents.components(separatedBy: "``").enumerated() where part.offset % 2 == 1 {
            named.formUnion(part.element.prefix { $0 != "(" }.split(separator: "/").map(String.init))
        }
        #expect(named.count > 8)
        for name in named.subtracting(["HoldfastClient"]) {
            let forms = ["struct ", "enum ", "actor ", "func ", "var ", "let "].map { "public " + $0 + name }
            #expect(forms.contains { sources.contains($0) }, "\(name) is documented and not there")
        }
        for line in sources.split(separator: "\n") {
            for kind in ["struct ", "enum ", "actor "] where line.hasPrefix("public " + kind) {
                let name = String(line.dropFirst(("public " + kind).count).prefix { $0.isLetter })
                #expect(named.contains(name), "\(name) is not in the documentation's topics")
            }
        }
    }
}
