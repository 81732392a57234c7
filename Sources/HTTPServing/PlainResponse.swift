package import HTTPTypes
package import Hummingbird
internal import NIOCore

extension Response {
    package static let plainText = "text/plain; charset=utf-8"
    /// The text format of Prometheus.
    package static let metricsText = "text/plain; version=0.0.4; charset=utf-8"

    /// An answer that no cache keeps.
    package init(_ status: HTTPResponse.Status, _ body: [UInt8], type: String) {
        var headers = HTTPFields()
        headers[.contentType] = type
        headers[.cacheControl] = "no-store"
        self.init(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }

    /// A sentence that no cache keeps.
    package init(_ status: HTTPResponse.Status, _ text: String) {
        self.init(status, Array(text.utf8), type: Self.plainText)
    }
}
