import NIOCore

/// What a load looks at of an answer.
struct LoadAnswer: Hashable {
    let status: Int
    /// Whether the server takes another request on the connection.
    let keepsOpen: Bool
    /// Empty where the body was not to be kept.
    let body: [UInt8]
}

/// Reads the answers of one connection from bytes that come split anywhere.
///
/// NIO's decoder is not used, because a load generator runs on the cores that it measures, and the decoder makes strings of
/// every field. What is read here is what a log answers: HTTP/1.1 with `Content-Length`, nothing interim before it.
/// Anything else is a fault with a name, never guessed at.
struct LoadAnswerReader {
    enum Fault: Error, Hashable {
        case noStatusLine
        case interim(Int)
        case notAField
        case length
        case noLength
        case transferCoding
        case connection
        case headTooLong
    }

    /// Bytes that a head may have.
    static let headLimit = 16_384

    private var head = Head()
    private var headBytes = 0
    /// The beginning of a line of the head whose end has not come yet.
    private var line: [UInt8] = []
    /// Bytes of the body that have not come yet; nil within the head.
    private var missing: Int?
    private var body: [UInt8] = []

    init() {}

    /// Reads to the end of the next answer.
    ///
    /// - Parameters:
    ///   - bytes: what has come; what follows the answer is left in it.
    ///   - keepsBody: whether the body is wanted; the same for each part of one answer.
    /// - Returns: the answer; nil if it does not end in `bytes`, which are all taken then.
    /// - Throws: what is not understood; there is nothing more to read on the connection.
    mutating func read(from bytes: inout ByteBuffer, keepsBody: Bool) throws(Fault) -> LoadAnswer? {
        while missing == nil {
            guard try readLine(from: &bytes) else { return nil }
        }
        guard let status = head.status, let missing else { return nil }
        let here = min(missing, bytes.readableBytes)
        if keepsBody {
            body.append(contentsOf: bytes.readableBytesView.prefix(here))
        }
        bytes.moveReaderIndex(forwardBy: here)
        guard here == missing else {
            self.missing = missing - here
            return nil
        }
        defer { (head, self.missing, headBytes, body) = (Head(), nil, 0, []) }
        return LoadAnswer(status: status, keepsOpen: head.keepsOpen, body: body)
    }

    /// Reads one line of the head; false if it does not end in `bytes`.
    private mutating func readLine(from bytes: inout ByteBuffer) throws(Fault) -> Bool {
        let view = bytes.readableBytesView
        let end = view.firstIndex(of: UInt8(ascii: "\n"))
        let count = end.map { $0 + 1 - view.startIndex } ?? view.count
        headBytes += count
        guard headBytes <= Self.headLimit else { throw .headTooLong }
        // Nearly always the whole head has come, and is read where it lies.
        if end != nil, line.isEmpty {
            missing = try head.take(bytes.readableBytesUInt8Span.extracting(first: count))
        } else {
            line.append(contentsOf: view.prefix(count))
            if end != nil {
                let whole = line
                line = []
                missing = try head.take(whole.span)
            }
        }
        bytes.moveReaderIndex(forwardBy: count)
        return end != nil
    }
}

/// What has been read of the head of an answer.
private struct Head {
    var status: Int?
    var length: Int?
    var keepsOpen = true

    /// Takes one line, its end included.
    ///
    /// - Returns: the bytes that the body has, when the head is complete.
    mutating func take(_ line: Span<UInt8>) throws(LoadAnswerReader.Fault) -> Int? {
        guard line.count >= 2, line[line.count - 2] == UInt8(ascii: "\r") else {
            throw status == nil ? .noStatusLine : .notAField
        }
        let text = line.extracting(droppingLast: 2)
        if status == nil {
            status = try Self.status(text)
        } else if text.isEmpty {
            guard let length else { throw .noLength }
            return length
        } else {
            try takeField(text)
        }
        return nil
    }

    private static func status(_ line: Span<UInt8>) throws(LoadAnswerReader.Fault) -> Int {
        let version = "HTTP/1.1 "
        guard line.count >= 12, line.extracting(first: 9).is(version),
            let status = number(line.extracting(9..<12)), status >= 100,
            line.count == 12 || line[12] == UInt8(ascii: " ")
        else { throw .noStatusLine }
        guard status >= 200 else { throw .interim(status) }
        return status
    }

    private mutating func takeField(_ line: Span<UInt8>) throws(LoadAnswerReader.Fault) {
        var colon = 0
        while colon < line.count, line[colon] != UInt8(ascii: ":") {
            // No name has a space in it, and a line that goes on with the one before it begins with one.
            guard line[colon] > 0x20 else { throw .notAField }
            colon += 1
        }
        guard colon > 0, colon < line.count else { throw .notAField }
        let name = line.extracting(first: colon)
        // Most names are told apart from these by their length.
        switch colon {
        case 10 where name.is("connection"):
            let value = line.extracting(Self.value(of: line, behind: colon))
            if value.is("close") {
                keepsOpen = false
            } else if !value.is("keep-alive") {
                throw .connection
            }
        case 14 where name.is("content-length"):
            let value = line.extracting(Self.value(of: line, behind: colon))
            guard length == nil, let number = Self.number(value) else { throw .length }
            length = number
        case 17 where name.is("transfer-encoding"):
            throw .transferCoding
        default: break
        }
    }

    /// Where the value of a field is, whose name ends before `colon`.
    private static func value(of line: Span<UInt8>, behind colon: Int) -> Range<Int> {
        var (start, end) = (colon + 1, line.count)
        while start < end, line[start] == 0x20 || line[start] == 0x09 { start += 1 }
        while end > start, line[end - 1] == 0x20 || line[end - 1] == 0x09 { end -= 1 }
        return start..<end
    }

    /// A decimal number of digits only; nil if there are none, or too many.
    private static func number(_ digits: Span<UInt8>) -> Int? {
        guard (1...18).contains(digits.count) else { return nil }
        var number = 0
        for position in digits.indices {
            let digit = Int(digits[position]) - 0x30
            guard (0...9).contains(digit) else { return nil }
            number = number * 10 + digit
        }
        return number
    }
}

extension Span<UInt8> {
    /// Whether this is `text`, whatever the case of its letters.
    fileprivate func `is`(_ text: String) -> Bool {
        let other = text.utf8.span
        guard count == other.count else { return false }
        for position in indices {
            let (a, b) = (self[position], other[position])
            // Letters of either case differ in one bit; nothing but letters may.
            guard a == b || a ^ b == 0x20 && (0x61...0x7a).contains(a | 0x20) else { return false }
        }
        return true
    }
}

extension LoadAnswerReader.Fault: CustomStringConvertible {
    var description: String {
        switch self {
        case .noStatusLine: "an answer that does not begin with a status line of HTTP/1.1"
        case .interim(let status): "an interim answer, status \(status)"
        case .notAField: "an answer with a line in its head that is no field"
        case .length: "an answer whose Content-Length is no number, or stands twice"
        case .noLength: "an answer without Content-Length"
        case .transferCoding: "an answer with a transfer coding, where Content-Length alone is read"
        case .connection: "an answer whose field Connection is neither close nor keep-alive"
        case .headTooLong: "an answer whose head has more than \(LoadAnswerReader.headLimit) bytes"
        }
    }
}
