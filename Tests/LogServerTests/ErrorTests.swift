import COSE
import Foundation
import Governance
import HTTPTypes
import HummingbirdTesting
import LogEngine
import LogStore
import NIOCore
import Testing
import Tlog

@testable import HTTPServing
@testable import LogServer

@Suite("Errors")
struct ErrorTests {
    /// A file of the repository, from this file's place in it.
    static func repositoryFile(_ path: String) throws -> String {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    @Test("spec/errors.md has exactly the codes, statuses and titles of the server")
    func table() throws {
        let rows = try Self.repositoryFile("spec/errors.md").split(separator: "\n").filter { $0.hasPrefix("| `") }
            .map { row in row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) } }
        #expect(rows.map { $0[0].trimmingCharacters(in: ["`"]) } == ProblemCode.allCases.map(\.rawValue))
        for (row, code) in zip(rows, ProblemCode.allCases) {
            #expect(row.count == 4)
            #expect(row[1] == String(code.status.code), "\(code)")
            #expect(row[2] == code.title, "\(code)")
            #expect(row[3].count > 20, "\(code)")
        }
    }

    @Test("Every code of the engine is the same code here")
    func engineCodes() {
        for code in RejectionCode.allCases {
            #expect(ProblemCode(code).rawValue == code.rawValue)
            #expect((ProblemCode(code).status.code >= 500 || code == .rateLimited) == code.isTemporary)
        }
    }

    @Test(
        "Problems of what is read as JSON are JSON, unless the client wants CBOR more",
        arguments: [
            (nil, true), ("*/*", true), ("application/json", true), ("application/problem+json", true),
            ("application/json, application/cbor", true), ("application/json, application/cbor;q=0.1", true),
            ("application/json;q=0.1, application/cbor", false), ("application/cbor", false),
            ("application/vnd.holdfast.state-proof+cbor", false),
        ] as [(String?, Bool)])
    func negotiationOfReads(accept: String?, isJSON: Bool) async throws {
        var headers = HTTPFields()
        headers[.accept] = accept
        let response = try await TestLog().get("/state/nothing", headers)
        let isUnacceptable = accept == "application/problem+json"
        #expect(response.problem?.code == (isUnacceptable ? "not-acceptable" : "bad-parameter"))
        #expect(
            response.mediaType == (isJSON ? "application/problem+json" : "application/concise-problem-details+cbor"))
    }

    @Test(
        "Problems are CBOR unless the client cannot read that and can read JSON",
        arguments: [
            (nil, false), ("*/*", false), ("application/cose", false), ("application/json", true),
            ("application/problem+json", true), ("application/json, application/cbor;q=0.1", false),
            ("application/json, application/concise-problem-details+cbor", false),
            ("application/json, application/*;q=0.1", false), ("application/json, */*;q=0", true), ("text/html", false),
            ("application/json;q=0", false), ("application/json, application/concise-problem-details+cbor;q=0", true),
        ] as [(String?, Bool)])
    func negotiation(accept: String?, isJSON: Bool) async throws {
        var headers = HTTPFields()
        headers[.accept] = accept
        let response = try await TestLog().get("/nowhere", headers)
        #expect(response.status == .notFound)
        #expect(
            response.mediaType == (isJSON ? "application/problem+json" : "application/concise-problem-details+cbor"))
        if isJSON {
            #expect(response.json?["title"] == "Not Found")
            #expect(response.json?["status"] == 404)
            #expect(response.json?["code"] == "not-found")
            #expect(response.json?["type"]?.stringValue?.hasSuffix("#not-found") == true)
        } else {
            #expect(response.problem?.title == "Not Found")
            #expect(response.problem?.code == "not-found")
        }
    }

    /// What ends a log.
    private static func freeze(at time: UInt64) throws -> SignedStatement {
        let authority = try TestLog.key(4)
        let event = try Event(
            type: "log.freeze", stream: "log", seq: 0, prev: nil, time: time,
            data: LogFreeze(successor: "log.example/next", genesis: .zero).cbor)
        return try SignedStatement.sign(
            payload: event.encoded(), contentType: Event.contentType,
            issuer: KeyDirectory.authorityIssuer(COSEKey(authority.publicKey)), subject: "test", key: authority)
    }

    /// Makes the server answer with a code.
    private func provoke(_ code: ProblemCode) async throws -> TestResponse {
        switch code {
        case .malformed: return try await TestLog().post([0x01])
        case .tooLarge: return try await TestLog().post(Array(repeating: 0, count: 100_000))
        case .badSignature:
            let log = try TestLog()
            var bytes = try log.evidence("x").entryBytes
            bytes[bytes.count - 40] ^= 1
            return try await log.post(bytes)
        case .unsupportedAlgorithm: return try await withHeader { $0[1] = -7 }
        case .payloadMissing:
            let log = try TestLog()
            let message = try COSESign1(decoding: log.evidence("x").entryBytes)
            return try await log.post(
                COSESign1(protected: message.protected, payload: nil, signature: message.signature).encoded())
        case .unknownIssuer:
            let log = try TestLog()
            return try await log.post(log.evidence("x", key: TestLog.key(9)).entryBytes)
        case .streamGap:
            let log = try TestLog()
            return try await log.post(log.event("s", seq: 3, prev: .zero).entryBytes)
        case .streamFork:
            let log = try TestLog()
            #expect(try await log.post(log.event("s", seq: 0, prev: nil).entryBytes).status == .created)
            return try await log.post(log.event("s", seq: 0, prev: nil, time: log.clock.now() + 1).entryBytes)
        case .timeSkew:
            let log = try TestLog()
            return try await log.post(log.event("s", seq: 0, prev: nil, time: 1000).entryBytes)
        case .notAllowed:
            let log = try TestLog()
            return try await log.post(log.evidence("x", contentType: "image/png").entryBytes)
        case .frozen:
            let log = try TestLog()
            #expect(try await log.post(Self.freeze(at: log.clock.now()).entryBytes).status == .created)
            return try await log.post(log.evidence("x").entryBytes)
        case .rateLimited, .overloaded, .timedOut, .noQuorum, .clockBehind, .storageFailed, .stopped:
            return try await provokeTemporary(code)
        case .badParameter: return try await TestLog().get("/proof/consistency")
        case .notFound: return try await TestLog().get("/nowhere")
        case .noSuchKey: return try await TestLog().get("/.well-known/scitt-keys/x")
        case .emptyStream: return try await TestLog().get("/streams/a/b")
        case .notSealed: return try await TestLog().get("/policy?size=1")
        case .notRetained:
            let log = try TestLog(retainedSeals: 1)
            try await log.fill(1)
            return try await log.get("/policy?size=2")
        case .methodNotAllowed: return try await TestLog().get("/checkpoint", method: .delete)
        case .notAcceptable: return try await TestLog().get("/entries/0", [.accept: "image/png"])
        case .requestTimeout:
            var log = try TestLog()
            log.options.bodyTimeout = .nanoseconds(-1)
            return try await log.post([0x01])
        case .unsupportedMediaType: return try await TestLog().post([0x01], "text/plain")
        case .internal:
            let log = try TestLog()
            return try await log.ask { [store = log.store] client in
                store.failReads(StoreError(.corrupt, "made to fail"))
                return try await client.execute(uri: "/entries/0", method: .get)
            }
        case .notReady:
            let log = try TestLog()
            return try await log.ask { [log = log.log] client in
                await log.shutdown()
                return try await client.execute(uri: "/readyz", method: .get)
            }
        }
    }

    private func provokeTemporary(_ code: ProblemCode) async throws -> TestResponse {
        var log = try TestLog()
        let statement = try log.evidence("x").entryBytes
        switch code {
        case .rateLimited:
            log.options.submissionRate = RequestRate(perSecond: 0.1, burst: 1)
            let headers: HTTPFields = [.contentType: "application/cose"]
            return try await log.ask { client in
                let body = ByteBuffer(bytes: statement)
                _ = try await client.execute(uri: "/entries", method: .post, headers: headers, body: body)
                return try await client.execute(uri: "/entries", method: .post, headers: headers, body: body)
            }
        case .overloaded:
            log.options.maxBodyBytesInFlight = 10
            return try await log.post(statement)
        case .timedOut:
            log.options.submissionTimeout = .milliseconds(200)
            log.store.holdCommits(true)
            defer { log.store.holdCommits(false) }
            return try await log.post(statement)
        case .noQuorum:
            log.options.submissionTimeout = .seconds(8)
            return try await log.losingItsQuorum().post(statement)
        case .clockBehind:
            log.clock.set(1000)
            return try await log.post(statement)
        case .storageFailed:
            log.store.failCommits(StoreError(.full, "made to fail"))
            return try await log.post(statement)
        default:
            return try await log.ask { [log = log.log] client in
                await log.shutdown()
                return try await client.execute(
                    uri: "/entries", method: .post, headers: [.contentType: "application/cose"],
                    body: ByteBuffer(bytes: statement))
            }
        }
    }

    /// A statement whose protected header was changed.
    private func withHeader(_ change: (inout CBORMap) -> Void) async throws -> TestResponse {
        let log = try TestLog()
        let message = try COSESign1(decoding: log.evidence("x").entryBytes)
        var header = try #require(try CBOR(decoding: message.protected).mapValue)
        change(&header)
        let changed = COSESign1(
            protected: CBOR.map(header).encoded(), payload: message.payload, signature: message.signature)
        return try await log.post(changed.encoded())
    }

    @Test("Every code is answered with its status, title and a sentence", arguments: ProblemCode.allCases)
    func everyCode(code: ProblemCode) async throws {
        let response = try await provoke(code)
        let problem = try #require(response.problem, "\(response.status) \(response.text)")
        #expect(problem.code == code.rawValue, "\(problem.detail)")
        #expect(response.status == code.status)
        #expect(problem.title == code.title)
        #expect(problem.detail.count > 20)
        #expect(response.cachePolicy == "no-store")
        let isLater = code.status == .tooManyRequests || code.status == .serviceUnavailable
        #expect((response.headers[.retryAfter].flatMap { Int($0) }.map { $0 > 0 } ?? false) == isLater)
        #expect((problem.fields["retry-after"]?.unsignedValue != nil) == isLater)
    }

    @Test("405 says what is allowed; OPTIONS does too; browsers may read and not submit")
    func methods() async throws {
        let log = try TestLog()
        for route in Route.allCases {
            let path = route.rawValue.replacing("{level}/{index}", with: "0/000").replacing("{index}", with: "000")
                .replacing("{id}", with: "0").replacing("{kid}", with: "k").replacing("{issuer}/{name}", with: "a/b")
                .replacing("/{key}", with: "/policy").replacing("{", with: "").replacing("}", with: "")
            let wrong = try await log.get(path, method: route == .entries ? .get : .post)
            #expect(wrong.status == .methodNotAllowed, "\(path)")
            #expect(wrong.headers[.allow] == (route == .entries ? "POST, OPTIONS" : "GET, HEAD, OPTIONS"))
            let options = try await log.get(path, method: .options)
            #expect(options.status == .noContent)
            #expect(options.headers[.allow] == wrong.headers[.allow])
            #expect(options.headers[.accessControlAllowOrigin] == (route == .entries ? nil : "*"))
            #expect((options.headers[.accessControlAllowMethods] != nil) == (route != .entries))
        }
        #expect(try await log.get("/checkpoint").headers[.accessControlAllowOrigin] == "*")
        #expect(try await log.post([1]).headers[.accessControlAllowOrigin] == nil)
    }

    @Test("spec/openapi.yaml has exactly the routes and methods of the server")
    func openAPI() throws {
        var found: [String: Set<String>] = [:]
        var path: String?
        var inPaths = false
        for line in try Self.repositoryFile("spec/openapi.yaml").split(separator: "\n") {
            if !line.hasPrefix(" ") { inPaths = line == "paths:" }
            guard inPaths, line.hasSuffix(":") else { continue }
            let name = String(line.dropLast())
            if name.hasPrefix("  /") {
                path = String(name.dropFirst(2))
                found[path ?? ""] = []
            } else if let path, ["    get", "    post", "    put", "    delete"].contains(name) {
                found[path]?.insert(String(name.dropFirst(4)))
            }
        }
        let served = Dictionary(
            uniqueKeysWithValues: Route.allCases.map { ($0.rawValue, Set([$0 == .entries ? "post" : "get"])) })
        #expect(found == served)
    }
}
