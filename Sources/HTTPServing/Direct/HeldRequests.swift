internal import NIOCore
internal import NIOHTTP1

/// What a client has sent behind a request that is not answered yet, if it is not to be seen before that.
struct HeldRequests {
    private var parts = CircularBuffer<HTTPServerRequestPart>(initialCapacity: 0)
    /// What is behind the parts is no HTTP.
    var error: HTTPParserError?

    /// Whether nothing is held: then there is no reason to read no more.
    var isEmpty: Bool { parts.isEmpty && error == nil }

    var first: HTTPServerRequestPart? { parts.first }

    mutating func append(_ part: HTTPServerRequestPart) {
        parts.append(part)
    }

    mutating func removeFirst() {
        parts.removeFirst()
    }

    mutating func removeAll() {
        parts.removeAll()
        error = nil
    }
}
