internal import COSE

/// The newest links of the streams that a batch continues: each is read once and encoded once, however many statements
/// of its stream the batch has. Statements of one stream mostly follow one another, so the last one asked for is at hand.
struct StreamLinks: Sendable {
    private struct Stream {
        let issuer: String
        let name: String
        let key: StateKey
        var newest: StreamLink?
        var isChanged = false
    }

    private var current: Stream?
    /// Those of the other streams that the batch has changed.
    private var others: [StateKey: StreamLink] = [:]

    /// The newest link of the stream at hand.
    var newest: StreamLink? { current?.newest }

    /// Whether this stream is the one at hand.
    func isAtHand(issuer: String, stream: String) -> Bool {
        guard let current else { return false }
        return current.name.hasSameUTF8(as: stream) && current.issuer.hasSameUTF8(as: issuer)
    }

    /// Makes a stream the one at hand.
    ///
    /// - Parameters:
    ///   - newest: its newest link, in the batch or below it.
    ///   - isChanged: whether that is in the batch.
    mutating func open(issuer: String, stream: String, key: StateKey, newest: StreamLink?, isChanged: Bool) {
        if let current, current.isChanged { others[current.key] = current.newest }
        current = Stream(issuer: issuer, name: stream, key: key, newest: newest, isChanged: isChanged)
    }

    /// Makes a link the newest of the stream at hand.
    mutating func set(_ link: StreamLink) {
        current?.newest = link
        current?.isChanged = true
    }

    /// The link that the batch has put under a key of the state; nil where it has put none.
    func changed(_ key: StateKey) -> StreamLink? {
        guard key.bytes.starts(with: StateKey.streamPrefix) else { return nil }
        if let current, current.key == key { return current.isChanged ? current.newest : nil }
        return others[key]
    }

    /// Whether this is the key of the stream at hand.
    func isAtHand(_ key: StateKey) -> Bool { current?.key == key }

    /// How many links the batch has put, at most.
    var changedCount: Int { others.count + 1 }

    /// Calls the body with every link that the batch has put, and its key.
    func forEachChanged(_ body: (StateKey, StreamLink) -> Void) {
        for (key, link) in others where current?.key != key { body(key, link) }
        if let current, current.isChanged, let newest = current.newest { body(current.key, newest) }
    }
}
