/// What was wrong with a Merkle proof, or with the tiles it was to be made from.
public enum ProofError: NamedFailure, Hashable {
    /// There is no leaf `index` in a tree of `size` leaves.
    case indexOutOfRange(index: UInt64, size: UInt64)
    /// The older tree is larger than the newer.
    case sizesOutOfOrder(old: UInt64, new: UInt64)
    /// The tree is larger than this code handles (2^63 - 1 leaves, as many as 63 hashes can prove).
    case sizeTooLarge(UInt64)
    /// The path has `actual` hashes where the tree sizes call for `expected`.
    case wrongPathLength(expected: Int, actual: Int)
    /// The path leads to another root.
    case rootMismatch(expected: Hash, computed: Hash)
    /// The path of a consistency proof does not lead to the older root.
    case oldRootMismatch(expected: Hash, computed: Hash)
    /// A tile that is needed was not handed over.
    case tileMissing(Tile)
    /// A tile has fewer bytes than its width calls for, or a part of a hash at its end.
    case tileLength(Tile, bytes: Int)
    /// The content of a tile does not hash to what the tree above it says.
    case tileMismatch(Tile, expected: Hash, computed: Hash)
    /// A right edge of `actual` hashes where the size calls for `expected`.
    case wrongEdgeLength(expected: Int, actual: Int)

    public var reason: String {
        switch self {
        case .indexOutOfRange: "index-out-of-range"
        case .sizesOutOfOrder: "sizes-out-of-order"
        case .sizeTooLarge: "size-too-large"
        case .wrongPathLength: "wrong-path-length"
        case .rootMismatch: "root-mismatch"
        case .oldRootMismatch: "old-root-mismatch"
        case .tileMissing: "tile-missing"
        case .tileLength: "tile-length"
        case .tileMismatch: "tile-mismatch"
        case .wrongEdgeLength: "wrong-edge-length"
        }
    }
}
