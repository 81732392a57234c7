internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

extension HTTPField.Name {
    /// The index of the registered statement, in decimal.
    static let holdfastIndex = Self("Holdfast-Index")!
    static let xForwardedFor = Self("X-Forwarded-For")!
    static let host = Self("Host")!
}

extension Response {
    init(
        _ status: HTTPResponse.Status = .ok, _ media: MediaType, _ cache: CachePolicy, _ body: [UInt8]
    ) {
        var headers = HTTPFields()
        headers.reserveCapacity(6)
        headers[.contentType] = media.text
        headers[.cacheControl] = cache.rawValue
        self.init(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }
}
