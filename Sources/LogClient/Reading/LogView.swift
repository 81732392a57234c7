public import Tlog

/// A log as it stands under one verified checkpoint: entries and proofs, each checked against its root before it is
/// returned. Tiles that were checked are kept.
public struct LogView: Sendable {
    public let head: VerifiedCheckpoint
    private let client: LogClient
    private var tiles: AuthenticatedTiles

    init(client: LogClient, head: VerifiedCheckpoint) {
        self.client = client
        self.head = head
        tiles = AuthenticatedTiles(head: head.treeHead)
    }

    public var size: UInt64 { head.treeHead.size }

    /// The entries of a range within the size.
    public mutating func entries(_ range: Range<UInt64>) async throws(ClientError) -> [[UInt8]] {
        var entries: [[UInt8]] = []
        var next = range.lowerBound
        while next < range.upperBound {
            let first = next / 256 * 256
            let end = min(first + 256, size)
            let bundle = try await bundle(first..<end)
            let last = min(end, range.upperBound)
            entries += bundle[Int(next - first)..<Int(last - first)]
            next = last
        }
        return entries
    }

    /// The entries of one bundle, each of which hashes to its leaf under the head.
    private mutating func bundle(_ range: Range<UInt64>) async throws(ClientError) -> [[UInt8]] {
        let index = range.lowerBound / 256
        guard let coordinate = TileCoordinate(level: 0, index: index) else { return [] }
        try await read(tiles.missing([coordinate]))
        let path = TileResource.entries(index: index, width: range.count).path
        let answer = try await client.send(.get(path, maximumAnswerBytes: LogClient.Limits.bundle))
        let entries: [[UInt8]]
        do {
            entries = try EntryBundle(parsing: answer.body, width: range.count).entries
        } catch {
            throw .answerMalformed(path: path, reason: "\(error)")
        }
        do {
            try tiles.verify(entries: entries, first: range.lowerBound)
        } catch {
            throw .contradiction(path: path, reason: "the entries are not those under the checkpoint: \(error)")
        }
        return entries
    }

    /// The root that this tree had when it was of `size` leaves, at most as many as it has.
    public mutating func root(at size: UInt64) async throws(ClientError) -> Hash {
        if size == 0 { return .emptyTree }
        let plan = ProofPlan.root(size: size)
        try await read(tiles.missing(for: plan))
        do {
            return try tiles.hashes(for: plan)[0]
        } catch {
            throw .contradiction(path: "tile", reason: "\(error)")
        }
    }

    /// The path from an entry to the root.
    public mutating func inclusionProof(index: UInt64) async throws(ClientError) -> InclusionProof {
        let plan: ProofPlan
        do {
            plan = try ProofPlan.inclusion(index: index, size: size)
        } catch {
            throw .contradiction(path: "tile", reason: "\(error)")
        }
        try await read(tiles.missing(for: plan))
        do {
            return InclusionProof(index: index, size: size, path: try tiles.hashes(for: plan))
        } catch {
            throw .contradiction(path: "tile", reason: "\(error)")
        }
    }

    /// The proof that this tree continues the one of `old` leaves.
    public mutating func consistencyProof(from old: UInt64) async throws(ClientError) -> ConsistencyProof {
        let plan: ProofPlan
        do {
            plan = try ProofPlan.consistency(from: old, to: size)
        } catch {
            throw .contradiction(path: "tile", reason: "\(error)")
        }
        try await read(tiles.missing(for: plan))
        do {
            return ConsistencyProof(oldSize: old, newSize: size, path: try tiles.hashes(for: plan))
        } catch {
            throw .contradiction(path: "tile", reason: "\(error)")
        }
    }

    private mutating func read(_ missing: [Tile]) async throws(ClientError) {
        guard !missing.isEmpty else { return }
        var read: [TileCoordinate: [UInt8]] = [:]
        for tile in missing {
            let answer = try await client.send(
                .get(TileResource.tile(tile).path, maximumAnswerBytes: LogClient.Limits.tile))
            read[tile.coordinate] = answer.body
        }
        do {
            try tiles.add(read)
        } catch {
            throw .contradiction(path: "tile", reason: "a tile is not the one under the checkpoint: \(error)")
        }
    }
}

extension LogClient {
    /// The log under its newest checkpoint.
    public func view() async throws(ClientError) -> LogView {
        LogView(client: self, head: try await checkpoint())
    }

    /// The log under a checkpoint that was verified before.
    public func view(under head: VerifiedCheckpoint) -> LogView {
        LogView(client: self, head: head)
    }
}
