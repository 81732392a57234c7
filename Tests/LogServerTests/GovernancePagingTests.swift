import COSE
import Governance
import HTTPTypes
import HummingbirdTesting
import LogEngine
import LogStore
import Testing
import Tlog

@testable import LogServer

@Suite("Pages, sizes and caches of the governance state")
struct GovernancePagingTests {
    /// Every address of the governance state in a log that has a grant and an execution.
    static let paths = [
        "/policy", "/identities", "/identities/spiffe%3A%2F%2Fexample.org%2Fgate%2Fgus", "/grants", "/models",
        "/executions", "/executions/log.example%2Ftest/run", "/executions/log.example%2Ftest/run/lineage",
        "/containments", "/peers", "/routes",
    ]

    private func running() async throws -> (log: GovernedLog, grant: Hash) {
        var log = try GovernedLog()
        let grant = try await log.add(GovernedLog.grant(), by: .olga)
        try await log.start("run", grant)
        return (log, grant)
    }

    // MARK: Pages

    @Test("A list that was begun stays what it was while the log goes on; each key comes once, in order")
    func stable() async throws {
        var log = try GovernedLog()
        var grants: Set<String> = []
        for _ in 0..<25 { grants.insert(try await log.add(GovernedLog.grant(), by: .olga).hex) }
        let size = log.size
        var found: [String] = []
        var next: String? = "/grants?limit=7"
        var pages = 0
        while let uri = next {
            let page = try await log.json(uri)
            #expect(page["size"]?.unsignedValue == size)
            let items = try #require(page["items"]?.arrayValue)
            #expect(items.count == (pages == 3 ? 4 : 7))
            found += items.compactMap { $0["hash"]?.stringValue }
            next = page["next"]?.stringValue
            #expect(next?.contains("size=\(size)") != false)
            pages += 1
            // What comes meanwhile, and what changes, is not in this list.
            try await log.add(GovernedLog.grant(), by: .olga)
            if let first = found.first.flatMap({ Hash(hex: $0) }), pages == 1 {
                try await log.add(GrantRevoke(grant: first, reason: "no"), by: .olga)
            }
        }
        #expect(pages == 4)
        #expect(found == grants.sorted())
        let again = try await log.items("/grants?limit=1000&size=\(size)")
        #expect(again.map { $0["hash"]?.stringValue } == found)
        #expect(again.allSatisfy { $0["revoked"] == false })
        let newest = try await log.items("/grants")
        #expect(newest.count == 29)
        #expect(newest.count { $0["revoked"] == true } == 1)
        #expect(try await log.json("/grants?limit=29")["next"] == .null)
    }

    @Test("Links begin with the address that the operator named")
    func links() async throws {
        var log = try TestLog()
        log.options.baseURL = "https://log.example"
        let page = try await log.get("/statements?limit=1&type=policy.set").json
        #expect(page?["next"] == .null)
        let all = try await log.get("/statements?limit=1").json
        #expect(all?["next"] == "https://log.example/statements?before=1&limit=1")
    }

    @Test(
        "Parameters at fault are 400 and named",
        arguments: [
            ("/grants?limit=0", "limit"), ("/grants?limit=1001", "limit"), ("/grants?limit=-1", "limit"),
            ("/grants?limit=18446744073709551615", "limit"), ("/grants?limit=01", "limit"),
            ("/grants?after=x", "after"), ("/grants?after=gWZwb2xpY3k", "after"), ("/grants?after=", "after"),
            ("/grants?page=2", "size, limit, after"), ("/grants?limit=1&limit=2", "limit"),
            ("/policy?limit=1", "size"), ("/policy?size=x", "size"), ("/policy?size=3", "published size is 2"),
            ("/grants?size=99", "published size is 2"), ("/statements?size=2", "issuer, subject, type, before, limit"),
            ("/statements?issuer=a&type=b", "issuer, subject and type"), ("/statements?before=x", "before"),
            ("/statements?limit=1001", "limit"), ("/executions/a/b/lineage?depth=0", "depth"),
            ("/executions/a/b/lineage?depth=1001", "depth"), ("/executions/a/b/lineage?limit=0", "limit"),
            ("/executions/a/b/lineage?after=x", "size, depth, limit"), ("/grants/abc", "leaf hash"),
            ("/models/a/b?limit=1", "size"), ("/state/nothing/here", "nothing"), ("/state/grant/abc", "hexadecimal"),
            ("/state/policy?limit=1", "size"), ("/state/", "segment"),
        ])
    func parameters(path: String, named: String) async throws {
        let response = try await TestLog().get(path)
        #expect(response.status == .badRequest, "\(path)")
        #expect(response.problem?.code == "bad-parameter")
        #expect(response.problem?.detail.contains(named) == true, "\(response.problem?.detail ?? "")")
    }

    @Test("A cursor of one list is none of another, nor of another issuer's keys")
    func cursors() async throws {
        let (log, _) = try await running()
        let cursor = try #require(try await log.json("/identities?limit=1")["next"]?.stringValue)
        let after = try #require(cursor.split(separator: "after=").last)
        #expect(try await log.get("/identities?after=\(after)").status == .ok)
        for path in ["/grants", "/identities/spiffe%3A%2F%2Fexample.org%2Fgate%2Fgu", "/containments"] {
            #expect(try await log.get("\(path)?after=\(after)").problem?.code == "bad-parameter", "\(path)")
        }
    }

    // MARK: Sizes

