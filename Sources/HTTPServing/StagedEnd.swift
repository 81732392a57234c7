package import Hummingbird
package import NIOCore

extension Response {
    /// The answer, after which the connection is closed without the rest of the request being read.
    ///
    /// The sending side is closed first and the other a second later: closing both at once, with unread bytes waiting,
    /// resets the connection, and the client may lose the answer. RFC 9112 section 9.6: "the server MAY then close the
    /// connection in stages".
    package func ending(_ channel: any Channel) -> Response {
        var headers = headers
        headers[.connection] = "close"
        let body = body
        return Response(
            status: status, headers: headers,
            body: ResponseBody(contentLength: body.contentLength) { writer in
                try await body.write(writer)
                channel.close(mode: .output, promise: nil)
                channel.eventLoop.scheduleTask(in: .seconds(1)) { channel.close(promise: nil) }
            })
    }

    /// The answer, after which the body that nobody wanted is read, so that the connection can be used again: but not
    /// for ever, however slowly it comes.
    package func draining(_ request: Request, _ channel: any Channel, within patience: TimeAmount) -> Response {
        let body = body
        return Response(
            status: status, headers: headers,
            body: ResponseBody(contentLength: body.contentLength) { writer in
                try await body.write(writer)
                let end = channel.eventLoop.scheduleTask(in: patience) { channel.close(promise: nil) }
                defer { end.cancel() }
                for try await _ in request.body {}
            })
    }
}
