public import LogClient
package import Tlog

/// A witness that is asked what it cosigned of a log.
public struct WatchedWitness: Sendable {
    public let name: String
    private let ask: @Sendable (Origin) async throws -> SignedCheckpoint?

    /// - Parameter ask: the newest checkpoint that it serves for a log (tlog-witness, `GET /<origin hash>/checkpoint`);
    ///   nil where it has none. It ends by itself in bounded time.
    package init(name: String, ask: @escaping @Sendable (Origin) async throws -> SignedCheckpoint?) {
        self.name = name
        self.ask = ask
    }

    /// One client may serve the watching of many logs.
    public init(name: String, client: WitnessClient) {
        self.init(name: name) { try await client.checkpoint(of: $0) }
    }

    enum Shown: Sendable {
        case nothing
        case checkpoint(SignedCheckpoint)
        case failed(String)
    }

    func shown(_ origin: Origin) async -> Shown {
        do {
            return try await ask(origin).map { .checkpoint($0) } ?? .nothing
        } catch {
            return .failed("\(error)")
        }
    }
}
