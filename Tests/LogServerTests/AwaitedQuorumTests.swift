import COSE
import HTTPTypes
import HummingbirdTesting
import LogEngine
import LogStore
import NIOCore
import Testing
import Tlog

@testable import LogServer

@Suite("A server whose log awaits its first quorum")
struct AwaitedQuorumTests {
    @Test("It says that it lives, and why it is not ready; with nothing published before, everything else is no-quorum")
    func nothingPublished() async throws {
        let witness = OneAnswer()
        witness.beSilent()
        let log = try TestLog().awaitingQuorum(witness, kept: nil)
        #expect(try await log.get("/healthz").status == .ok)
        #expect(try await log.get("/metrics").text.contains("\nholdfast_quorum 0\n"))
        let ready = try await log.get("/readyz")
        #expect(ready.status == .serviceUnavailable)
        #expect(ready.problem?.code == "not-ready")
        #expect(ready.problem?.detail.contains("no-quorum-yet") == true)
        for path in ["/", "/checkpoint", "/entries/0", "/policy", "/state/policy", "/genesis", "/tile/0/000.p/2"] {
            let answer = try await log.get(path)
            #expect(answer.status == .serviceUnavailable, "\(path)")
            #expect(answer.problem?.code == "no-quorum", "\(path)")
            #expect(answer.headers[.retryAfter] == "5", "\(path)")
        }
        #expect(try await log.post(log.evidence("x").entryBytes).problem?.code == "no-quorum")
        #expect(try await log.get("/checkpoint", method: .options).status == .noContent)
        #expect(try await log.get("/nowhere").status == .notFound)
    }

    @Test("What was published before is served as before; what is submitted is no-quorum")
    func publishedBefore() async throws {
        let first = try TestLog()
        try await first.fill(2)
        let witness = OneAnswer()
        let published = try witness.cosigned(first.log.published.checkpoint)
        witness.beSilent()
        let log = try first.awaitingQuorum(witness, kept: published)
        #expect(log.log.status == .awaitingQuorum)
        #expect(try await log.get("/checkpoint").bytes == published.bytes)
        for path in ["/", "/entries/0", "/policy", "/state/policy", "/genesis", "/statements", "/entries/0/statement"] {
            #expect(try await log.get(path).status == .ok, "\(path)")
        }
        #expect(try await log.get("/readyz").problem?.detail.contains("no-quorum-yet") == true)
        let refused = try await log.post(log.evidence("new").entryBytes)
        #expect(refused.status == .serviceUnavailable)
        #expect(refused.problem?.code == "no-quorum")
        #expect(refused.headers[.retryAfter] == "5")
    }
}
