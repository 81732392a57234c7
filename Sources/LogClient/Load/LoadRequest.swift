/// One HTTP/1.1 request of a load, as it goes over the wire: made before the clock starts.
package struct LoadRequest: Sendable {
    package let bytes: [UInt8]
    /// How many statements it carries; 0 for a read.
    package let statements: Int

    /// A registration of encoded statements: alone as it is, several as a CBOR sequence.
    package static func registration(of statements: [[UInt8]], host: String) -> LoadRequest {
        let body = Array(statements.joined())
        let type = statements.count == 1 ? MediaType.cose : MediaType.sequence
        let head =
            "POST /entries HTTP/1.1\r\nHost: \(host)\r\nContent-Type: \(type)\r\nContent-Length: \(body.count)\r\n\r\n"
        return LoadRequest(bytes: Array(head.utf8) + body, statements: statements.count)
    }

    /// A read.
    ///
    /// - Parameter path: begins with a slash.
    package static func read(_ path: String, host: String) -> LoadRequest {
        LoadRequest(bytes: Array("GET \(path) HTTP/1.1\r\nHost: \(host)\r\n\r\n".utf8), statements: 0)
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
