import NIOCore
import Testing

@testable import HTTPServing
@testable import LogServer

@Suite("Client addresses")
struct ClientAddressTests {
    @Test(
        "Addresses are read as RFC 4291 writes them",
        arguments: [
            ("127.0.0.1", 0, 0xffff_7f00_0001), ("::1", 0, 1), ("::", 0, 0), ("::ffff:10.0.0.1", 0, 0xffff_0a00_0001),
            ("2001:db8::1", 0x2001_0db8_0000_0000, 1),
            ("1:2:3:4:5:6:7:8", 0x0001_0002_0003_0004, 0x0005_0006_0007_0008),
            ("fe80::", 0xfe80_0000_0000_0000, 0), ("1::8", 0x0001_0000_0000_0000, 8),
            ("1:2:3:4:5:6:7::", 0x0001_0002_0003_0004, 0x0005_0006_0007_0000),
            ("64:ff9b::1.2.3.4", 0x0064_ff9b_0000_0000, 0x0102_0304), ("ABCD::", 0xabcd_0000_0000_0000, 0),
        ] as [(String, UInt64, UInt64)])
    func parsing(text: String, high: UInt64, low: UInt64) {
        #expect(ClientAddress(parsing: text) == ClientAddress(high: high, low: low))
    }

    @Test(
        "What is no address is none",
        arguments: [
            "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", "a.b.c.d", ":", ":::", "1::2::3", "1:2:3",
            "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "12345::", "::g", "[::1]", "fe80::1%eth0", "1:", "1:2:3:4:5:6:7:",
            "::1.2.3", "1.2.3.4:80", "+1::",
        ])
    func refused(text: String) {
        #expect(ClientAddress(parsing: text) == nil)
    }

    @Test("The system writes addresses in a form that is read")
    func fromSockets() throws {
        for text in ["192.0.2.1", "2001:db8::ff00:42:8329", "::1", "::ffff:192.0.2.1"] {
            let address = try SocketAddress(ipAddress: text, port: 80)
            #expect(ClientAddress(address) == ClientAddress(parsing: text))
        }
        #expect(try ClientAddress(SocketAddress(unixDomainSocketPath: "/tmp/x")) == nil)
    }

