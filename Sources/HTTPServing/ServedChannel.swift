internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOHTTP1

/// How a connection is served: guarded, one request at a time, and what is not served directly by Hummingbird.
///
/// ```
/// bytes → NIO's decoder → ConnectionGuard → SilenceGuard → HTTPServerPipelineHandler → DirectHandler → Hummingbird
/// ```
struct ServedChannel: ServerChildChannel {
    let base: HTTP1Channel
    /// What stands between the decoder and Hummingbird, in the order in which requests meet it.
    let handlers: @Sendable () -> [any ChannelHandler]

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        base.setup(channel: channel, logger: logger).flatMapThrowing { [handlers] value in
            let pipeline = channel.pipeline.syncOperations
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            try pipeline.addHandlers(handlers(), position: .after(decoder))
            return value
        }
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async {
        await base.handle(value: value, logger: logger)
    }
}
