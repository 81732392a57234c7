import COSE
import Governance
import LogClient
import Synchronization
import Testing
import Tlog
import Verification

/// A server of a governed log, in memory. It lies where a test tells it to.
private final class GovernedServer: Transport {
    let governed: GovernedLog
    private let files: [String: [UInt8]]
    /// What is done to an answer before it leaves.
    private let tamper: @Sendable (ClientRequest, ClientResponse) -> ClientResponse
    /// How many checkpoints are answered before the state witnesses have cosigned.
    let behind: Mutex<Int>

    init(
        _ governed: GovernedLog, behind: Int = 0,
        tamper: @escaping @Sendable (ClientRequest, ClientResponse) -> ClientResponse = { $1 }
    ) throws {
        self.governed = governed
        files = try governed.log.files()
        self.behind = Mutex(behind)
        self.tamper = tamper
    }

    func client() throws -> LogClient {
        let url = try #require(LogURL("http://log.test"))
        let trust = try TrustFile(parsing: Array(governed.log.stateTrustText().utf8))
        var client = LogClient(url: url, trust: trust, transport: self)
        client.retry.firstWait = .milliseconds(1)
        client.retry.longestWait = .milliseconds(2)
        return client
    }

    func send(_ request: ClientRequest) async throws(TransportError) -> ClientResponse {
        do {
            return tamper(request, ClientResponse(status: 200, body: try answer(request.path)))
        } catch {
            return tamper(request, ClientResponse(status: 404))
        }
    }

    func shutdown() async {}

    private func answer(_ path: String) throws -> [UInt8] {
        let log = governed.log
        if path == "checkpoint" {
            let isBehind = behind.withLock { left in
                left -= 1
                return left >= 0
            }
            return try log.replayedCheckpoint(stateWitnesses: isBehind ? 0 : 2).bytes
        }
        if path.hasPrefix("state/") {
            let parts = path.dropFirst(6).split(separator: "?size=")
            let size = parts.count == 2 ? UInt64(parts[1]) : nil
            return try log.stateProof(StateKey(text: String(parts[0])), at: size).encoded()
        }
        if path.hasPrefix("entries/"), let hash = Hash(hex: String(path.split(separator: "/")[1])) {
            let index = try #require(log.leaves().firstIndex(of: hash))
            return try log.transparent(UInt64(index), log.receipt(UInt64(index)))
        }
        return try #require(files[path])
    }
}

@Suite("Gathering evidence")
struct EvidenceTests {
    private let governed: GovernedLog
    private static let run = StateKey.execution(GovernedLog.execution("run-1"))

    init() throws {
        governed = try GovernedLog()
    }

    private func error(
        _ subject: StateKey = run, behind: Int = 0, patience: Duration = .seconds(10),
        _ tamper: @escaping @Sendable (ClientRequest, ClientResponse) -> ClientResponse
    ) async throws -> ClientError? {
        let client = try GovernedServer(governed, behind: behind, tamper: tamper).client()
        do throws(ClientError) {
            _ = try await client.evidence(of: subject, patience: patience)
            return nil
        } catch {
            return error
        }
    }

    @Test("from the log's reads comes the same bundle, byte for byte, as from the log itself")
    func gathered() async throws {
        for subject in [Self.run, .grant(governed.grant), .model(GovernedLog.model)] {
            let evidence = try await GovernedServer(governed).client().evidence(of: subject)
            #expect(evidence.bytes == (try governed.bundle(subject).encoded()), "\(subject.text)")
            #expect(evidence.findings.subject == subject)
        }
    }

    @Test("state witnesses that cosign later are waited for, and not for ever")
    func patience() async throws {
        let server = try GovernedServer(governed, behind: 2)
        let evidence = try await server.client().evidence(of: .grant(governed.grant), patience: .seconds(600))
        #expect(evidence.findings.size == governed.log.size)
        let late = try await error(behind: .max, patience: .zero) { $1 }
        guard case .notVerified(let report) = late else {
            Issue.record("it is believed without its state witnesses: \(String(describing: late))")
            return
        }
        #expect(report.decidingCheck?.name == .stateQuorum)
    }

    @Test("a server that lies about a value, an entry, a place or a proof is not believed")
    func lies() async throws {
        let other = try GovernedLog(isLater: false)
        let older = other.log.size
        let lies: [@Sendable (ClientRequest, ClientResponse) -> ClientResponse] = [
            // The value of another size.
            { request, response in
                guard request.path.hasPrefix("state/grant/"),
                    let proof = try? StateProof(decoding: response.body),
                    let old = try? other.log.stateProof(proof.key, at: older)
                else { return response }
                let lie = StateProof(
                    key: proof.key, value: old.value, proof: old.proof, seal: proof.seal, index: proof.index,
                    path: proof.path, checkpoint: proof.checkpoint)
                return ClientResponse(status: 200, body: lie.encoded())
            },
            // The state of another size than was asked for.
            { request, response in
                guard request.path.hasPrefix("state/grant/"), let proof = try? StateProof(decoding: response.body),
                    let old = try? other.log.stateProof(proof.key, at: older)
                else { return response }
                return ClientResponse(status: 200, body: old.encoded())
            },
            // Entries with a bit changed.
            { request, response in
                guard request.path.hasPrefix("tile/entries") else { return response }
                var body = response.body
                body[body.count / 2] ^= 1
                return ClientResponse(status: 200, body: body)
            },
            // Hashes with a bit changed.
            { request, response in
                guard request.path.hasPrefix("tile/0") else { return response }
                var body = response.body
                body[40] ^= 1
                return ClientResponse(status: 200, body: body)
            },
            // Another statement than was asked for.
            { request, response in
                guard request.path.hasPrefix("entries/"),
                    let lie = try? other.log.transparent(3, other.log.receipt(3))
                else { return response }
                return ClientResponse(status: 200, body: lie)
            },
        ]
        for (number, lie) in lies.enumerated() {
            let refusal = try await error(Self.run, lie)
            guard case .contradiction = refusal else {
                Issue.record("lie \(number): \(String(describing: refusal))")
                continue
            }
        }
    }

    @Test("a state that the log no longer keeps, and a subject that there is not: no bundle")
    func impossible() async throws {
        let size = governed.log.size
        let gone = try await error { request, response in
            request.path.contains("?size=") && !request.path.hasSuffix("=\(size)")
                ? ClientResponse(status: 404) : response
        }
        guard case .refused(let problem) = gone else {
            Issue.record("\(String(describing: gone))")
            return
        }
        #expect(problem.status == 404)
        let unknown = try await error(.execution(GovernedLog.execution("run-9"))) { $1 }
        guard case .notVerified(let report) = unknown else {
            Issue.record("\(String(describing: unknown))")
            return
        }
        #expect(report.decidingCheck?.code == "absent")
    }
}
