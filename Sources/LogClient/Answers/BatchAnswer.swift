import COSE

/// One item of the answer to many statements: `[status, index or null, body]`, where the body is a receipt or a
/// problem.
struct BatchAnswer: Hashable {
    let status: Int
    let index: UInt64?
    let body: [UInt8]

    struct Malformed: Error, Hashable {
        let reason: String
    }

    /// Reads a CBOR sequence (RFC 8742) of exactly `count` items.
    static func sequence(_ bytes: [UInt8], count: Int) throws(Malformed) -> [BatchAnswer] {
        let ranges: [Range<Int>]
        do {
            ranges = try CBORSequence.ranges(in: bytes, count: count)
        } catch {
            throw Malformed(reason: "the sequence can't be read: \(error)")
        }
        guard ranges.count == count else {
            throw Malformed(reason: "\(count) statements were sent, and \(ranges.count) answers came")
        }
        var answers: [BatchAnswer] = []
        answers.reserveCapacity(count)
        for range in ranges { answers.append(try BatchAnswer(Array(bytes[range]))) }
        return answers
    }

    private init(_ bytes: [UInt8]) throws(Malformed) {
        let item: CBOR
        do {
            item = try CBOR(decoding: bytes, keyOrder: .any)
        } catch {
            throw Malformed(reason: "an item can't be read: \(error)")
        }
        guard let fields = item.arrayValue, fields.count == 3, let status = fields[0].unsignedValue,
            (100...599).contains(status), let body = fields[2].bytesValue
        else { throw Malformed(reason: "an item is not [status, index, body]") }
        guard fields[1].isNull || fields[1].unsignedValue != nil else {
            throw Malformed(reason: "an item's index is neither a number nor null")
        }
        self.status = Int(status)
        index = fields[1].unsignedValue
        self.body = body
    }
}
