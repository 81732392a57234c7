import Foundation
import Governance
import LogClient
import Synchronization
import Testing
import Tlog
import Verification

/// A log whose every answer is one state proof.
private final class StateAnswer: Transport {
    let body: [UInt8]
    let requests = Mutex<[ClientRequest]>([])

    init(_ body: [UInt8]) { self.body = body }

    func send(_ request: ClientRequest) async throws(TransportError) -> ClientResponse {
        requests.withLock { $0.append(request) }
        return ClientResponse(status: 200, body: body)
    }

    func shutdown() async {}
}

@Suite("Reading the state of a log")
struct StateReadingTests {
    private let key = StateKey.stream(issuer: "spiffe://example.org/agent", stream: "s1")
    private let transport: StateAnswer
    private let client: LogClient

    init() throws {
        let example = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "fixtures/verification/example")
        func bytes(_ name: String) throws -> [UInt8] {
            [UInt8](try Data(contentsOf: example.appending(path: name)))
        }
        transport = StateAnswer(try bytes("stream.state-proof"))
        let url = try #require(LogURL("http://log.test"))
        client = LogClient(url: url, trust: try TrustFile(parsing: bytes("log.trust")), transport: transport)
    }

    private func error(_ key: StateKey, at size: UInt64? = nil, without: Bool = true) async -> ClientError? {
        do throws(ClientError) {
            _ = try await client.state(of: key, at: size, isWithoutStateQuorum: without)
            return nil
        } catch {
            return error
        }
    }

    @Test("what is asked for, and what comes of a proof that holds")
    func proven() async throws {
        let state = try await client.state(of: key, at: 13, isWithoutStateQuorum: true)
        #expect(state.proven.key == key && state.proven.size == 13)
        #expect(try StreamLink(decoding: #require(state.proven.value)).index == 10)
        let requests = transport.requests.withLock { $0 }
        let request = try #require(requests.first)
        #expect(request.path == "state/stream/spiffe%3A%2F%2Fexample.org%2Fagent/s1?size=13")
        #expect(request.headers == [ClientRequest.HeaderField("Accept", StateProof.mediaType)])
    }

    @Test("another key, another size, and a state that nobody vouches for are not believed")
    func refused() async throws {
        guard case .notVerified(let report) = await error(.policy) else {
            Issue.record("the proof of another key is believed")
            return
        }
        #expect(report.decidingCheck?.name == .expectedKey)
        guard case .contradiction = await error(key, at: 12) else {
            Issue.record("the proof at another size is believed")
            return
        }
        guard case .notVerified(let unvouched) = await error(key, without: false) else {
            Issue.record("a state is believed that nobody vouches for")
            return
        }
        #expect(unvouched.decidingCheck?.name == .stateQuorum)
    }

    @Test("a head that state witnesses have not cosigned yet is asked for again, the same one, and not for ever")
    func waiting() async throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "fixtures/verification/state.json")
        let vectors = try JSONDecoder().decode(StateVectors.self, from: Data(contentsOf: file))
        let trust = try TrustFile(parsing: Array(try #require(vectors.trust["default"]).utf8))
        let url = try #require(LogURL("http://log.test"))
        func client(_ bodies: [[UInt8]]) -> (LogClient, StateAnswers) {
            let answers = StateAnswers(bodies)
            var client = LogClient(url: url, trust: trust, transport: answers)
            client.retry.firstWait = .milliseconds(1)
            client.retry.longestWait = .milliseconds(2)
            return (client, answers)
        }
        let whole = try vectors.proof("a grant")
        let decoded = try StateProof(decoding: whole)
        let (later, answers) = client([
            try vectors.proof("no state cosignature"), try vectors.proof("one state cosignature of the two needed"),
            whole,
        ])
        let state = try await later.provenState(decoded.key)
        #expect(state?.size == decoded.sealedSize && state?.value == decoded.value)
        let path = "state/\(decoded.key.text)"
        #expect(
            answers.paths == [path, "\(path)?size=\(decoded.sealedSize)", "\(path)?size=\(decoded.sealedSize)"])
        let (never, asked) = client([try vectors.proof("no state cosignature")])
        await #expect(throws: ClientError.self) { try await never.provenState(decoded.key) }
        #expect(asked.paths.count == RetryPolicy().attempts)
    }
}

/// A log whose answers are these, the last of them again and again.
private final class StateAnswers: Transport {
    private let rest: Mutex<[[UInt8]]>
    private let asked = Mutex<[String]>([])

    init(_ bodies: [[UInt8]]) { rest = Mutex(bodies) }

    var paths: [String] { asked.withLock { $0 } }

    func send(_ request: ClientRequest) async throws(TransportError) -> ClientResponse {
        asked.withLock { $0.append(request.path) }
        return ClientResponse(status: 200, body: rest.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] })
    }

    func shutdown() async {}
}

/// State proofs of one log, by what is right or wrong with them.
private struct StateVectors: Decodable {
    struct Case: Decodable {
        let name: String
        let proof: String
    }
    struct Missing: Error {}

    let trust: [String: String]
    let cases: [Case]

    func proof(_ name: String) throws -> [UInt8] {
        guard let found = cases.first(where: { $0.name == name }), let bytes = Hex.decode(found.proof) else {
            throw Missing()
        }
        return bytes
    }
}
