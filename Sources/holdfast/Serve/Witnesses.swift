import Foundation
import LogClient
import LogEngine
import Logging
import Tlog
import Verification

/// The witnesses of a served log, by the policy file that its settings name.
struct Witnesses: Cosigners {
    let policy: TlogPolicy
    /// Those that only the `state-quorum` line reaches.
    let stateWitnesses: Set<TlogPolicy.Name>
    private let clients: [TlogPolicy.Name: WitnessClient]

    /// - Parameters:
    ///   - path: a policy file (c2sp.org/tlog-policy), or a trust file.
    ///   - keys: the log's, and the next ones. A file with `log` lines must have one for one of them.
    /// - Throws: ``Failure`` for a file that can't be read, or whose quorum can't be reached by asking those witnesses
    ///   that have a URL.
    init(
        file path: String, log keys: [Ed25519.PublicKey], timeout: Duration, stateTimeout: Duration, logger: Logger
    ) throws {
        let file = try Self.file(try FileBytes.read(path, limit: TlogPolicy.maxByteCount), path)
        let policy = file.policy
        guard
            policy.logs.isEmpty
                || policy.logs.contains(where: { line in
                    keys.contains { $0.bytes == line.key.publicKey }
                })
        else {
            throw Failure(
                .usage, "The witness policy \(path) is for another log",
                hint: "It has 'log' lines, and none of them has this log's key.")
        }
        // One line of a note is the log's own.
        guard policy.witnesses.count < SignedNote.maxSignatureCount else {
            throw Failure(
                .usage,
                "The witness policy \(path) has \(policy.witnesses.count) witnesses; a checkpoint has room for "
                    + "\(SignedNote.maxSignatureCount - 1)")
        }
        var addresses: [TlogPolicy.Name: LogURL] = [:]
        for witness in policy.witnesses {
            guard let url = witness.url else {
                logger.warning("a witness has no URL and is not asked", metadata: ["witness": "\(witness.name)"])
                continue
            }
            guard let address = LogURL(url.description) else {
                throw Failure(
                    .usage, "The URL of the witness \(witness.name) in \(path) is \(Terminal.visible(url.description))",
                    hint: "A URL is like https://witness.example.com/")
            }
            addresses[witness.name] = address
        }
        guard policy.isSatisfied(policy.quorum, by: Set(addresses.keys)) else {
            throw Failure(
                .usage, "The quorum of \(path) can't be reached by the witnesses that have a URL",
                hint: "A line is like: witness NAME VKEY https://witness.example.com/")
        }
        let asked = Set(addresses.keys)
        if let quorum = file.stateQuorum, !policy.isSatisfied(quorum, by: asked) {
            throw Failure(
                .usage, "The state quorum of \(path) can't be reached by the witnesses that have a URL",
                hint: "A line is like: witness NAME VKEY https://monitor.example.com/")
        }
        self.policy = policy
        let state = file.stateQuorum.map { policy.witnesses(under: $0) } ?? []
        stateWitnesses = state.subtracting(policy.witnesses(under: policy.quorum))
        // Last: a client that was made has to be shut down.
        var clients: [TlogPolicy.Name: WitnessClient] = [:]
        for (name, address) in addresses {
            let isPatient = stateWitnesses.contains(name)
            clients[name] = WitnessClient(url: address, timeout: isPatient ? stateTimeout : timeout)
        }
        self.clients = clients
    }

    private struct File {
        let policy: TlogPolicy
        let stateQuorum: TlogPolicy.Quorum?
    }

    /// A policy file, which may have a `state-quorum` line; or a trust file, which has a few lines more.
    private static func file(_ bytes: [UInt8], _ path: String) throws -> File {
        do {
            let lines = try TlogPolicy.lines(of: bytes)
            let stateLines = lines.filter { $0.keyword == "state-quorum" }
            guard stateLines.count <= 1, lines.allSatisfy({ knownKeywords.contains($0.keyword) }) else {
                let trust = try TrustFile(parsing: bytes)
                return File(policy: trust.policy, stateQuorum: trust.stateQuorum)
            }
            let policy = try TlogPolicy(lines: lines.filter { TlogPolicy.keywords.contains($0.keyword) })
            return File(policy: policy, stateQuorum: try stateLines.first.map(policy.quorum(of:)))
        } catch {
            throw unusable(path, "\(error)")
        }
    }

    private static let knownKeywords = TlogPolicy.keywords.union(["state-quorum"])

    private static func unusable(_ path: String, _ why: String) -> Failure {
        Failure(
            .usage, "The witness policy \(path) can't be used: \(Terminal.visible(why))",
            hint: "It has 'witness NAME VKEY URL' lines, 'group' lines, and one 'quorum' line.")
    }

    // MARK: Cosigners

    func addCheckpoint(
        _ request: AddCheckpointRequest, to witness: TlogPolicy.Witness
    ) async throws -> CosignerAnswer {
        switch try await client(witness).addCheckpoint(request) {
        case .cosigned(let response): .cosigned(response)
        case .conflict(let size): .conflict(size: size)
        case .inconsistent: .inconsistent
        }
    }

    func checkpoint(of origin: Origin, at witness: TlogPolicy.Witness) async throws -> SignedCheckpoint? {
        try await client(witness).checkpoint(of: origin)
    }

    func shutdown() async {
        for client in clients.values { await client.shutdown() }
    }

    private func client(_ witness: TlogPolicy.Witness) throws(WitnessClientError) -> WitnessClient {
        guard let client = clients[witness.name] else { throw .unreachable("it has no URL") }
        return client
    }
}
