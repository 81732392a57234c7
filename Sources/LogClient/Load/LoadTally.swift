/// What came of a load, on one connection or on all.
package struct LoadTally: Sendable {
    /// From the moment a request was to be sent to the last byte of its answer.
    package var latencies = LatencyHistogram()
    package var requests = 0
    /// Statements that have an index now, or reads that were answered with 200.
    package var done = 0
    /// Of those, the ones that were in the log before.
    package var duplicates = 0
    /// Statements, or reads, by the status that they were refused with.
    package var refused: [Int: Int] = [:]
    /// Why connections ended early.
    package var faults: [String] = []
    /// When the last answer was complete, in nanoseconds of the clock of the run.
    package var ended: UInt64 = 0
    /// Whether every request of the script was sent before the time was over.
    package var ranOut = false

    package init() {}

    package mutating func add(_ other: LoadTally) {
        latencies.add(other.latencies)
        requests += other.requests
        done += other.done
        duplicates += other.duplicates
        refused.merge(other.refused, uniquingKeysWith: +)
        faults += other.faults
        ended = max(ended, other.ended)
        ranOut = ranOut || other.ranOut
    }

    /// Counts one answer.
    mutating func count(status: Int, body: [UInt8], statements: Int) {
        requests += 1
        if statements > 1, status == 200 {
            count(sequence: body, of: statements)
        } else if status == 200 || status == 201 {
            done += 1
            if statements > 0, status == 200 { duplicates += 1 }
        } else {
            refused[status, default: 0] += max(1, statements)
        }
    }

    /// The answer to a sequence is a sequence of arrays `[status, index / null, receipt or problem]`. Only the
    /// statuses are looked at: the load generator shares its machine with nobody who should pay for more.
    private mutating func count(sequence body: [UInt8], of statements: Int) {
        var reader = HeadReader(bytes: body)
        for _ in 0..<statements {
            guard reader.head()?.major == 4, let status = reader.head(), let index = reader.head(),
                let content = reader.head(), reader.skip(content.argument)
            else {
                faults.append("an answer to a sequence that is not as the interface has it")
                return
            }
            if index.major == 0, status.argument == 200 || status.argument == 201 {
                done += 1
                if status.argument == 200 { duplicates += 1 }
            } else {
                refused[Int(clamping: status.argument), default: 0] += 1
            }
        }
    }
}

/// Steps over CBOR items by their heads.
private struct HeadReader {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func head() -> (major: UInt8, argument: UInt64)? {
        guard position < bytes.count else { return nil }
        let first = bytes[position]
        position += 1
        let short = first & 0x1f
        if short < 24 { return (first >> 5, UInt64(short)) }
        let length = 1 << Int(short - 24)
        guard length <= 8, position + length <= bytes.count else { return nil }
        defer { position += length }
        return (first >> 5, bytes[position..<position + length].reduce(0) { $0 << 8 | UInt64($1) })
    }

    mutating func skip(_ count: UInt64) -> Bool {
        guard count <= UInt64(bytes.count - position) else { return false }
        position += Int(count)
        return true
    }
}
