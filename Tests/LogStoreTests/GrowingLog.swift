import LogStore
import Tlog

/// The other side of a store's contract: a log that makes right batches, slowly and by the definition of RFC 6962,
/// and knows what the store must answer.
struct GrowingLog {
    private(set) var entries: [[UInt8]] = []
    private(set) var head = StoredHead.empty

    /// RFC 6962 §2.1, word by word.
    static func root(_ leaves: ArraySlice<Hash>) -> Hash {
        guard let first = leaves.first else { return .emptyTree }
        guard leaves.count > 1 else { return first }
        var half = 1
        while half * 2 < leaves.count { half *= 2 }
        let middle = leaves.startIndex + half
        return Hash.node(root(leaves[..<middle]), root(leaves[middle...]))
    }

    var leafHashes: [Hash] { entries.map(Hash.leaf) }

    func root(size: Int) -> Hash { Self.root(leafHashes.prefix(size)) }

    /// The content of a tile of the tree over all entries.
    func content(of tile: Tile) -> [UInt8] { Self.content(of: tile, leaves: leafHashes) }

    private static func content(of tile: Tile, leaves: [Hash]) -> [UInt8] {
        let span = (0..<tile.level).reduce(1) { span, _ in span * 256 }
        let first = Int(tile.index) * 256
        return (first..<first + tile.width).flatMap { number in
            root(leaves[number * span..<(number + 1) * span]).bytes
        }
    }

    /// The batch that adds these entries.
    func batch(_ new: [[UInt8]], sealTime: UInt64? = nil) -> StoreBatch {
        let leaves = leafHashes + new.map(Hash.leaf)
        let size = UInt64(leaves.count)
        let tiles = Tile.tiles(from: head.size, to: size).map { tile in
            (tile: tile, hashes: Self.content(of: tile, leaves: leaves))
        }
        return StoreBatch(
            entries: new, leafHashes: new.map(Hash.leaf), tiles: tiles,
            head: StoredHead(
                treeHead: TreeHead(size: size, root: Self.root(leaves[...])), sealTime: sealTime ?? head.sealTime + 1))
    }

    /// A batch of `count` entries that no other batch of this log has.
    func nextBatch(_ count: Int, byteCount: Int = 40) -> StoreBatch {
        batch(
            (0..<count).map { offset in
                var entry = Array("entry \(entries.count + offset) ".utf8)
                while entry.count < byteCount { entry.append(UInt8(truncatingIfNeeded: entry.count &* 7)) }
                return entry
            })
    }

    /// Takes a batch that the store accepted.
    mutating func took(_ batch: StoreBatch) {
        entries.append(contentsOf: batch.entries)
        head = batch.head
    }

    /// Commits a batch and takes it.
    mutating func commit(_ batch: StoreBatch, to store: any LogStore) throws {
        try store.commit(batch, expecting: head.treeHead)
        took(batch)
    }

    mutating func grow(_ store: any LogStore, by count: Int) throws {
        try commit(nextBatch(count), to: store)
    }
}
