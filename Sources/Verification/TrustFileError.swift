public import Governance
public import Tlog

/// Why a trust file is refused, and in which line.
public struct TrustFileError: NamedFailure, Hashable {
    /// What is wrong.
    public enum Fault: Sendable, Hashable {
        /// The file's syntax, or its tlog-policy lines.
        case policy(TlogPolicyError)
        /// The line begins with a word that is none of the grammar's.
        case unknownKeyword(String)
        /// The line has other items than `form`.
        case itemCount(form: String)
        /// A line that may stand only once stands again.
        case repeated(String)
        /// No `log` line: nothing could be verified.
        case noLog
        /// A trust file with a genesis trusts one log; this one's `log` lines are of several.
        case severalLogs(Int)
        /// Not 64 lowercase hexadecimal digits.
        case notHash(keyword: String, text: String)
        /// The genesis entry is not canonical, padded base64.
        case notBase64
        /// The genesis entry hashes to another leaf hash than the one beside it.
        case genesisHash(pinned: Hash, computed: Hash)
        /// The genesis entry is not a signed statement.
        case genesisForm(String)
        /// The genesis entry is a statement, but not the exact bytes of its log entry.
        case genesisNotCanonical
        /// The genesis entry is not a first policy signed by an authority that it names.
        case genesisPolicy(String)
        /// The genesis is signed by an authority that no `authority` line pins.
        case signerNotPinned(Hash)
        /// A pinned authority is none that the genesis names.
        case authorityNotNamed(Hash)
        /// The genesis is of another log than the `log` line.
        case logOrigin(genesis: String, line: String)
        /// No `log` line has the checkpoint key that the genesis names.
        case logKey(genesis: String, line: String)
        /// The key of a `log-key` line is not canonical, padded base64.
        case keyNotBase64(String)
        /// It is no public key.
        case publicKey(Ed25519Error)
        /// A tree size that is no canonical decimal number.
        case notSize(String)
        /// Later keys for receipts and the log's own statements mean nothing where the first ones are not known.
        case noGenesisEntry(String)
        /// A key that has another use already.
        case sameKey(String)
        /// A cut-off for a key that the file does not name.
        case unknownKey(LogPublicKeys.Use, String)
        /// Every key of a use has a cut-off: nothing would count.
        case allKeysEnded(LogPublicKeys.Use)
        /// A key ends after the one that follows it, or the one that follows it ends and it does not.
        case cutoffOrder(LogPublicKeys.Use)
    }

    public let fault: Fault
    /// From 1; nil where the fault is of the file as a whole.
    public let line: Int?

    public init(_ fault: Fault, line: Int?) {
        self.fault = fault
        self.line = line
    }

    init(_ error: TlogPolicyError) {
        self.init(.policy(error), line: error.line)
    }

    public var reason: String {
        switch fault {
        case .policy(let error): error.reason
        case .unknownKeyword: "unknown-keyword"
        case .itemCount: "item-count"
        case .repeated: "repeated-line"
        case .noLog: "no-log"
        case .severalLogs: "several-logs"
        case .notHash: "not-a-hash"
        case .notBase64: "not-base64"
        case .genesisHash: "genesis-hash"
        case .genesisForm: "genesis-form"
        case .genesisNotCanonical: "genesis-not-canonical"
        case .genesisPolicy: "genesis-policy"
        case .signerNotPinned: "signer-not-pinned"
        case .authorityNotNamed: "authority-not-named"
        case .logOrigin: "log-origin"
        case .logKey: "log-key"
        case .keyNotBase64: "not-base64"
        case .publicKey(let error): error.reason
        case .notSize: "not-a-size"
        case .noGenesisEntry: "no-genesis-entry"
        case .sameKey: "same-key"
        case .unknownKey: "unknown-key"
        case .allKeysEnded: "all-keys-ended"
        case .cutoffOrder: "cutoff-order"
        }
    }
}

extension TrustFileError: CustomStringConvertible {
    public var description: String {
        line.map { "line \($0): \(sentence)" } ?? sentence
    }

    private var sentence: String {
        switch fault {
        case .policy(let error): error.described(omitting: "line")
        case .unknownKeyword(let word):
            "unknown word \"\(word)\"; a line begins with log, witness, group, quorum, genesis, authority, "
                + "state-quorum, log-key, key-cutoff, or #"
        case .itemCount(let form): "expected: \(form)"
        case .repeated(let what): "a second line \"\(what)\""
        case .noLog: "no log line; a trust file names the log that it trusts"
        case .severalLogs(let count): "log lines of \(count) logs beside a genesis; a genesis belongs to one log"
        case .notHash(let keyword, let text): "\(keyword): \"\(text)\" is not 64 lowercase hexadecimal digits"
        case .notBase64: "the genesis entry is not padded standard base64"
        case .genesisHash(let pinned, let computed): "the genesis entry hashes to \(computed), the line pins \(pinned)"
        case .genesisForm(let why): "the genesis entry is not a signed statement: \(why)"
        case .genesisNotCanonical: "the genesis entry is not in the canonical form of log entries"
        case .genesisPolicy(let why): "the genesis entry is not a first policy: \(why)"
        case .signerNotPinned(let thumbprint): "the genesis is signed by authority \(thumbprint), which is not pinned"
        case .authorityNotNamed(let thumbprint): "the genesis names no authority \(thumbprint)"
        case .logOrigin(let genesis, let line): "the genesis is of log \(genesis), the log line of \(line)"
        case .logKey(let genesis, let line):
            "the genesis names checkpoint key \(genesis), and no log line has it (the first has \(line)): keys that came "
                + "later stand beside it"
        case .keyNotBase64(let text): "\"\(text)\" is not the padded standard base64 of a public key"
        case .publicKey(let error): "the key is no Ed25519 public key: \(error)"
        case .notSize(let text): "\"\(text)\" is not a tree size"
        case .noGenesisEntry(let keyword): "\(keyword) needs a genesis line with the entry, which names the first keys"
        case .sameKey(let key): "the key \(key) has another use already; each key has one"
        case .unknownKey(let use, let key): "a cut-off for \(key), which is no \(use.rawValue) key that the file names"
        case .allKeysEnded(let use):
            "every \(use.rawValue) key has a cut-off, so nothing would count: name the key that came after"
        case .cutoffOrder(let use):
            "the cut-offs of \(use.rawValue) keys are not in the order of the keys: the genesis's key is the first, the "
                + "others follow as their lines do, each ends at a larger size than the one before, and the last has none"
        }
    }
}

extension TlogPolicyError {
    /// The line that the error is about, if it is about one.
    fileprivate var line: Int? {
        switch self {
        case .tooLarge, .noFinalNewline, .noQuorum: nil
        case .controlCharacter(_, let line), .unknownKeyword(_, let line), .itemCount(_, _, let line),
            .key(_, let line), .keyType(_, let line), .duplicateLog(_, let line), .duplicateWitness(_, let line),
            .duplicateName(_, let line), .reservedName(let line), .undefinedName(_, let line),
            .repeatedMember(_, let line), .threshold(_, let line), .thresholdOutOfRange(_, _, let line),
            .secondQuorum(let line), .tooMany(_, let line):
            line
        }
    }
}
