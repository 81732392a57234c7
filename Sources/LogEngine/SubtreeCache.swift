internal import Synchronization
internal import Tlog

/// The hashes inside those tiles that proofs were made from lately, shared by all threads: of tiles that are not full yet, and
/// of all where the store does not keep what is inside.
///
/// The proofs of one batch, and of the batches after it, lie in the same few tiles, and all proofs share the upper ones.
/// Without this each proof hashes about 250 nodes in every tile that it meets. What is kept holds under every head:
/// entries are only appended, so a complete subtree never changes.
final class SubtreeCache: Sendable {
    /// Two generations of this many tiles at 16 KiB each.
    private static let tilesInGeneration = 512

    private struct Generations {
        var young: [TileCoordinate: TileSubtrees] = [:]
        /// What was in use before; what is asked for again is taken over into the young one.
        var old: [TileCoordinate: TileSubtrees] = [:]

        mutating func keep(_ subtrees: TileSubtrees, of coordinate: TileCoordinate) {
            if young.count >= SubtreeCache.tilesInGeneration, young[coordinate] == nil {
                old = young
                young = [:]
            }
            young[coordinate] = subtrees
        }
    }

    private let generations = Mutex(Generations())

    /// The subtrees of a tile, up to at least `width` of its hashes.
    ///
    /// - Parameter read: the content of the tile, at least so wide; called where it is not at hand.
    func subtrees<E: Error>(
        of coordinate: TileCoordinate, width: Int, read: () throws(E) -> [UInt8]
    ) throws(E) -> TileSubtrees {
        let known = generations.withLock { generations -> TileSubtrees? in
            if let young = generations.young[coordinate] { return young }
            guard let old = generations.old[coordinate] else { return nil }
            generations.keep(old, of: coordinate)
            return old
        }
        if let known, known.width >= width { return known }
        // Outside the lock: two threads may do the same work, and none waits for another's.
        let content = try read()
        var subtrees = known ?? TileSubtrees()
        subtrees.grow(to: content.count / Hash.byteCount, from: content)
        generations.withLock { generations in
            if let other = generations.young[coordinate], other.width >= subtrees.width { return }
            generations.keep(subtrees, of: coordinate)
        }
        return subtrees
    }
}
