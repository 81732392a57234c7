/// What is done with a body that nobody has read when the answer is there.
package enum UnwantedBody: Sendable, Hashable {
    /// There is none.
    case none
    /// It is read, so that the connection can be used again.
    case dropped
    /// The connection ends.
    case cutOff

    /// Bytes that are read to keep the connection; for more a new connection is cheaper.
    private static let limit: Int64 = 16 << 10

    /// - Parameters:
    ///   - contentLength: the request's field; nil where it has none.
    ///   - isChunked: whether the request has the field Transfer-Encoding.
    package init(contentLength: String?, isChunked: Bool) {
        let length = contentLength.map { Int64($0) ?? .max } ?? 0
        self = isChunked || length > Self.limit ? .cutOff : length > 0 ? .dropped : .none
    }
}
