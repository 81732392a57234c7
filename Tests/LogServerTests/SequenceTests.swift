import COSE
import Governance
import HTTPTypes
import HummingbirdTesting
import LogEngine
import NIOCore
import Testing
import Tlog

@testable import HTTPServing
@testable import LogServer

@Suite("Many statements at once")
struct SequenceTests {
    /// The results of an answer, decoded.
    private func results(_ response: TestResponse) throws -> [(status: UInt64, index: UInt64?, body: [UInt8])] {
        #expect(response.mediaType == "application/cbor-seq")
        return try CBORSequence.ranges(in: response.bytes, count: 10_000).map { range in
            let item = try #require(try CBOR(decoding: Array(response.bytes[range])).arrayValue)
            #expect(item.count == 3)
            return (try #require(item[0].unsignedValue), item[1].unsignedValue, try #require(item[2].bytesValue))
        }
    }

    @Test("Good and bad statements are answered one by one, in their order, and the bad ones touch nothing")
    func mixed() async throws {
        let log = try TestLog()
        let first = try log.evidence("one")
        let stranger = try log.evidence("two", key: TestLog.key(9))
        let garbage: [UInt8] = [0x83, 0x01, 0x02, 0x03]
        let chain0 = try log.event("chain", seq: 0, prev: nil)
        let chain1 = try log.event("chain", seq: 1, prev: chain0.leafHash)
        let gap = try log.event("chain", seq: 7, prev: chain1.leafHash)
        let body = [
            first.entryBytes, stranger.entryBytes, garbage, chain0.entryBytes, chain1.entryBytes, gap.entryBytes,
            first.entryBytes,
        ].flatMap { $0 }
        let response = try await log.post(body, "application/cbor-seq")
        #expect(response.status == .ok)
        let results = try results(response)
        #expect(results.map(\.status) == [201, 400, 400, 201, 201, 409, 200])
        #expect(results.map(\.index) == [2, nil, nil, 3, 4, nil, 2])
        for (result, statement) in zip(
            [results[0], results[3], results[4], results[6]], [first, chain0, chain1, first])
        {
            let receipt = try Receipt(decoding: result.body)
            _ = try receipt.verify(leafHash: statement.leafHash, key: log.keys.receipt.publicKey)
        }
        let codes = [results[1], results[2], results[5]].map { ReadProblem($0.body)?.code }
        #expect(codes == ["unknown-issuer", "malformed", "stream-gap"])
        #expect(ReadProblem(results[5].body)?.fields["expected-seq"] == 2)
        #expect(log.log.published.size == 6)
    }

    @Test("Problems inside a sequence are CBOR whatever is accepted")
    func alwaysCBOR() async throws {
        let log = try TestLog()
        let response = try await log.post(
            [0x00], "application/cbor-seq", [.accept: "application/cbor-seq, application/json"])
        #expect(ReadProblem(try #require(try results(response).first).body)?.code == "malformed")
    }

    @Test("A sequence of nothing has no results")
    func empty() async throws {
        let response = try await TestLog().post([], "application/cbor-seq")
        #expect(response.status == .ok)
        #expect(response.bytes.isEmpty)
    }

    @Test("A sequence that does not hold together is refused whole")
    func broken() async throws {
        let log = try TestLog()
        let response = try await log.post(
            try log.evidence("one").entryBytes + [0x58, 0x20, 0x00], "application/cbor-seq")
        #expect(response.status == .badRequest)
        #expect(response.problem?.code == "malformed")
        #expect(log.log.published.size == 2)
    }

    @Test("Count and bytes are bounded")
    func bounds() async throws {
        var log = try TestLog()
        log.options.maxSequenceCount = 3
        log.options.maxSequenceBytes = 2000
        let many = try (0..<4).map { try log.evidence("n \($0)").entryBytes }
        let counted = try await log.post(many.flatMap { $0 }, "application/cbor-seq")
        #expect(counted.status == .contentTooLarge)
        #expect(counted.problem?.code == "too-large")
        #expect(log.log.published.size == 2)
        #expect(try await log.post(many.dropLast().flatMap { $0 }, "application/cbor-seq").status == .ok)
        let heavy = try await log.post(Array(repeating: 0, count: 2001), "application/cbor-seq")
        #expect(heavy.status == .contentTooLarge)
    }

    @Test("Every statement counts against the client's rate")
    func rate() async throws {
        var log = try TestLog()
        log.options.submissionRate = RequestRate(perSecond: 0.01, burst: 10)
        let body = try (0..<6).map { try log.evidence("n \($0)").entryBytes }.flatMap { $0 }
        try await log.ask { client in
            for (expected, retry) in [(200, nil), (429, "x")] as [(Int, String?)] {
                let response = try await client.execute(
                    uri: "/entries", method: .post, headers: [.contentType: "application/cbor-seq"],
                    body: .init(bytes: body))
                #expect(response.status.code == expected)
                #expect((response.headers[.retryAfter] == nil) == (retry == nil))
            }
        }
        #expect(log.log.published.size == 9)
    }
}
