public import Tlog

/// The submitting side of c2sp.org/tlog-witness: one witness, over HTTP. Connections are kept alive between calls.
///
/// What a witness says is parsed here and not verified: whoever asks knows the keys.
public struct WitnessClient: Sendable {
    private let transport: any Transport

    /// - Parameters:
    ///   - url: the witness's submission prefix, and its monitoring prefix.
    ///   - timeout: for one exchange.
    public init(url: LogURL, timeout: Duration) {
        self.init(transport: HTTPTransport(base: url.text, timeout: timeout, certificates: nil))
    }

    package init(transport: any Transport) {
        self.transport = transport
    }

    /// The answer to `add-checkpoint`, where it says something about the checkpoint.
    public enum Answer: Sendable, Hashable {
        /// "a sequence of one or more note signature lines"
        case cosigned(AddCheckpointResponse)
        /// "The response body MUST consist of the tree size of the latest cosigned checkpoint in decimal, followed by a
        /// newline (U+000A). The response MUST have a `Content-Type` of `text/x.tlog.size`."
        case conflict(size: UInt64)
        /// "if a Merkle Consistency Proof doesn't verify, the witness MUST respond with a "422 Unprocessable Entity""
        case inconsistent
    }

    /// `POST <submission prefix>/add-checkpoint`
    public func addCheckpoint(_ request: AddCheckpointRequest) async throws(WitnessClientError) -> Answer {
        let answer = try await send(
            .post(
                "add-checkpoint", request.body, contentType: "text/plain; charset=utf-8",
                maximumAnswerBytes: SignedNote.maxByteCount))
        do {
            switch answer.status {
            case 200: return .cosigned(try AddCheckpointResponse(parsing: answer.body))
            case 409:
                let type = answer.headers["content-type"] ?? ""
                guard Self.mediaType(type) == AddCheckpointResponse.conflictContentType else {
                    throw WitnessClientError.malformed("a 409 of the type \"\(WitnessClientError.visible(type))\"")
                }
                return .conflict(size: try AddCheckpointResponse.conflictSize(parsing: answer.body))
            case 422: return .inconsistent
            default: throw WitnessClientError.status(answer.status, WitnessClientError.sentence(answer.body))
            }
        } catch let error as WitnessClientError {
            throw error
        } catch {
            throw .malformed("\(error)")
        }
    }

    /// `GET <monitoring prefix>/<origin hash>/checkpoint`: "The origin hash is the SHA-256 hash of the log's origin, hex
    /// encoded, in lowercase." Nil where the witness has none.
    public func checkpoint(of origin: Origin) async throws(WitnessClientError) -> SignedCheckpoint? {
        let path = "\(Hash.sha256(Array(origin.text.utf8)).hex)/checkpoint"
        let answer = try await send(.get(path, maximumAnswerBytes: SignedNote.maxByteCount))
        switch answer.status {
        case 200:
            do { return try SignedCheckpoint(parsing: answer.body) } catch { throw .malformed("\(error)") }
        case 404: return nil
        default: throw .status(answer.status, WitnessClientError.sentence(answer.body))
        }
    }

    /// Closes the connections. No call is made after it.
    public func shutdown() async {
        await transport.shutdown()
    }

    private func send(_ request: ClientRequest) async throws(WitnessClientError) -> ClientResponse {
        do {
            return try await transport.send(request)
        } catch {
            switch error {
            case .unreachable(let detail): throw .unreachable(detail)
            case .timedOut: throw .timedOut
            case .tooLarge(let limit): throw .malformed("an answer of more than \(limit) bytes")
            }
        }
    }

    /// Without parameters, in lowercase.
    private static func mediaType(_ field: String) -> String {
        let type = field.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
        return type.lowercased().split(whereSeparator: { $0 == " " || $0 == "\t" }).joined()
    }
}

/// Why a witness did not answer, or with nothing that helps.
public enum WitnessClientError: Error, Sendable, Hashable, CustomStringConvertible {
    case unreachable(String)
    case timedOut
    /// The status, and the beginning of what the witness said.
    case status(Int, String)
    case malformed(String)

    public var description: String {
        switch self {
        case .unreachable(let detail): "it can't be reached: \(detail)"
        case .timedOut: "it did not answer in time"
        case .status(let status, let sentence): "it answered \(status)" + (sentence.isEmpty ? "" : ": \(sentence)")
        case .malformed(let detail): "its answer is malformed: \(detail)"
        }
    }

    /// The first line of a body, for people.
    static func sentence(_ body: [UInt8]) -> String {
        visible(String(decoding: body.prefix(while: { $0 != 0x0a }).prefix(200), as: UTF8.self))
    }

    static func visible(_ text: String) -> String {
        String(text.prefix(200).map { $0.isASCII && ($0.asciiValue ?? 0) >= 0x20 && $0 != "\u{7f}" ? $0 : "?" })
    }
}
