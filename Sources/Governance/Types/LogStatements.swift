public import COSE
public import Tlog

/// `log.rotate`: other keys for the log. It is an approval, by one authority, of the policy in force with these keys in
/// the place of its own.
public struct LogRotate: StatementData {
    public static let type = StatementType.logRotate

    public let logKeys: LogPublicKeys
    /// The digest of the policy in force.
    public let previous: Hash

    public init(logKeys: LogPublicKeys, previous: Hash) {
        self.logKeys = logKeys
        self.previous = previous
    }

    public init(_ data: CBOR) throws(FieldError) {
        let fields = try FieldReader(data, path: "", fields: ["logKeys", "previous"])
        let keys = try FieldReader(
            fields.item("logKeys"), path: "logKeys", fields: ["checkpoint", "receipt", "statement"])
        try self.init(
            logKeys: LogPublicKeys(
                checkpoint: keys.publicKey("checkpoint"), receipt: keys.publicKey("receipt"),
                statement: keys.publicKey("statement")),
            previous: fields.hash("previous"))
        guard Set(logKeys.all).count == 3 else { throw .invalid("logKeys", "three different keys") }
    }

    public var cbor: CBOR {
        [
            "logKeys": [
                "checkpoint": .bytes(logKeys.checkpoint.bytes), "receipt": .bytes(logKeys.receipt.bytes),
                "statement": .bytes(logKeys.statement.bytes),
            ],
            "previous": .hash(previous),
        ]
    }
}

/// `log.freeze`: nothing is admitted after it, and another log goes on. It takes as many authorities as a policy.
public struct LogFreeze: StatementData {
    public static let type = StatementType.logFreeze

    /// The origin of the log that goes on.
    public let successor: String
    /// The leaf hash of its entry 0.
    public let genesis: Hash

    public init(successor: String, genesis: Hash) {
        self.successor = successor
        self.genesis = genesis
    }

    public init(_ data: CBOR) throws(FieldError) {
        let fields = try FieldReader(data, path: "", fields: ["successor", "genesis"])
        try self.init(successor: fields.origin("successor").text, genesis: fields.hash("genesis"))
    }

    public var cbor: CBOR { ["successor": .text(successor), "genesis": .hash(genesis)] }

    /// What authorities approve.
    public var digest: Hash { Hash.sha256(cbor.encoded()) }
}
