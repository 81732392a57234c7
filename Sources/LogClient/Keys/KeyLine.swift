import Tlog

/// The one line of a key file, as bytes, so that no part of a secret passes through a `String`.
///
///     holdfast-secret-key-ed25519 <seed, 64 hex digits> <public key, 64 hex digits>\n
///     holdfast-public-key-ed25519 <public key, 64 hex digits>\n
///
/// The public key on a secret line lets a damaged seed be seen: another seed is another, equally valid, key.
enum KeyLine {
    static let secretLabel = Array("holdfast-secret-key-ed25519".utf8)
    static let publicLabel = Array("holdfast-public-key-ed25519".utf8)
    /// No key file is longer; a longer file is not read.
    static let maximumByteCount = 256

    private static let space = UInt8(ascii: " ")
    private static let newline = UInt8(ascii: "\n")
    private static let digits = Array("0123456789abcdef".utf8)

    /// Appends two lowercase hex digits for each byte.
    static func appendHex(_ bytes: [UInt8], to line: inout [UInt8]) {
        for byte in bytes {
            line.append(digits[Int(byte >> 4)])
            line.append(digits[Int(byte & 15)])
        }
    }

    /// The line of a secret key. The caller wipes it.
    static func secret(seed: [UInt8], publicKey: [UInt8]) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(maximumByteCount)
        line += secretLabel
        line.append(space)
        appendHex(seed, to: &line)
        line.append(space)
        appendHex(publicKey, to: &line)
        line.append(newline)
        return line
    }

    /// The line of a public key.
    static func publicKey(_ publicKey: [UInt8]) -> [UInt8] {
        var line = publicLabel
        line.append(space)
        appendHex(publicKey, to: &line)
        line.append(newline)
        return line
    }

    enum Kind {
        case secret
        case publicKey
    }

    struct Malformed: Error {
        let reason: String
    }

    /// Reads a line into the two arrays of 32 bytes; `seed` stays as it is for a public key. The caller wipes the
    /// line and the seed, which are filled in place so that there is one copy of the seed and no more.
    static func parse(
        _ line: [UInt8], seed: inout [UInt8], publicKey: inout [UInt8]
    ) throws(Malformed) -> Kind {
        guard line.last == newline else { throw Malformed(reason: "the line does not end with a newline") }
        let body = line.dropLast()
        guard !body.contains(newline) else { throw Malformed(reason: "there is more than one line") }
        let fields = body.split(separator: space, omittingEmptySubsequences: false)
        guard let label = fields.first else { throw Malformed(reason: "the file is empty") }
        if label.elementsEqual(secretLabel) {
            guard fields.count == 3 else { throw Malformed(reason: "a secret key has 3 fields, not \(fields.count)") }
            try read(fields[1], into: &seed, named: "seed")
            try read(fields[2], into: &publicKey, named: "public key")
            return .secret
        }
        if label.elementsEqual(publicLabel) {
            guard fields.count == 2 else { throw Malformed(reason: "a public key has 2 fields, not \(fields.count)") }
            try read(fields[1], into: &publicKey, named: "public key")
            return .publicKey
        }
        throw Malformed(
            reason: "it begins neither with holdfast-secret-key-ed25519 nor with holdfast-public-key-ed25519")
    }

    private static func read(
        _ field: ArraySlice<UInt8>, into bytes: inout [UInt8], named name: String
    ) throws(Malformed) {
        guard field.count == 64 else {
            throw Malformed(reason: "the \(name) has \(field.count) characters; it needs 64 lowercase hex digits")
        }
        for (position, digit) in field.enumerated() {
            let value: UInt8
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = digit - UInt8(ascii: "a") + 10
            default: throw Malformed(reason: "the \(name) has a character that is not a lowercase hex digit")
            }
            bytes[position / 2] = position % 2 == 0 ? value << 4 : bytes[position / 2] | value
        }
    }
}
