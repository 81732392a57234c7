internal import NIOCore
internal import Synchronization

/// The open connections, counted by client.
package final class ConnectionTable: Sendable {
    private let perClient: Int
    private let counts = Mutex<[ClientAddress: Int]>([:])
    private let open = Atomic<Int>(0)

    package init(perClient: Int) {
        self.perClient = perClient
    }

    package var count: Int { open.load(ordering: .relaxed) }

    /// False where the client has as many connections as it may; nothing is counted then.
    func enter(_ client: ClientAddress?) -> Bool {
        if let key = client?.group {
            let isAdmitted = counts.withLock { counts in
                let count = counts[key, default: 0]
                guard count < perClient else { return false }
                counts[key] = count + 1
                return true
            }
            guard isAdmitted else { return false }
        }
        open.wrappingAdd(1, ordering: .relaxed)
        return true
    }

    func leave(_ client: ClientAddress?) {
        open.wrappingSubtract(1, ordering: .relaxed)
        guard let key = client?.group else { return }
        counts.withLock { counts in
            let count = counts[key, default: 1] - 1
            counts[key] = count > 0 ? count : nil
        }
    }
}

/// Closes a connection that its client has too many of, or whose client does not read what it asked for. Until it does,
/// no more requests are read from it.
///
/// Clients that are slow to *send* are the business of the idle time-out and of the deadline for bodies.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = Any
    typealias InboundOut = Any
    typealias OutboundIn = Any
    typealias OutboundOut = Any

    private let table: ConnectionTable
    private let writeTimeout: TimeAmount
    /// Proxies may have any number of connections: many clients are behind them.
    private let identification: ClientIdentification
    private var entered: ClientAddress??
    private var stall: Scheduled<Void>?
    private var holdsRead = false

    init(table: ConnectionTable, writeTimeout: TimeAmount, identification: ClientIdentification) {
        self.table = table
        self.writeTimeout = writeTimeout
        self.identification = identification
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { enter(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        enter(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        leave()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            stall?.cancel()
            stall = nil
            if holdsRead {
                holdsRead = false
                context.read()
            }
        } else if stall == nil {
            let channel = context.channel
            stall = context.eventLoop.scheduleTask(in: writeTimeout) { channel.close(promise: nil) }
        }
        context.fireChannelWritabilityChanged()
    }

    func read(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            context.read()
        } else {
            holdsRead = true
        }
    }

    private func enter(_ context: ChannelHandlerContext) {
        guard entered == nil else { return }
        let address = ClientAddress(context.channel.remoteAddress)
        let client = identification.isProxy(address) ? nil : address
        if table.enter(client) {
            entered = .some(client)
        } else {
            let channel = context.channel
            context.eventLoop.execute { channel.close(promise: nil) }
        }
    }

    private func leave() {
        stall?.cancel()
        stall = nil
        if let client = entered { table.leave(client) }
        entered = nil
    }
}
