internal import Hummingbird
internal import NIOCore

/// What the server knows of a request besides the request: the connection that it came on.
struct LogRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}
