import Tlog

/// What a tile may be, from several that each say what they take it for: what is stored in its place, what the tiles
/// below it or the entries come to, what a mirror has.
///
/// Damage hits single positions, so they are compared position by position. What two agree on is taken; where no two
/// agree, each is tried. Which of the contents is right is for the hash above to tell.
struct TileVoices {
    private var voices: [[Hash?]] = []
    private let width: Int

    /// - Parameter width: of the tile.
    init(width: Int) {
        self.width = width
    }

    /// - Parameter hashes: nil where nothing is known.
    mutating func add(_ hashes: [Hash?]) {
        if hashes.count == width { voices.append(hashes) }
    }

    mutating func add(_ content: [UInt8]?) {
        if let content { add((0..<content.count / Hash.byteCount).map { content.hash(at: $0) }) }
    }

    /// The contents to try, the likeliest first, at most `limit`. None if of some position nothing is known.
    func contents(limit: Int) -> [[UInt8]] {
        var results: [[Hash]] = [[]]
        for position in 0..<width {
            let choices = choices(at: position)
            if choices.isEmpty { return [] }
            let room = max(1, limit / results.count)
            results = choices.prefix(room).flatMap { choice in results.map { $0 + [choice] } }
        }
        // Each voice as it is, too: two that agree may both be wrong.
        for voice in voices {
            let whole = voice.compactMap(\.self)
            if whole.count == width, !results.contains(whole) { results.append(whole) }
        }
        return results.map { $0.flatMap(\.bytes) }
    }

    /// What two say, or else what anyone says, in the order of the voices.
    private func choices(at position: Int) -> [Hash] {
        var counts: [(hash: Hash, count: Int)] = []
        for case let hash? in voices.map({ $0[position] }) {
            if let known = counts.firstIndex(where: { $0.hash == hash }) {
                counts[known].count += 1
            } else {
                counts.append((hash, 1))
            }
        }
        if let agreed = counts.first(where: { $0.count > 1 }) { return [agreed.hash] }
        return counts.map(\.hash)
    }
}
