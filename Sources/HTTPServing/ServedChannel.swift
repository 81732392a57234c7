internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOHTTP1

/// How a connection is served: guarded, one request at a time, and what is not served directly by Hummingbird.
///
/// ```
/// bytes → ConnectionGuard → (TLS →) NIO's decoder → DirectHandler → HTTPServerPipelineHandler → Hummingbird
/// ```
struct ServedChannel: ServerChildChannel {
    let base: HTTP1Channel
    let connection: @Sendable () -> ConnectionGuard
    let requests: @Sendable () -> DirectHandler

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        base.setup(channel: channel, logger: logger).flatMapThrowing { [connection, requests] value in
            let pipeline = channel.pipeline.syncOperations
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            try pipeline.addHandlers([requests(), HTTPServerPipelineHandler()], position: .after(decoder))
            try pipeline.addHandler(connection(), position: .first)
            return value
        }
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async {
        await base.handle(value: value, logger: logger)
    }
}
