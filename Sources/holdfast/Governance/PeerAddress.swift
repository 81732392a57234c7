import ArgumentParser
import Governance
import LogClient
import Tlog
import Verification

/// Where a peer's log is, and what is trusted of it: what it was admitted with.
struct PeerAddress: ParsableArguments {
    @Option(
        help: ArgumentHelp("Where its log is. Default: what its 'log' line says.", valueName: "url"))
    var peerURL: String?

    @Option(help: ArgumentHelp("The authorities (PEM) to trust for its HTTPS.", valueName: "file"))
    var peerCA: String?

    func validate() throws {
        if let peerURL, LogURL(peerURL) == nil {
            throw ValidationError("--peer-url takes an http or https URL, not '\(peerURL)'.")
        }
    }

    static func record(of origin: String, _ session: inout GovernanceSession) async throws -> PeerRecord {
        guard let record = try await session.record(.peer(origin), PeerRecord.self), !record.isExpelled else {
            throw Failure(
                .refused, "\(Terminal.visible(origin)) is no admitted peer",
                hint: "Admit it: holdfast peer admit PEER.trust. holdfast peer list shows those there are.")
        }
        return record
    }

    /// A client of the peer's log, closed afterwards.
    func withClient<Value>(
        of record: PeerRecord, timeout: Int, _ body: (LogClient) async throws -> Value
    ) async throws -> Value {
        let trust: TrustFile
        do {
            trust = try TrustFile(parsing: Array(record.peer.policy.utf8))
        } catch {
            throw Failure(.refused, "The policy that \(record.peer.origin) was admitted with can't be used: \(error)")
        }
        let client = LogClient(
            url: try url(trust), trust: trust, timeout: .seconds(timeout), certificates: peerCA)
        do {
            let value = try await body(client)
            await client.shutdown()
            return value
        } catch {
            await client.shutdown()
            throw error
        }
    }

    private func url(_ trust: TrustFile) throws -> LogURL {
        let text = peerURL ?? trust.policy.logs.first?.url?.description
        guard let url = text.flatMap({ LogURL($0) }) else {
            throw Failure(.usage, "The URL of the peer's log is not known", hint: "Give it with --peer-url URL.")
        }
        return url
    }
}
