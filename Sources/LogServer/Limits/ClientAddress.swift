internal import NIOCore

/// The address of a client as 128 bits: IPv6 as it is, IPv4 mapped into it (`::ffff:a.b.c.d`).
struct ClientAddress: Sendable, Hashable {
    let high: UInt64
    let low: UInt64

    private static let mappedPrefix: UInt64 = 0xffff << 32

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    init(ipv4 address: UInt32) {
        self.init(high: 0, low: Self.mappedPrefix | UInt64(address))
    }

    /// Nil for a socket that has no address of a host, such as a Unix domain socket.
    init?(_ address: SocketAddress?) {
        switch address {
        case .v4(let address):
            self.init(ipv4: UInt32(bigEndian: address.address.sin_addr.s_addr))
        case .v6(let address):
            let words = address.address.sin6_addr.__in6_u.__u6_addr32
            self.init(
                high: UInt64(UInt32(bigEndian: words.0)) << 32 | UInt64(UInt32(bigEndian: words.1)),
                low: UInt64(UInt32(bigEndian: words.2)) << 32 | UInt64(UInt32(bigEndian: words.3)))
        case .unixDomainSocket, nil:
            return nil
        }
    }

    /// Nil unless `text` is an IPv4 or IPv6 address without port or brackets.
    init?(parsing text: some StringProtocol) {
        guard let address = try? SocketAddress(ipAddress: String(text), port: 0) else { return nil }
        self.init(address)
    }

    var isIPv4: Bool { high == 0 && low >> 32 == 0xffff }

    /// Whether the address never leaves the machine: 127.0.0.0/8 and ::1.
    var isLoopback: Bool { isIPv4 ? low >> 24 & 0xff == 127 : high == 0 && low == 1 }

    /// Who is counted as one client. Whoever has one IPv6 address usually has the 2^64 of its network, so these count as
    /// one.
    var group: ClientAddress { isIPv4 ? self : ClientAddress(high: high, low: 0) }
}

/// A range of addresses, such as `10.0.0.0/8` or `2001:db8::/32`; an address alone is a range of one.
public struct AddressRange: Sendable, Hashable, CustomStringConvertible {
    public let description: String
    private let base: ClientAddress
    /// Leading bits that count, of 128.
    private let length: Int

    /// Nil unless `text` is an IP address, or one with a slash and the number of leading bits that count.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let base = ClientAddress(parsing: parts[0]) else { return nil }
        let width = base.isIPv4 ? 32 : 128
        var bits = width
        if parts.count == 2 {
            guard let given = UInt64(canonical: parts[1]), given <= UInt64(width) else { return nil }
            bits = Int(given)
        }
        description = text
        self.base = base
        length = 128 - width + bits
    }

    func contains(_ address: ClientAddress) -> Bool {
        let highBits = min(64, length)
        let lowBits = length - highBits
        return Self.agree(base.high, address.high, bits: highBits) && Self.agree(base.low, address.low, bits: lowBits)
    }

    private static func agree(_ left: UInt64, _ right: UInt64, bits: Int) -> Bool {
        bits == 0 || (left ^ right) >> UInt64(64 - bits) == 0
    }
}

/// Which address a request is counted under.
struct ClientIdentification: Sendable {
    /// Proxies whose word on the client's address is believed.
    let trustedProxies: [AddressRange]

    /// The address of the connection; behind a trusted proxy, the last address in the X-Forwarded-For field that no
    /// trusted proxy has. Everything left of that one is the client's own claim.
    func address(connection: ClientAddress?, forwardedFor: @autoclosure () -> String?) -> ClientAddress? {
        guard !trustedProxies.isEmpty, let connection, isTrusted(connection), let field = forwardedFor() else {
            return connection
        }
        var client = connection
        for part in field.utf8[...].split(separator: UInt8(ascii: ",")).reversed() {
            guard let address = ClientAddress(parsing: Substring(part.trimmed)) else { return client }
            client = address
            if !isTrusted(address) { return address }
        }
        return client
    }

    /// Whether a connection comes from a trusted proxy.
    func isProxy(_ connection: ClientAddress?) -> Bool {
        connection.map(isTrusted) ?? false
    }

    private func isTrusted(_ address: ClientAddress) -> Bool {
        trustedProxies.contains { $0.contains(address) }
    }
}
