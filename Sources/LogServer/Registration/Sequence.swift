internal import COSE
internal import Governance
internal import HTTPServing
internal import HTTPTypes
internal import LogEngine

/// Many statements in one body.
extension RegistrationService {
    /// Registers the statements of a sequence.
    ///
    /// - Returns: one result each, in order.
    func register(sequence body: [UInt8], _ request: RegistrationRequest) async throws(Problem) -> [UInt8] {
        let statements = try split(body)
        // The request has paid for one.
        if statements.count > 1 {
            try responder.charge(
                responder.submissions, statements.count - 1, to: request.client, at: request.arrival)
        }
        let results = await responder.log.submit(statements, timeout: responder.options.submissionTimeout)
        var writer = CBORWriter(capacity: results.count * 1536)
        for result in results { Self.write(result, to: &writer) }
        return writer.bytes
    }

    /// Takes a sequence apart. One that does not hold together is refused whole, and nothing of it is registered.
    private func split(_ body: [UInt8]) throws(Problem) -> [[UInt8]] {
        let count = min(responder.options.maxSequenceCount, responder.log.options.maxSubmission)
        let ranges: [Range<Int>]
        do {
            ranges = try CBORSequence.ranges(in: body, count: count)
        } catch .tooManyItems {
            throw Problem(
                .tooLarge, "The sequence has more than \(count) statements, or too many items; send it in parts.")
        } catch {
            throw Problem(.malformed, "The body is not a sequence of CBOR items: \(error). Nothing was registered.")
        }
        return ranges.map { Array(body[$0]) }
    }

    /// One result: `[status, index or null, receipt or problem]`, the last one a byte string.
    private static func write(_ result: Result<Registration, Rejection>, to writer: inout CBORWriter) {
        writer.array(count: 3)
        switch result {
        case .success(let registration):
            writer.unsigned(registration.duplicate ? 200 : 201)
            writer.unsigned(registration.index)
            writer.byteString(registration.writeReceipt)
        case .failure(let rejection):
            let problem = Problem(rejection)
            writer.integer(Int64(problem.code.status.code))
            writer.null()
            writer.bytes(problem.concise)
        }
    }
}
