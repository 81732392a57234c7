import COSE
import Testing
import Tlog
import Verification

@testable import LogClient

@Suite("A log's answer is verified before it is believed")
struct AnswerTests {
    /// What the client makes of an answer that was changed on its way.
    private func error(
        _ change: @escaping @Sendable (FakeLog, ClientResponse) -> ClientResponse
    ) async throws -> ClientError? {
        let log = try FakeLog()
        log.lie { request, response in request.method == .post ? change(log, response) : response }
        do {
            _ = try await log.client.submit(try log.opaque(1))
            return nil
        } catch let error as ClientError {
            return error
        }
    }

    private func deciding(_ error: ClientError?) -> String? {
        guard case .notVerified(let report)? = error else { return nil }
        return report.decidingCheck?.name.rawValue
    }

    @Test("an honest answer is believed, and its proofs fit each other")
    func honest() async throws {
        let log = try FakeLog()
        let statement = try log.opaque(1)
        let answer = try await log.client.submit(statement)
        #expect(answer.index == 1)
        #expect(!answer.isDuplicate)
        #expect(answer.statement == statement)
        try answer.tlogProof.inclusionProof.verify(
            leafHash: statement.leafHash, root: answer.checkpoint.checkpoint.root)
        #expect(try TransparentStatement(decoding: answer.transparentStatement.encoded()).receipts == [answer.receipt])
        let again = try await log.client.submit(statement)
        #expect(again.index == 1)
        #expect(again.isDuplicate)
    }

    @Test("a receipt signed with another key")
    func otherReceiptKey() async throws {
        let error = try await error { log, response in
            var response = response
            let entries = log.entries
            response.body = log.receipt(1, entries, key: .generate()).encoded()
            return response
        }
        #expect(deciding(error) == "receipt-signature")
    }

    @Test("the receipt of another statement")
    func otherStatement() async throws {
        let error = try await error { log, response in
            var response = response
            response.body = log.receipt(0, log.entries).encoded()
            return response
        }
        #expect(deciding(error) == "receipt-signature")
    }

    @Test("a receipt whose checkpoint another key signed")
    func otherCheckpointKey() async throws {
        let error = try await error { log, response in
            var response = response
            let entries = log.entries
            let forged = log.checkpoint(entries, key: .generate())
            response.body = log.receipt(1, entries, checkpoint: forged).encoded()
            return response
        }
        #expect(deciding(error) == "log-signature")
    }

    @Test("a receipt with a good checkpoint of another tree")
    func otherTree() async throws {
        let error = try await error { log, response in
            var response = response
            let entries = log.entries
            response.body = log.receipt(1, entries, checkpoint: log.checkpoint([entries[0]])).encoded()
            return response
        }
        #expect(deciding(error) == "root-agreement")
    }

    @Test("a receipt without a checkpoint, from which no tlog-proof can be made")
    func noCheckpoint() async throws {
        let error = try await error { log, response in
            var response = response
            response.body = log.receipt(1, log.entries).carrying(nil).encoded()
            return response
        }
        guard case .contradiction? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("an index that the receipt does not prove")
    func otherIndex() async throws {
        let error = try await error { _, response in
            var response = response
            response.headers["holdfast-index"] = "7"
            return response
        }
        #expect(error == .contradiction(path: "entries", reason: "the log names index 7, its receipt proves index 1"))
    }

    @Test("every flipped bit of a receipt")
    func flippedBits() async throws {
        let log = try FakeLog()
        let statement = try log.opaque(1)
        let good = try await log.client.submit(statement).receipt.encoded()
        for place in good.indices {
            let bit = UInt8(1) << (place % 8)
            log.lie { _, response in
                var response = response
                response.body[place] ^= bit
                return response
            }
            await #expect(throws: ClientError.self, "bit of byte \(place)") { try await log.client.submit(statement) }
        }
    }

    @Test("no receipt at all", arguments: [[], [0xff], Array("hello".utf8)])
    func garbage(_ body: [UInt8]) async throws {
        let error = try await error { _, response in
            var response = response
            response.body = body
            return response
        }
        #expect(deciding(error) == "receipt-form")
    }

    @Test("another entry than the one that was asked for")
    func otherEntry() async throws {
        let log = try FakeLog()
        _ = try await log.client.submit(try log.opaque(1))
        _ = try await log.client.submit(try log.opaque(2))
        let other = try await log.client.registration(of: .index(2))
        #expect(other?.index == 2)
        let body = try #require(other?.transparentStatement.encoded())
        log.lie { _, response in ClientResponse(status: 200, body: body) }
        await #expect(throws: ClientError.self) { try await log.client.registration(of: .index(1)) }
        let absent = try FakeLog()
        #expect(try await absent.client.registration(of: .index(9)) == nil)
    }

    @Test("a checkpoint by another key, or of another log")
    func checkpoints() async throws {
        let log = try FakeLog()
        #expect(try await log.client.checkpoint().treeHead.size == 1)
        let forged = log.checkpoint(log.entries, key: .generate())
        log.lie { _, _ in ClientResponse(status: 200, body: forged.bytes) }
        await #expect(throws: ClientError.self) { try await log.client.checkpoint() }
        let other = try FakeLog(origin: "other.test/log")
        let foreign = other.checkpoint(other.entries)
        log.lie { _, _ in ClientResponse(status: 200, body: foreign.bytes) }
        await #expect(throws: ClientError.self) { try await log.client.checkpoint() }
    }
}