    @Test("A size between two seals is none, and one too old is kept no more: 404 with the nearest")
    func sizes() async throws {
        let log = try TestLog(retainedSeals: 2)
        for number in 0..<3 { try await log.fill(2, "\(number)") }
        // Seals end 2, 5, 8 and 11; the newest two are kept.
        #expect(log.log.published.size == 11)
        for (size, code, nearest) in [
            (9, "not-sealed", 8), (10, "not-sealed", 8), (7, "not-sealed", 8), (5, "not-retained", 8),
            (2, "not-retained", 8), (1, "not-sealed", 8), (0, "not-sealed", 8), (12, "bad-parameter", 11),
        ] as [(Int, String, UInt64)] {
            for path in ["/policy", "/grants", "/state/policy"] {
                let response = try await log.get("\(path)?size=\(size)")
                #expect(response.problem?.code == code, "\(path) \(size)")
                #expect(response.status == (code == "bad-parameter" ? .badRequest : .notFound))
                #expect(response.problem?.fields["nearest-size"]?.unsignedValue == nearest)
                #expect(response.problem?.detail.contains("\(nearest)") == true)
            }
        }
        let json = try await log.get("/policy?size=5", [.accept: "application/json"])
        #expect(json.json?["nearest-size"] == 8)
        #expect(try await log.get("/policy?size=8").status == .ok)
        #expect(try await log.get("/policy?size=11").status == .ok)
    }

    @Test("A size of its own answers what was then; time is that of its seal")
    func time() async throws {
        let (log, grant) = try await running()
        let before = try await log.json("/grants/\(grant.hex)")
        log.test.clock.set(log.test.clock.now() + 5)
        try await log.test.fill(1)
        let after = try await log.json("/grants/\(grant.hex)")
        #expect(after["time"]?.unsignedValue == (before["time"]?.unsignedValue ?? 0) + 5)
        #expect(try await log.json("/grants/\(grant.hex)?size=\(before["size"]?.unsignedValue ?? 0)") == before)
        #expect(try await log.items("/grants?size=2").isEmpty)
        #expect(try await log.get("/grants/\(grant.hex)?size=2").status == .notFound)
    }

    @Test("What is committed and not yet published is in no answer")
    func cut() async throws {
        var (log, grant) = try await running()
        let older = log.size
        log = try await log.losingItsQuorum()
        var answers: [String: JSON] = [:]
        let paths = Self.paths + ["/grants/\(grant.hex)", "/statements", "/statements?type=grant.issue"]
        for path in paths { answers[path] = try await log.json(path) }

        let revoke = try log.statement("grant.revoke", GrantRevoke(grant: grant, reason: "no").cbor, by: .olga)
        let another = try log.statement("grant.issue", GovernedLog.grant().cbor, by: .olga)
        let child = try log.starting("child", grant, parents: [GovernedLog.id("run")])
        let held = await log.test.log.submit(
            (child + [revoke, another]).map(\.entryBytes), timeout: .milliseconds(500))
        #expect(held.allSatisfy { if case .failure(let why) = $0 { why.code == .noQuorum } else { false } })
        let committed = try log.test.store.read { try $0.head.size }
        #expect(committed == older + 5)
        #expect(log.size == older)
        for path in paths { #expect(try await log.json(path) == answers[path], "\(path)") }
        #expect(try await log.get("/grants/\(another.leafHash.hex)").status == .notFound)
        #expect(try await log.get(GovernedLog.id("child").path).status == .notFound)
        #expect(try await log.get("/policy?size=\(committed)").problem?.code == "bad-parameter")
        #expect(try await log.json("/statements?before=\(committed)")["items"] == answers["/statements"]?["items"])
    }

    // MARK: Caches

    @Test("Answers are JSON; the newest are asked for again and cost nothing then, those of a size are kept")
    func caches() async throws {
        let (log, grant) = try await running()
        let size = log.size
        for path in Self.paths + ["/grants/\(grant.hex)"] {
            let response = try await log.get(path)
            #expect(response.status == .ok, "\(path)")
            #expect(response.mediaType == "application/json")
            #expect(response.cachePolicy == "no-cache")
            #expect(response.json?["size"]?.unsignedValue == size)
            #expect(response.json?["time"] != nil)
            let tag = try #require(response.headers[.eTag])
            let again = try await log.get(path, [.ifNoneMatch: tag])
            #expect(again.status == .notModified)
            #expect(again.bytes.isEmpty)
            #expect(again.headers[.eTag] == tag)
            let pinned = try await log.get("\(path)?size=\(size)")
            #expect(pinned.cachePolicy.contains("max-age=86400"), "\(path)")
            #expect(pinned.bytes == response.bytes)
            #expect(try await log.get(path, [.accept: "text/html"]).status == .notAcceptable)
        }
        let statements = try await log.get("/statements")
        let tag = try #require(statements.headers[.eTag])
        #expect(try await log.get("/statements", [.ifNoneMatch: tag]).status == .notModified)
        try await log.test.fill(1)
        #expect(try await log.get("/statements", [.ifNoneMatch: tag]).status == .ok)
        #expect(try await log.get("/policy", [.ifNoneMatch: tag]).status == .ok)
        #expect(try await log.get("/grants/\(Hash.zero.hex)", [.ifNoneMatch: "*"]).status == .notFound)
    }

    @Test("Paths that are nearly right are none")
    func paths() async throws {
        let (log, grant) = try await running()
        for path in [
            "/policy/", "/grants/", "/grants/\(grant.hex)/", "/Grants", "/models/a", "/executions/a", "/state",
            "/executions/a/b/c", "/executions//b", "/identities/", "/peers/x", "/statements/1",
        ] {
            #expect(try await log.get(path).status == .notFound, "\(path)")
        }
    }
}
