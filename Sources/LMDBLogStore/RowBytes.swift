/// Writes what a row of the journal has: numbers in LEB128, byte strings with their length before them.
struct RowWriter {
    var bytes: [UInt8] = []

    mutating func add(_ number: UInt64) {
        var rest = number
        while rest > 0x7F {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func add(_ string: [UInt8]) { add(string[...]) }

    mutating func add(_ string: ArraySlice<UInt8>) {
        add(UInt64(string.count))
        bytes.append(contentsOf: string)
    }
}

/// Reads the same. Nil wherever the bytes end too early or say what no writer says.
struct RowReader {
    var bytes: ArraySlice<UInt8>

    var isAtEnd: Bool { bytes.isEmpty }

    mutating func number() -> UInt64? {
        var number: UInt64 = 0
        var shift: UInt64 = 0
        while let byte = bytes.popFirst(), shift < 64 {
            let part = UInt64(byte & 0x7F)
            guard (part << shift) >> shift == part else { return nil }
            number |= part << shift
            if byte < 0x80 { return number }
            shift += 7
        }
        return nil
    }

    mutating func byteString() -> [UInt8]? {
        guard let count = number(), count <= UInt64(bytes.count) else { return nil }
        let string = Array(bytes.prefix(Int(count)))
        bytes = bytes.dropFirst(Int(count))
        return string
    }
}
