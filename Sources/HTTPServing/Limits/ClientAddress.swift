package import NIOCore

/// The address of a client as 128 bits: IPv6 as it is, IPv4 mapped into it (`::ffff:a.b.c.d`).
package struct ClientAddress: Sendable, Hashable {
    package let high: UInt64
    package let low: UInt64

    private static let mappedPrefix: UInt64 = 0xffff << 32

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package init(ipv4 address: UInt32) {
        self.init(high: 0, low: Self.mappedPrefix | UInt64(address))
    }

    /// Nil for a socket that has no address of a host, such as a Unix domain socket.
    package init?(_ address: SocketAddress?) {
        guard let text = address?.ipAddress else { return nil }
        self.init(parsing: text)
    }

    /// Nil unless `text` is an IPv4 or IPv6 address without port, zone or brackets.
    package init?(parsing text: some StringProtocol) {
        let bytes = Array(text.utf8)
        if let address = Self.ipv4(bytes[...]) {
            self.init(ipv4: address)
        } else if let (high, low) = Self.ipv6(bytes[...]) {
            self.init(high: high, low: low)
        } else {
            return nil
        }
    }

    /// Four decimal numbers below 256 with points between them, without leading zeros.
    private static func ipv4(_ text: ArraySlice<UInt8>) -> UInt32? {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            guard let octet = UInt64(canonical: String(decoding: part, as: UTF8.self)), octet < 256 else { return nil }
            address = address << 8 | UInt32(octet)
        }
        return address
    }

    /// RFC 4291 section 2.2: eight groups of up to four hexadecimal digits; `::` once for groups of zeros; an IPv4
    /// address in the place of the last two.
    private static func ipv6(_ text: ArraySlice<UInt8>) -> (high: UInt64, low: UInt64)? {
        var halves: [[UInt16]] = [[]]
        var rest = text
        if rest.starts(with: "::".utf8) {
            halves.append([])
            rest = rest.dropFirst(2)
        }
        while !rest.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: ":")) ?? rest.endIndex
            let part = rest[..<end]
            if end == rest.endIndex, let address = ipv4(part) {
                halves[halves.count - 1] += [UInt16(address >> 16), UInt16(truncatingIfNeeded: address)]
                break
            }
            guard (1...4).contains(part.count), part.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }),
                let group = UInt16(String(decoding: part, as: UTF8.self), radix: 16)
            else { return nil }
            halves[halves.count - 1].append(group)
            if end == rest.endIndex { break }
            rest = rest[(end + 1)...]
            guard let next = rest.first else { return nil }
            if next == UInt8(ascii: ":") {
                guard halves.count == 1 else { return nil }
                halves.append([])
                rest = rest.dropFirst()
            }
        }
        let given = halves.reduce(0) { $0 + $1.count }
        guard halves.count == 2 ? given < 8 : given == 8 else { return nil }
        let groups = halves[0] + Array(repeating: 0, count: 8 - given) + (halves.count == 2 ? halves[1] : [])
        func word(_ groups: ArraySlice<UInt16>) -> UInt64 { groups.reduce(0) { $0 << 16 | UInt64($1) } }
        return (word(groups[..<4]), word(groups[4...]))
    }

    package var isIPv4: Bool { high == 0 && low >> 32 == 0xffff }

    /// Whether the address never leaves the machine: 127.0.0.0/8 and ::1.
    package var isLoopback: Bool { isIPv4 ? low >> 24 & 0xff == 127 : high == 0 && low == 1 }

    /// Whether only this machine can reach a server that listens on this name or address.
    package static func isLoopback(host: String) -> Bool {
        host == "localhost" || ClientAddress(parsing: host)?.isLoopback == true
    }

    /// Who is counted as one client. Whoever has one IPv6 address usually has the 2^64 of its network, so these count
    /// as one.
    package var group: ClientAddress { isIPv4 ? self : ClientAddress(high: high, low: 0) }
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

    package func contains(_ address: ClientAddress) -> Bool {
        let highBits = min(64, length)
        let lowBits = length - highBits
        return Self.agree(base.high, address.high, bits: highBits) && Self.agree(base.low, address.low, bits: lowBits)
    }

    private static func agree(_ left: UInt64, _ right: UInt64, bits: Int) -> Bool {
        bits == 0 || (left ^ right) >> UInt64(64 - bits) == 0
    }
}

/// Which address a request is counted under.
package struct ClientIdentification: Sendable {
    /// Proxies whose word on the client's address is believed.
    package let trustedProxies: [AddressRange]

    package init(trustedProxies: [AddressRange]) {
        self.trustedProxies = trustedProxies
    }

    /// The address of the connection; behind a trusted proxy, the last address in the X-Forwarded-For field that no
    /// trusted proxy has. Everything left of that one is the client's own claim.
    package func address(connection: ClientAddress?, forwardedFor: @autoclosure () -> String?) -> ClientAddress? {
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
    package func isProxy(_ connection: ClientAddress?) -> Bool {
        connection.map(isTrusted) ?? false
    }

    private func isTrusted(_ address: ClientAddress) -> Bool {
        trustedProxies.contains { $0.contains(address) }
    }
}
