/// One HTTP exchange. Retries, decoding and verification are not its business.
///
/// A seam: the client is tested against a log that lies, in memory.
package protocol Transport: Sendable {
    /// Sends a request and returns the whole answer, whatever its status.
    func send(_ request: ClientRequest) async throws(TransportError) -> ClientResponse

    /// Closes connections. No call is made after it.
    func shutdown() async
}

/// A request to a log, relative to the log's URL.
package struct ClientRequest: Sendable, Hashable {
    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
    }

    package var method: Method
    /// Path and query, without a slash at the start: `entries/12/proof`.
    package var path: String
    package var headers: [HeaderField]
    package var body: [UInt8]
    /// A longer answer is not read to its end.
    package var maximumAnswerBytes: Int

    package struct HeaderField: Sendable, Hashable {
        package let name: String
        package let value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package static func get(_ path: String, accept: String? = nil, maximumAnswerBytes: Int) -> ClientRequest {
        ClientRequest(
            method: .get, path: path, headers: accept.map { [HeaderField("Accept", $0)] } ?? [], body: [],
            maximumAnswerBytes: maximumAnswerBytes)
    }

    package static func post(
        _ path: String, _ body: [UInt8], contentType: String, maximumAnswerBytes: Int
    ) -> ClientRequest {
        ClientRequest(
            method: .post, path: path, headers: [HeaderField("Content-Type", contentType)], body: body,
            maximumAnswerBytes: maximumAnswerBytes)
    }
}

package struct ClientResponse: Sendable, Hashable {
    package var status: Int
    /// Lowercase names; of a repeated field the first value.
    package var headers: [String: String]
    package var body: [UInt8]

    package init(status: Int, headers: [String: String] = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// Why there is no answer.
package enum TransportError: Error, Sendable, Hashable {
    /// No connection, or it broke.
    case unreachable(String)
    case timedOut
    /// The answer is longer than the request allows.
    case tooLarge(limit: Int)
}
