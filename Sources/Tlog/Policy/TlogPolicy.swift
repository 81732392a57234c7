/// Which logs and which witnesses to believe (tlog-policy):
///
///     log example.com/log+3d1e8b5c+AZ…
///     witness X1 example.com/x1+9a0f3c11+BA…
///     witness X2 example.com/x2+58c1d2ab+BB…
///     group X any X1 X2
///     quorum X
///
/// A checkpoint is believed if any one of the logs signed it and witnesses cosigned it as the quorum demands.
public struct TlogPolicy: Sendable, Hashable {
    /// A log: its key, whose name is its origin.
    public struct Log: Sendable, Hashable {
        public let key: VerifierKey
        /// As written; what it means is up to the application.
        public let url: Name?
    }

    /// A witness: what the policy calls it, and its key.
    public struct Witness: Sendable, Hashable {
        public let name: Name
        public let key: VerifierKey
        public let url: Name?
    }

    /// "the group is considered to witness a checkpoint if and only if at least k of its n members have witnessed that
    /// checkpoint, each group member being either a witness or another group"
    public struct Group: Sendable, Hashable {
        public let name: Name
        /// k, 1 ... n.
        public let threshold: Int
        public let members: [Name]
    }

    /// What must have cosigned.
    public enum Quorum: Sendable, Hashable {
        /// Nothing: `quorum none`.
        case none
        /// This witness or group.
        case name(Name)
    }

    /// Logs, witnesses and groups that a policy may have of each.
    public static let maxCount = 256

    public private(set) var logs: [Log] = []
    public private(set) var witnesses: [Witness] = []
    /// In the order of definition: members come before the groups they are in.
    public private(set) var groups: [Group] = []
    public private(set) var quorum: Quorum

    /// Throws unless `file` is a policy.
    public init(parsing file: [UInt8]) throws(TlogPolicyError) {
        try self.init(lines: try Self.lines(of: file))
    }

    /// The keywords of the lines that `init(lines:)` takes.
    package static let keywords: Set<Name> = ["log", "witness", "group", "quorum"]

    /// The policy of these lines, for files that have lines of their own besides: they pass on those whose keyword is
    /// in `keywords`.
    package init(lines: [Line]) throws(TlogPolicyError) {
        quorum = .none
        var quorumLine: Int?
        for line in lines {
            switch line.keyword {
            case "log": try addLog(line)
            case "witness": try addWitness(line)
            case "group": try addGroup(line)
            case "quorum":
                // "A policy file must include exactly one quorum line."
                guard quorumLine == nil else { throw .secondQuorum(line: line.number) }
                quorumLine = line.number
                quorum = try quorum(of: line)
            default: throw .unknownKeyword(line.keyword, line: line.number)
            }
        }
        guard quorumLine != nil else { throw .noQuorum }
    }

    /// The quorum that a line `<keyword> <name>` names, among what is defined so far.
    package func quorum(of line: Line) throws(TlogPolicyError) -> Quorum {
        try Self.checkItems(of: line, 2...2)
        if line.items[1] == .none { return .none }
        guard isDefined(line.items[1]) else { throw .undefinedName(line.items[1], line: line.number) }
        return .name(line.items[1])
    }

    /// The quorum that is a witness or a group of this policy; nil if there is none of that name.
    package func quorum(named name: Name) -> Quorum? {
        isDefined(name) ? .name(name) : nil
    }

    /// Whether the witnesses' names satisfy a quorum of this policy.
    public func isSatisfied(_ quorum: Quorum, by cosigned: Set<Name>) -> Bool {
        guard case .name(let wanted) = quorum else { return true }
        var satisfied = cosigned
        // Members precede their groups, so one pass decides all groups.
        for group in groups where group.members.count(where: satisfied.contains) >= group.threshold {
            satisfied.insert(group.name)
        }
        return satisfied.contains(wanted)
    }

    /// The witnesses that a quorum of this policy names, itself or through groups.
    public func witnesses(under quorum: Quorum) -> Set<Name> {
        guard case .name(let wanted) = quorum else { return [] }
        var reached: Set<Name> = [wanted]
        // Members precede their groups, so from the last group to the first one pass reaches all.
        for group in groups.reversed() where reached.contains(group.name) { reached.formUnion(group.members) }
        return reached.intersection(witnesses.map(\.name))
    }

    // MARK: Lines

