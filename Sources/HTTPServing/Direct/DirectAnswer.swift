package import HTTPTypes
internal import NIOCore
internal import NIOHTTP1

/// An answer whose body is there whole.
package struct DirectAnswer: Sendable {
    package var status: HTTPResponse.Status
    /// All but Content-Length, Date and Connection.
    package var fields: [(name: String, value: String)]
    package var body: [UInt8]
    /// Whether the connection has to end with the answer.
    package var endsConnection = false

    package init(_ status: HTTPResponse.Status, _ fields: [(name: String, value: String)] = [], _ body: [UInt8] = []) {
        (self.status, self.fields, self.body) = (status, fields, body)
    }
}

extension DirectAnswer {
    /// Writes the answer as it is sent: head and body in one piece, so that it is one write. As NIO's encoder has it, whose
    /// reason phrases these are.
    ///
    /// - Parameters:
    ///   - buffer: what is in it is dropped; its storage is taken where nobody else has it.
    ///   - closes: whether the client is told that the connection ends.
    func write(to buffer: inout ByteBuffer, date: String, closes: Bool) {
        let size = fields.reduce(128 + body.count) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
        buffer.clear(minimumCapacity: size)
        let phrase = HTTPResponseStatus(statusCode: status.code, reasonPhrase: status.reasonPhrase).reasonPhrase
        buffer.writeStaticString("HTTP/1.1 ")
        buffer.writeString(String(status.code))
        buffer.writeStaticString(" ")
        buffer.writeString(phrase)
        buffer.writeStaticString("\r\n")
        for (name, value) in fields { buffer.write(field: name, value) }
        buffer.write(field: "Content-Length", String(body.count))
        buffer.write(field: "Date", date)
        if closes { buffer.write(field: "Connection", "close") }
        buffer.writeStaticString("\r\n")
        buffer.writeBytes(body)
    }

    /// RFC 9110 section 15.2.1: the client "can expect to receive a final response after" it has sent the body.
    static let goOn = ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n")
}

extension ByteBuffer {
    fileprivate mutating func write(field name: String, _ value: String) {
        writeString(name)
        writeStaticString(": ")
        writeString(value)
        writeStaticString("\r\n")
    }
}
