public import COSE
public import Tlog

/// That nothing is admitted any more.
public struct FrozenRecord: StateRecord {
    public static let kind = "end of the log"

    public let index: UInt64
    /// The log that goes on, and its entry 0.
    public let successor: String
    public let genesis: Hash

    public init(index: UInt64, freeze: LogFreeze) {
        self.index = index
        successor = freeze.successor
        genesis = freeze.genesis
    }

    public var cbor: CBOR {
        ["index": .unsigned(index), "successor": .text(successor), "genesis": .hash(genesis)]
    }

    public init(record item: CBOR) throws(FieldError) {
        let fields = try FieldReader(item, path: "", fields: ["index", "successor", "genesis"])
        try self.init(
            index: fields.unsigned("index"),
            freeze: LogFreeze(successor: fields.text("successor"), genesis: fields.hash("genesis")))
    }
}

/// A key that was the log's and is no more. Those in use stand in the policy.
public struct EndedLogKeyRecord: StateRecord {
    public static let kind = "former key of the log"

    /// The entry that put another key in its place.
    public let index: UInt64
    public let key: Ed25519.PublicKey
    /// What it signed, a ``LogPublicKeys/Use``.
    public let use: LogPublicKeys.Use

    public init(index: UInt64, key: Ed25519.PublicKey, use: LogPublicKeys.Use) {
        self.index = index
        self.key = key
        self.use = use
    }

    public var cbor: CBOR { ["index": .unsigned(index), "key": .bytes(key.bytes), "use": .text(use.rawValue)] }

    public init(record item: CBOR) throws(FieldError) {
        let fields = try FieldReader(item, path: "", fields: ["index", "key", "use"])
        guard let use = try LogPublicKeys.Use(rawValue: fields.text("use")) else {
            throw .invalid("use", "checkpoint, receipt or statement")
        }
        try self.init(index: fields.unsigned("index"), key: fields.publicKey("key"), use: use)
    }
}

/// The newest record of refusals.
public struct RefusalsRecord: StateRecord {
    public static let kind = "record of refusals"

    public let index: UInt64
    public let entry: Hash
    public let seq: UInt64
    /// The time of its batch.
    public let time: UInt64

    public init(index: UInt64, entry: Hash, seq: UInt64, time: UInt64) {
        self.index = index
        self.entry = entry
        self.seq = seq
        self.time = time
    }

    public var cbor: CBOR {
        ["index": .unsigned(index), "entry": .hash(entry), "seq": .unsigned(seq), "time": .unsigned(time)]
    }

    public init(record item: CBOR) throws(FieldError) {
        let fields = try FieldReader(item, path: "", fields: ["index", "entry", "seq", "time"])
        try self.init(
            index: fields.unsigned("index"), entry: fields.hash("entry"), seq: fields.unsigned("seq"),
            time: fields.unsigned("time"))
    }
}

extension StateKey {
    /// That the log is frozen: a ``FrozenRecord``.
    public static let frozen = StateKey("frozen")

    /// The newest record of refusals: a ``RefusalsRecord``.
    public static let refusals = StateKey("refusals")

    /// A key that was the log's, by its thumbprint: an ``EndedLogKeyRecord``.
    public static func logKey(_ keyID: Hash) -> StateKey { StateKey("logKey", .hash(keyID)) }

    /// What the bytes of all `logKey` keys begin with.
    static let logKeyPrefix: [UInt8] = [0x82, 0x66] + Array("logKey".utf8)
}
