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

    /// The same answer.
    package init(_ answer: DirectAnswer) {
        var headers = HTTPFields()
        for field in answer.fields {
            if let name = HTTPField.Name(field.name) { headers.append(HTTPField(name: name, value: field.value)) }
        }
        self.init(
            status: answer.status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body)))
    }

    /// A sentence that no cache keeps.
    package init(_ status: HTTPResponse.Status, _ text: String) {
        self.init(status, Array(text.utf8), type: Self.plainText)
    }
}
