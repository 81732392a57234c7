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
        /// A trust file with a genesis trusts one log; this one has several `log` lines.
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
        /// The `log` line's key is not the checkpoint key that the genesis names.
        case logKey(genesis: String, line: String)
        /// The line is understood, but this version can't keep what it asks for.
        case notSupported(String)
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
        case .notSupported: "not-supported"
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
                + "state-quorum, key-cutoff, or #"
        case .itemCount(let form): "expected: \(form)"
        case .repeated(let what): "a second line \"\(what)\""
        case .noLog: "no log line; a trust file names the log that it trusts"
        case .severalLogs(let count): "\(count) log lines beside a genesis; a genesis belongs to one log"
        case .notHash(let keyword, let text): "\(keyword): \"\(text)\" is not 64 lowercase hexadecimal digits"
        case .notBase64: "the genesis entry is not padded standard base64"
        case .genesisHash(let pinned, let computed): "the genesis entry hashes to \(computed), the line pins \(pinned)"
        case .genesisForm(let why): "the genesis entry is not a signed statement: \(why)"
        case .genesisNotCanonical: "the genesis entry is not in the canonical form of log entries"
        case .genesisPolicy(let why): "the genesis entry is not a first policy: \(why)"
        case .signerNotPinned(let thumbprint): "the genesis is signed by authority \(thumbprint), which is not pinned"
        case .authorityNotNamed(let thumbprint): "the genesis names no authority \(thumbprint)"
        case .logOrigin(let genesis, let line): "the genesis is of log \(genesis), the log line of \(line)"
        case .logKey(let genesis, let line): "the genesis names checkpoint key \(genesis), the log line has \(line)"
        case .notSupported(let keyword): "\(keyword) is not supported in this version, so what it asks can't be kept"
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
