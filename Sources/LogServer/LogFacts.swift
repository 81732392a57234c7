internal import COSE
internal import Governance
internal import LogEngine
internal import LogStore
internal import Tlog

/// What does not change about a log while it is served: read once, when the server is made.
struct LogFacts: Sendable {
    /// The leaf hash of entry 0: what clients pin.
    let genesis: Hash
    /// Tells this log's resources from those of a log that was at the same address before.
    let cacheTag: String

    init(_ log: Log) throws(ServerError) {
        do {
            guard let genesis = try log.genesis() else { throw ServerError.log("it has no genesis") }
            self.genesis = genesis
        } catch let error as ServerError {
            throw error
        } catch {
            throw .log("\(error)")
        }
        cacheTag = String(genesis.hex.prefix(8))
    }

    /// The page at the root.
    ///
    /// - Parameter key: that signs checkpoints, as clients configure it.
    func page(_ head: PublishedHead, _ key: VerifierKey) -> String {
        """
        Holdfast: a transparency log for signed statements.

        origin    \(head.checkpoint.checkpoint.origin.text)
        size      \(head.size)
        root      \(head.treeHead.root.hex)
        vkey      \(key.text)
        genesis   \(genesis.hex)

        POST /entries                        register a signed statement, or many of them
        GET  /entries/{leaf hash or index}   a fresh receipt; below it /statement and /proof
        GET  /streams/{issuer}/{name}        the newest statement of a stream
        GET  /checkpoint                     the signed tree head (c2sp.org/tlog-checkpoint)
        GET  /tile/...                       tiles and entry bundles (c2sp.org/tlog-tiles)
        GET  /proof/inclusion?index=&size=   and ?leaf=&size=
        GET  /proof/consistency?from=&to=
        GET  /policy  /identities  /grants  /models  /executions  /containments  /peers  /routes
        GET  /executions/{home}/{id}/lineage what an execution came from, and what came from it
        GET  /statements?issuer=             entries, the newest first; also ?subject= and ?type=
        GET  /state/{key}?size=              a value of the governance state, or its absence, with the proof
        GET  /.well-known/scitt-keys         the keys of receipts
        GET  /genesis                        entry 0: the first policy
        GET  /metrics  /healthz  /readyz

        """
    }
}