    @Test("A /64 is one client, an IPv4 address is one, and mapped IPv4 is IPv4")
    func groups() throws {
        func group(_ text: String) throws -> ClientAddress { try #require(ClientAddress(parsing: text)).group }
        #expect(try group("2001:db8:1:2:3::1") == group("2001:db8:1:2:ffff::9"))
        #expect(try group("2001:db8:1:2::1") != group("2001:db8:1:3::1"))
        #expect(try group("192.0.2.1") != group("192.0.2.2"))
        #expect(try group("192.0.2.1") == group("::ffff:192.0.2.1"))
    }

    @Test(
        "Ranges contain what they say",
        arguments: [
            ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("0.0.0.0/0", "9.9.9.9", true),
            ("0.0.0.0/0", "2001:db8::1", false), ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7", "192.0.2.6", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true), ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "10.0.0.1", true), ("2001:db8::1/128", "2001:db8::1", true), ("::1/128", "::2", false),
        ])
    func ranges(range: String, address: String, contains: Bool) throws {
        let range = try #require(AddressRange(range))
        #expect(try range.contains(#require(ClientAddress(parsing: address))) == contains)
    }

    @Test("Nonsense is no range", arguments: ["10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/08", "x/8", "/8"])
    func badRanges(text: String) {
        #expect(AddressRange(text) == nil)
    }

    @Test("X-Forwarded-For counts only from a trusted proxy, and from the right")
    func forwarded() throws {
        func address(_ text: String) throws -> ClientAddress { try #require(ClientAddress(parsing: text)) }
        let nobody = ClientIdentification(trustedProxies: [])
        let proxies = ClientIdentification(trustedProxies: try [#require(AddressRange("10.0.0.0/8"))])
        let (proxy, client, other) = try (address("10.0.0.1"), address("192.0.2.1"), address("198.51.100.2"))
        #expect(nobody.address(connection: proxy, forwardedFor: "192.0.2.1") == proxy)
        #expect(proxies.address(connection: other, forwardedFor: "192.0.2.1") == other)
        #expect(proxies.address(connection: proxy, forwardedFor: "192.0.2.1") == client)
        #expect(proxies.address(connection: proxy, forwardedFor: "198.51.100.2, 192.0.2.1, 10.9.9.9") == client)
        #expect(proxies.address(connection: proxy, forwardedFor: "forged, 192.0.2.1") == client)
        #expect(
            try proxies.address(connection: proxy, forwardedFor: "192.0.2.1, garbage, 10.1.1.1") == address("10.1.1.1"))
        #expect(proxies.address(connection: proxy, forwardedFor: nil) == proxy)
        #expect(proxies.address(connection: nil, forwardedFor: "192.0.2.1") == nil)
    }
}

@Suite("Rates and allowances")
struct RateTests {
    private static let second: UInt64 = 1_000_000_000
    private let client = ClientAddress(ipv4: 1)

    @Test("A bucket lets the burst through, then as much as flows in, and says how long to wait")
    func bucket() {
        let limiter = AddressRateLimiter(RequestRate(perSecond: 2, burst: 5))
        let start = 100 * Self.second
        for _ in 0..<5 { #expect(limiter.take(from: client, at: start) == nil) }
        #expect(limiter.take(from: client, at: start) == 1)
        #expect(limiter.take(4, from: client, at: start) == 2)
        #expect(limiter.take(from: client, at: start + Self.second / 2) == nil)
        #expect(limiter.take(from: client, at: start + Self.second / 2) == 1)
        #expect(limiter.take(from: ClientAddress(ipv4: 2), at: start) == nil)
        for _ in 0..<5 { #expect(limiter.take(from: client, at: start + 100 * Self.second) == nil) }
    }

    @Test("What costs more than a full bucket is let through by a full one")
    func expensive() {
        let limiter = AddressRateLimiter(RequestRate(perSecond: 1, burst: 10))
        #expect(limiter.take(1000, from: client, at: Self.second) == nil)
        #expect(limiter.take(1000, from: client, at: Self.second) == 10)
        #expect(limiter.take(1000, from: client, at: 11 * Self.second) == nil)
    }

    @Test("A refusal takes nothing")
    func refusal() {
        let limiter = AddressRateLimiter(RequestRate(perSecond: 1, burst: 2))
        #expect(limiter.take(2, from: client, at: 0) == nil)
        for _ in 0..<100 { #expect(limiter.take(from: client, at: 0) != nil) }
        #expect(limiter.take(from: client, at: Self.second) == nil)
    }

    @Test("The table is bounded, and an active client stays in it")
    func bounded() {
        let limiter = AddressRateLimiter(RequestRate(perSecond: 0.001, burst: 3), bound: 64)
        #expect(limiter.take(3, from: client, at: 0) == nil)
        for other in 0..<1000 as Range<UInt32> {
            _ = limiter.take(from: ClientAddress(ipv4: 1000 + other), at: 0)
            if other % 16 == 0 { #expect(limiter.take(from: client, at: 0) != nil) }
            #expect(limiter.count <= 64)
        }
    }

    @Test("Connections without an address share a bucket; the addresses of a /64 do too")
    func sharing() {
        let limiter = AddressRateLimiter(RequestRate(perSecond: 1, burst: 1))
        #expect(limiter.take(from: nil, at: 0) == nil)
        #expect(limiter.take(from: nil, at: 0) != nil)
        #expect(limiter.take(from: ClientAddress(high: 7, low: 1), at: 0) == nil)
        #expect(limiter.take(from: ClientAddress(high: 7, low: 2), at: 0) != nil)
        #expect(limiter.take(from: ClientAddress(high: 8, low: 2), at: 0) == nil)
    }

    @Test("Extreme rates do not trap", arguments: [(1e-9, 1_000_000_000), (1e12, 1), (0.5, Int.max), (1e-6, 1)])
    func extremes(perSecond: Double, burst: Int) {
        let limiter = AddressRateLimiter(RequestRate(perSecond: perSecond, burst: burst))
        for now in [0, 1, UInt64.max / 2] { _ = limiter.take(Int.max, from: client, at: now) }
    }

    @Test("An allowance is never exceeded")
    func allowance() async {
        let allowance = Allowance(10)
        #expect(allowance.take(10))
        #expect(!allowance.take(1))
        allowance.giveBack(1)
        #expect(allowance.take(1))
        #expect(allowance.inUse == 10)
    }

    @Test("A client has only so many connections")
    func connections() {
        let table = ConnectionTable(perClient: 2)
        #expect(table.enter(client))
        #expect(table.enter(client))
        #expect(!table.enter(client))
        #expect(table.enter(ClientAddress(ipv4: 2)))
        #expect(table.count == 3)
        table.leave(client)
        #expect(table.enter(client))
        for _ in 0..<5 { #expect(table.enter(nil)) }
    }

    @Test("A stall is noticed when nothing is answered for too long")
    func stall() {
        let watch = ProgressWatch()
        let (start, patience) = (NIODeadline.now(), TimeAmount.seconds(10))
        #expect(watch.isMoving(answered: 0, inFlight: 3, at: start, patience: patience))
        #expect(watch.isMoving(answered: 1, inFlight: 3, at: start + .seconds(9), patience: patience))
        #expect(watch.isMoving(answered: 1, inFlight: 3, at: start + .seconds(18), patience: patience))
        #expect(!watch.isMoving(answered: 1, inFlight: 3, at: start + .seconds(20), patience: patience))
        #expect(watch.isMoving(answered: 1, inFlight: 0, at: start + .seconds(21), patience: patience))
        #expect(watch.isMoving(answered: 1, inFlight: 1, at: start + .seconds(30), patience: patience))
    }
}
