package import Tlog

/// Appends encoded CBOR, always in the shortest form. Map entries are written in the order in which they are given:
/// the caller keeps the order of keys.
package struct CBORWriter {
    package private(set) var bytes: [UInt8] = []

    package init(capacity: Int = 0) {
        bytes.reserveCapacity(capacity)
    }

    /// Begins anew, in the same storage.
    package mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    mutating func head(_ majorType: UInt8, _ argument: UInt64) {
        let type = majorType << 5
        switch argument {
        case 0..<24:
            bytes.append(type | UInt8(argument))
        case 24...0xff:
            bytes.append(type | 24)
            bytes.append(UInt8(argument))
        case 0x100...0xffff:
            bytes.append(type | 25)
            bigEndian(argument, width: 2)
        case 0x1_0000...0xffff_ffff:
            bytes.append(type | 26)
            bigEndian(argument, width: 4)
        default:
            bytes.append(type | 27)
            bigEndian(argument, width: 8)
        }
    }

    private mutating func bigEndian(_ value: UInt64, width: Int) {
        for shift in stride(from: 8 * (width - 1), through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
    }

    package mutating func unsigned(_ value: UInt64) { head(0, value) }

    package mutating func integer(_ value: Int64) {
        value >= 0 ? head(0, UInt64(value)) : head(1, UInt64(bitPattern: ~value))
    }

    package mutating func bytes(_ value: some Collection<UInt8>) {
        head(2, UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    /// A byte string of what `content` writes, where it stands: its head is put in front once it is known how long that is.
    package mutating func byteString(_ content: (inout CBORWriter) -> Void) {
        let start = bytes.count
        // Room for the head that most have.
        for _ in 0..<3 { bytes.append(0) }
        content(&self)
        let count = bytes.count - start - 3
        guard Self.headSize(count) == 3 else {
            var head = CBORWriter(capacity: 9)
            head.head(2, UInt64(count))
            return bytes.replaceSubrange(start..<start + 3, with: head.bytes)
        }
        bytes[start] = 2 << 5 | 25
        bytes[start + 1] = UInt8(truncatingIfNeeded: count >> 8)
        bytes[start + 2] = UInt8(truncatingIfNeeded: count)
    }

    package mutating func hash(_ value: Hash) {
        head(2, UInt64(Hash.byteCount))
        value.append(to: &bytes)
    }

    package mutating func text(_ value: String) {
        head(3, UInt64(value.utf8.count))
        bytes.append(contentsOf: value.utf8)
    }

    package mutating func array(count: Int) { head(4, UInt64(count)) }
    package mutating func map(count: Int) { head(5, UInt64(count)) }
    package mutating func tag(_ number: UInt64) { head(6, number) }
    package mutating func null() { bytes.append(0xf6) }

    /// An array of texts.
    package static func texts(_ texts: String...) -> [UInt8] { Self.texts(texts) }

    /// An array of texts.
    package static func texts(_ texts: [String]) -> [UInt8] {
        var writer = CBORWriter(capacity: texts.reduce(1) { $0 + 3 + $1.utf8.count })
        writer.array(count: texts.count)
        for text in texts { writer.text(text) }
        return writer.bytes
    }

    /// The size of a string's head in front of `count` bytes.
    static func headSize(_ count: Int) -> Int {
        switch count {
        case 0..<24: 1
        case 24...0xff: 2
        case 0x100...0xffff: 3
        case 0x1_0000...0xffff_ffff: 5
        default: 9
        }
    }

    package mutating func item(_ item: CBOR) {
        switch item {
        case .bytes(let value): bytes(value)
        case .text(let value): text(value)
        case .array(let elements):
            array(count: elements.count)
            for element in elements { self.item(element) }
        case .map(let map):
            self.map(count: map.count)
            for entry in map.entries {
                self.item(entry.key)
                self.item(entry.value)
            }
        case .tagged(let number, let content):
            tag(number)
            self.item(content)
        case .unsigned, .negative, .bool, .null:
            head(item.majorType, item.argument)
        }
    }
}

extension CBOR {
    /// The deterministic encoding (RFC 8949 section 4.2.1).
    public func encoded() -> [UInt8] {
        var writer = CBORWriter()
        writer.item(self)
        return writer.bytes
    }
}

extension CBORMap {
    /// The deterministic encoding (RFC 8949 section 4.2.1).
    public func encoded() -> [UInt8] {
        CBOR.map(self).encoded()
    }
}