    /// `log <vkey> [<url>]`
    private mutating func addLog(_ line: Line) throws(TlogPolicyError) {
        try Self.checkItems(of: line, 2...3)
        let key = try Self.key(line.items[1], type: .ed25519, line: line.number)
        // "Duplicate logs, i.e., multiple log lines with the same public key, are not allowed." And: "Two vkeys are
        // considered duplicate if they wrap the same underlying public key, even if they differ by key name and key
        // id."
        guard !logs.contains(where: { $0.key.publicKey == key.publicKey }) else {
            throw .duplicateLog(key, line: line.number)
        }
        try Self.checkCount(logs.count, line: line)
        logs.append(Log(key: key, url: line.items.count > 2 ? line.items[2] : nil))
    }

    /// `witness <name> <vkey> [<url>]`
    private mutating func addWitness(_ line: Line) throws(TlogPolicyError) {
        try Self.checkItems(of: line, 3...4)
        try checkNewName(line.items[1], line: line.number)
        let key = try Self.key(line.items[2], type: .cosignatureEd25519, line: line.number)
        guard !witnesses.contains(where: { $0.key.publicKey == key.publicKey }) else {
            throw .duplicateWitness(key, line: line.number)
        }
        try Self.checkCount(witnesses.count, line: line)
        witnesses.append(
            Witness(name: line.items[1], key: key, url: line.items.count > 3 ? line.items[3] : nil))
    }

    /// `group <name> all|any|<k> <name>...`
    private mutating func addGroup(_ line: Line) throws(TlogPolicyError) {
        // "At least one member must be listed (i.e., n >= 1)."
        try Self.checkItems(of: line, 4...Int.max)
        try checkNewName(line.items[1], line: line.number)
        let members = Array(line.items[3...])
        let threshold = try Self.threshold(line.items[2], members: members.count, line: line.number)
        var taken = Set(groups.flatMap(\.members))
        for member in members {
            guard member != .none else { throw .reservedName(line: line.number) }
            // "a group definition can only refer to names defined on preceding lines"
            guard isDefined(member) else { throw .undefinedName(member, line: line.number) }
            // "Each defined name can be listed as a group member at most once."
            guard taken.insert(member).inserted else { throw .repeatedMember(member, line: line.number) }
        }
        try Self.checkCount(groups.count, line: line)
        groups.append(Group(name: line.items[1], threshold: threshold, members: members))
    }

    private static func threshold(_ item: Name, members: Int, line: Int) throws(TlogPolicyError) -> Int {
        // "The any variant is a shorthand for k = 1, and the all variant is a shorthand for k = n."
        if item == "any" { return 1 }
        if item == "all" { return members }
        // "If k is given numerically, it must be written in decimal, and it is required that 1 <= k <= n."
        guard let k = Decimal.parse(item.bytes) else { throw .threshold(item, line: line) }
        guard k >= 1, k <= UInt64(members) else { throw .thresholdOutOfRange(k: k, members: members, line: line) }
        return Int(k)
    }

    private static func key(_ item: Name, type: SignatureType, line: Int) throws(TlogPolicyError) -> VerifierKey {
        guard let text = String(validating: item.bytes, as: UTF8.self) else { throw .key(.notUTF8, line: line) }
        let key: VerifierKey
        do { key = try VerifierKey(parsing: text) } catch { throw .key(error, line: line) }
        // "Log and witness keys must use a signature type approprate respective function"
        guard key.type == type else { throw .keyType(key.type, line: line) }
        return key
    }

    private func isDefined(_ name: Name) -> Bool {
        witnesses.contains { $0.name == name } || groups.contains { $0.name == name }
    }

    /// "Witnesses and groups share a single namespace. The special name `none` is predefined".
    private func checkNewName(_ name: Name, line: Int) throws(TlogPolicyError) {
        guard name != .none else { throw .reservedName(line: line) }
        guard !isDefined(name) else { throw .duplicateName(name, line: line) }
    }

    private static func checkItems(of line: Line, _ range: ClosedRange<Int>) throws(TlogPolicyError) {
        guard range.contains(line.items.count) else {
            throw .itemCount(keyword: line.keyword, items: line.items.count, line: line.number)
        }
    }

    /// "It is strongly recommended that an implementation supports at least up to 32 logs, 32 witnesses, and 32
    /// groups."
    private static func checkCount(_ count: Int, line: Line) throws(TlogPolicyError) {
        guard count < maxCount else { throw .tooMany(limit: maxCount, line: line.number) }
    }
}
