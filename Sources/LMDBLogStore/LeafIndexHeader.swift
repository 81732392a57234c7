internal import LMDB
internal import LogStore
internal import Tlog

/// What the file of the index of leaf hashes says of itself: under which key its slots lie, and the tree whose leaf hashes
/// are all in slots that have reached the disk.
///
/// It lies in the first 512 bytes of the file, which a disk writes whole or not at all, and ends with its SHA-256.
struct LeafIndexHeader: Equatable {
    static let magic = Array("holdfast-leaf-index/1\n".utf8)
    static let byteCount = magic.count + KeyedHash.keyByteCount + 8 + 2 * Hash.byteCount

    let key: [UInt8]
    var tree: TreeHead

    /// Of an index that has nothing yet, under a new key.
    init() {
        var random = SystemRandomNumberGenerator()
        key = (0..<KeyedHash.keyByteCount).map { _ in UInt8.random(in: 0...255, using: &random) }
        tree = .empty
    }

    var bytes: [UInt8] {
        let content = Self.magic + key + tree.size.bigEndianBytes + tree.root.bytes
        return content + Hash.sha256(content).bytes
    }

    /// Nil if the bytes are not what `bytes` makes.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.byteCount, bytes.starts(with: Self.magic) else { return nil }
        let content = bytes.dropLast(Hash.byteCount)
        let fields = content.dropFirst(Self.magic.count)
        let numbers = fields.dropFirst(KeyedHash.keyByteCount)
        guard Hash.sha256(Array(content)) == Hash(bytes.suffix(Hash.byteCount)),
            let size = UInt64(bigEndianBytes: numbers.prefix(8)), let root = Hash(numbers.suffix(Hash.byteCount))
        else { return nil }
        key = Array(fields.prefix(KeyedHash.keyByteCount))
        tree = TreeHead(size: size, root: root)
    }
}
