import NIOCore
import NIOHTTP1

/// One request of a load, made before the clock starts.
package struct LoadRequest: Sendable {
    let head: HTTPRequestHead
    let body: ByteBuffer
    /// How many statements it carries; 0 for a read.
    package let statements: Int

    /// A registration of encoded statements: alone as it is, several as a CBOR sequence.
    package static func registration(of statements: [[UInt8]], host: String) -> LoadRequest {
        let body = Array(statements.joined())
        let head = HTTPRequestHead(
            version: .http1_1, method: .POST, uri: "/entries",
            headers: [
                "Host": host, "Content-Type": statements.count == 1 ? MediaType.cose : MediaType.sequence,
                "Content-Length": "\(body.count)",
            ])
        return LoadRequest(head: head, body: ByteBuffer(bytes: body), statements: statements.count)
    }

    /// A read.
    ///
    /// - Parameter path: begins with a slash.
    package static func read(_ path: String, host: String) -> LoadRequest {
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: path, headers: ["Host": host])
        return LoadRequest(head: head, body: ByteBuffer(), statements: 0)
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
