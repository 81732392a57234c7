public import Tlog

/// One stream of one key in one log: what a statement's place (seq, prev) is counted in.
public struct StreamName: Sendable, Hashable {
    /// The log's origin.
    public let origin: Origin
    public let issuer: String
    public let stream: String
    /// The thumbprint of the issuer's key.
    public let key: Hash

    public init(origin: Origin, issuer: String, stream: String, key: Hash) {
        self.origin = origin
        self.issuer = issuer
        self.stream = stream
        self.key = key
    }

    /// A file name for what is remembered of it: a digest, because issuers and streams may hold any character.
    var fileName: String {
        let parts = [origin.text, issuer, stream, key.hex].map { Array($0.utf8) }
        let digest = Hash.sha256(Array(parts.joined(separator: [0])))
        return "stream-\(digest.hex.prefix(32)).json"
    }
}

/// The place that a stream's next statement takes.
public struct StreamPlace: Sendable, Hashable {
    public var seq: UInt64
    /// The leaf hash of the statement before it; nil for the first.
    public var prev: Hash?

    public init(seq: UInt64, prev: Hash?) {
        self.seq = seq
        self.prev = prev
    }

    /// The place of a stream's first statement.
    public static let first = StreamPlace(seq: 0, prev: nil)
}
