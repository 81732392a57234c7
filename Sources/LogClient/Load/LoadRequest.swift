import NIOCore

/// One request of a load: its bytes as they go over the wire, made before the clock starts.
package struct LoadRequest: Sendable {
    let bytes: ByteBuffer
    /// How many statements it carries; 0 for a read.
    package let statements: Int

    private init(head: String, body: [UInt8], statements: Int) {
        var bytes = ByteBuffer()
        bytes.reserveCapacity(head.utf8.count + body.count)
        bytes.writeString(head)
        bytes.writeBytes(body)
        (self.bytes, self.statements) = (bytes, statements)
    }

    /// A registration of encoded statements: alone as it is, several as a CBOR sequence.
    ///
    /// - Parameter host: the field `Host`; goes into the head as it is.
    package static func registration(of statements: [[UInt8]], host: String) -> LoadRequest {
        let body = Array(statements.joined())
        let type = statements.count == 1 ? MediaType.cose : MediaType.sequence
        let head =
            "POST /entries HTTP/1.1\r\nHost: \(host)\r\nContent-Type: \(type)\r\n"
            + "Content-Length: \(body.count)\r\n\r\n"
        return LoadRequest(head: head, body: body, statements: statements.count)
    }

    /// A read.
    ///
    /// - Parameters:
    ///   - path: begins with a slash, and has neither spaces nor control characters.
    ///   - host: the field `Host`; goes into the head as it is.
    package static func read(_ path: String, host: String) -> LoadRequest {
        LoadRequest(head: "GET \(path) HTTP/1.1\r\nHost: \(host)\r\n\r\n", body: [], statements: 0)
    }
}

/// What one connection sends, one request after the answer to the one before it.
package struct LoadScript: Sendable {
    package let requests: [LoadRequest]
    /// Begin again at the end: for reads.
    package let repeats: Bool

    package init(requests: [LoadRequest], repeats: Bool) {
        self.requests = requests
        self.repeats = repeats
    }
}
