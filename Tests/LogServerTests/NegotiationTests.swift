import Testing
import Tlog

@testable import LogServer

@Suite("What clients accept")
struct NegotiationTests {
    @Test(
        "The quality of a type is that of the range that names it most exactly",
        arguments: [
            (nil, 1000), ("*/*", 1000), ("", 1000), ("application/cose", 1000), ("application/cbor", 0),
            ("application/*", 1000), ("application/*;q=0.5", 500), ("application/*;q=0.5, application/cose;q=0.1", 100),
            ("application/cose;q=0, */*", 0), ("*/*;q=0.2, text/plain", 200), ("APPLICATION/COSE; Q=0.123", 123),
            ("application/cose ; q=1.000", 1000), ("text/html, application/cose;v=1;q=0.7", 700),
            ("application/cose;q=0.", 0), ("application/cose;q=1.", 1000), ("a/b, application/cose;q=.5", 0),
            ("a/b, application/cose;q=1.5", 0), ("a/b, application/cose;q=0.1234", 0), ("a/b, application/cose;q=x", 0),
            ("a/b, */cose", 0), ("a/b, cose", 0), ("a/b, application/", 0), (",,application/cose,", 1000),
            ("cose", 1000),
        ] as [(String?, Int)])
    func quality(field: String?, expected: Int) {
        #expect(Accept(field).quality(of: .cose) == expected)
    }

    @Test("An Accept field with thousands of ranges is read up to a bound")
    func bound() {
        let field = Array(repeating: "text/plain", count: 10_000).joined(separator: ",") + ",application/cose"
        #expect(Accept(field).quality(of: .cose) == 0)
        #expect(Accept(field).quality(of: .plainText) == 1000)
    }

    @Test(
        "A Content-Type names a type whatever its case and parameters",
        arguments: [
            ("application/cose", true), ("Application/COSE", true),
            ("application/cose; cose-type=\"cose-sign1\"", true),
            (" application/cose ;x=y", true), ("application/cose-key", false), ("application", false), ("", false),
            ("text/cose", false), ("application/cose/x", false),
        ])
    func contentType(field: String, isCOSE: Bool) {
        #expect(MediaType.cose.isNamed(by: field) == isCOSE)
    }
}

@Suite("Paths and queries")
struct TargetTests {
    @Test(
        "A path names its resource exactly or none",
        arguments: [
            ("/", .home), ("/entries", .entries), ("/entries/", nil), ("//entries", nil), ("/Entries", nil),
            ("/entries/ab", .entry), ("/entries/ab/", nil), ("/entries/ab/statement", .entryStatement),
            ("/entries/ab/proof", .entryProof), ("/entries/ab/other", nil), ("/entries//proof", nil),
            ("/.well-known/scitt-keys", .keys), ("/.well-known/scitt-keys/k", .key), ("/.well-known/other", nil),
            ("/checkpoint", .checkpoint), ("/checkpoint?x=1", .checkpoint), ("/checkpoint/x", nil),
            ("/tile/0/000", .tile), ("/tile/0/x001/x234/067.p/8", .tile), ("/tile/entries/000", .entryBundle),
            ("/tile/0", nil), ("/tile", nil), ("/proof/inclusion", .inclusionProof), ("/proof", nil),
            ("/proof/consistency?from=1", .consistencyProof), ("/streams/a/b", .stream), ("/streams/a", nil),
            ("/streams/a/b/c", nil), ("/streams/a%2Fb/c", .stream), ("/streams/%/c", nil), ("/streams/%ff/c", nil),
            ("", nil), ("*", nil), ("entries", nil), ("http://log.example/entries", .entries),
            ("http://log.example", nil), ("https://log.example:8080/checkpoint?a", .checkpoint), ("/metrics", .metrics),
            ("/healthz", .health), ("/readyz", .readiness), ("/genesis", .genesis), ("/entries/%2e%2e", .entry),
        ] as [(String, Route?)])
    func route(path: String, expected: Route?) {
        #expect(RouteMatch(RequestTarget(path))?.route == expected)
    }

    @Test("Segments are decoded after they were told apart")
    func decoding() throws {
        let match = try #require(RouteMatch(RequestTarget("/streams/https%3A%2F%2Fa.example%2Fx/a%20b+c%C3%A9?z=1")))
        #expect(match.arguments == ["https://a.example/x", "a b+cé"])
    }

    @Test(
        "A query at fault is refused by the name of what is wrong",
        arguments: [
            ("size=01", "size"), ("size=-1", "size"), ("size=", "size"), ("size=+1", "size"), ("size=1.0", "size"),
            ("size=18446744073709551616", "size"), ("size=1&size=1", "size"), ("other=1", "not known"),
            ("size", "name=value"), ("size=%zz", "name=value"), ("size=1 ", "size"), ("size=٣", "size"),
        ])
    func refused(query: String, named: String) {
        let problem = #expect(throws: Problem.self) {
            let query = try Query(query[...], allowing: ["size", "leaf"])
            _ = try query.number("size")
        }
        #expect(problem?.code == .badParameter)
        #expect(problem?.detail.contains(named) == true)
    }

    @Test("A query gives numbers and hashes, and nil for what is not there")
    func accepted() throws {
        let hex = String(repeating: "0a", count: 32)
        let query = try Query("size=18446744073709551615&leaf=\(hex)", allowing: ["size", "leaf", "index"])
        #expect(try query.number("size") == .max)
        #expect(try query.hash("leaf")?.hex == hex)
        #expect(try query.number("index") == nil)
        #expect(try Query(nil, allowing: []).number("size") == nil)
        #expect(throws: Problem.self) { try Query("leaf=\(hex.uppercased())"[...], allowing: ["leaf"]).hash("leaf") }
    }
}
