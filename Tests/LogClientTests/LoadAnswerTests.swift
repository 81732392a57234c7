import NIOCore
import Testing

@testable import LogClient

@Suite("Answers to a load")
struct LoadAnswerTests {
    private static let created =
        "HTTP/1.1 201 Created\r\nContent-Type: application/scitt-receipt+cose\r\nContent-Length: 11\r\n"
        + "Date: Sun, 22 Nov 2026 00:00:00 GMT\r\n\r\nhello\r\n\r\nyo"
    private static let refused =
        "HTTP/1.1 429 Too Many Requests\r\ncontent-length:0\r\nCONNECTION:  Close \r\n\r\n"
    private static let expected = [
        LoadAnswer(status: 201, keepsOpen: true, body: Array("hello\r\n\r\nyo".utf8)),
        LoadAnswer(status: 429, keepsOpen: false, body: []),
    ]

    /// Reads all that comes in these pieces.
    private func answers(_ pieces: [ArraySlice<UInt8>], keepsBody: Bool = true) throws -> [LoadAnswer] {
        var reader = LoadAnswerReader()
        var answers: [LoadAnswer] = []
        for piece in pieces {
            var bytes = ByteBuffer(bytes: piece)
            while bytes.readableBytes > 0 {
                guard let answer = try reader.read(from: &bytes, keepsBody: keepsBody) else {
                    #expect(bytes.readableBytes == 0)
                    break
                }
                answers.append(answer)
            }
        }
        return answers
    }

    @Test("answers are the same wherever their bytes are split")
    func splits() throws {
        let bytes = Array((Self.created + Self.refused).utf8)
        #expect(try answers([bytes[...]]) == Self.expected)
        #expect(try answers(bytes.indices.map { bytes[$0...$0] }) == Self.expected)
        for first in 0...bytes.count {
            // A third piece that begins just behind, or far behind.
            for second in [first + 1, first + 2, first + 40] where second <= bytes.count {
                let found = try answers([bytes[..<first], bytes[first..<second], bytes[second...]])
                #expect(found == Self.expected, "split at \(first) and \(second)")
            }
        }
    }

    @Test("what follows an answer is left for the next one")
    func leftovers() throws {
        var reader = LoadAnswerReader()
        var bytes = ByteBuffer(string: Self.created + Self.refused + "HTTP/1.1 2")
        #expect(try reader.read(from: &bytes, keepsBody: true) == Self.expected[0])
        #expect(bytes.readableBytes == Self.refused.utf8.count + 10)
        #expect(try reader.read(from: &bytes, keepsBody: true) == Self.expected[1])
        #expect(try reader.read(from: &bytes, keepsBody: true) == nil)
        #expect(bytes.readableBytes == 0)
    }

    @Test("a body that nobody looks at is not kept, and is read to its end all the same")
    func body() throws {
        let bytes = Array((Self.created + Self.created).utf8)
        let found = try answers(bytes.indices.map { bytes[$0...$0] }, keepsBody: false)
        #expect(found.map(\.status) == [201, 201])
        #expect(found.allSatisfy { $0.body.isEmpty })
    }

    @Test(
        "what is not understood is a fault, and never guessed at",
        arguments: [
            ("HTTP/1.0 200 OK\r\n", .noStatusLine), ("HTTP/1.1 20 OK\r\n", .noStatusLine),
            ("HTTP/1.1 2000 OK\r\n", .noStatusLine), ("HTTP/1.1 099 OK\r\n", .noStatusLine),
            ("HTTP/1.1 +20 OK\r\n", .noStatusLine), ("HTTP/1.1 200 OK\n", .noStatusLine),
            ("\r\nHTTP/1.1 200 OK\r\n", .noStatusLine), ("\n", .noStatusLine),
            ("HTTP/1.1 100 Continue\r\n", .interim(100)), ("HTTP/1.1 103\r\n", .interim(103)),
            ("HTTP/1.1 200 OK\r\nContent-Length 3\r\n", .notAField), ("HTTP/1.1 200 OK\r\n: 3\r\n", .notAField),
            ("HTTP/1.1 200 OK\r\nContent-Length : 3\r\n", .notAField),
            ("HTTP/1.1 200 OK\r\nA: b\r\n Content-Length: 3\r\n", .notAField),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\n", .notAField),
            ("HTTP/1.1 200 OK\r\nContent-Length:\r\n", .length),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0x3\r\n", .length),
            ("HTTP/1.1 200 OK\r\nContent-Length: -3\r\n", .length),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n", .length),
            ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n", .length),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\ncontent-length: 3\r\n", .length),
            ("HTTP/1.1 200 OK\r\nDate: today\r\n\r\n", .noLength),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n", .transferCoding),
            ("HTTP/1.1 200 OK\r\nConnection: upgrade\r\n", .connection),
        ] as [(String, LoadAnswerReader.Fault)])
    func faults(text: String, fault: LoadAnswerReader.Fault) {
        #expect(throws: fault) { try answers([Array(text.utf8)[...]]) }
        let bytes = Array(text.utf8)
        #expect(throws: fault) { try answers(bytes.indices.map { bytes[$0...$0] }) }
    }

    @Test("a head has no more than 16 KiB, whether its lines end or not")
    func headLimit() throws {
        let start = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: "
        func head(bytes count: Int) -> [UInt8] {
            Array((start + String(repeating: "a", count: count - start.utf8.count - 4) + "\r\n\r\n").utf8)
        }
        #expect(try answers([head(bytes: 16_384)[...]]).count == 1)
        #expect(throws: LoadAnswerReader.Fault.headTooLong) { try answers([head(bytes: 16_385)[...]]) }
        let endless = [UInt8](repeating: UInt8(ascii: "H"), count: 16_385)
        #expect(throws: LoadAnswerReader.Fault.headTooLong) { try answers([endless[...]]) }
    }

    @Test("the head after an answer has its limit anew, and its own length and connection")
    func anew() throws {
        let long = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nA: \(String(repeating: "a", count: 12_000))\r\n\r\nok"
        let found = try answers([Array((Self.refused + long + long).utf8)[...]])
        #expect(found.map(\.status) == [429, 200, 200])
        #expect(found.map(\.keepsOpen) == [false, true, true])
        #expect(throws: LoadAnswerReader.Fault.noLength) {
            try answers([Array((long + "HTTP/1.1 200 OK\r\n\r\n").utf8)[...]])
        }
    }

    @Test("a request's bytes are its head with the length of its body, and the body")
    func requests() {
        let one = LoadRequest.registration(of: [[1, 2, 3]], host: "log.example:8787")
        #expect(
            Array(one.bytes.readableBytesView)
                == Array(
                    ("POST /entries HTTP/1.1\r\nHost: log.example:8787\r\nContent-Type: application/cose\r\n"
                        + "Content-Length: 3\r\n\r\n").utf8) + [1, 2, 3])
        let several = LoadRequest.registration(of: [[1], [2, 3]], host: "h")
        #expect(
            Array(several.bytes.readableBytesView)
                == Array(
                    ("POST /entries HTTP/1.1\r\nHost: h\r\nContent-Type: \(MediaType.sequence)\r\n"
                        + "Content-Length: 3\r\n\r\n").utf8) + [1, 2, 3])
        #expect(several.statements == 2)
        let read = LoadRequest.read("/checkpoint", host: "h")
        #expect(String(buffer: read.bytes) == "GET /checkpoint HTTP/1.1\r\nHost: h\r\n\r\n")
    }
}
