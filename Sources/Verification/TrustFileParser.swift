import Tlog

/// Sorts the lines of a trust file: reads those of our own, and keeps the tlog-policy's for its parser.
struct TrustFileParser {
    /// A genesis line before its entry is looked into.
    struct GenesisLine {
        let number: Int
        let leafHash: Hash
        let entry: [UInt8]?

        func pinned() throws(TrustFileError) -> PinnedGenesis {
            guard let entry else { return PinnedGenesis(leafHash: leafHash) }
            return try PinnedGenesis(leafHash: leafHash, entry: entry, line: number)
        }
    }

    /// All lines, comments and blank ones left out.
    let lines: [TlogPolicy.Line]
    private var policyLines: [TlogPolicy.Line] = []
    private(set) var genesis: GenesisLine?
    private(set) var authorities: [Hash] = []
    private var stateQuorumLine: TlogPolicy.Line?
    private(set) var laterKeys: [LaterKeyLine] = []
    private(set) var cutoffs: [KeyCutoffLine] = []

    init(_ file: [UInt8]) throws(TrustFileError) {
        do throws(TlogPolicyError) {
            lines = try TlogPolicy.lines(of: file)
        } catch {
            throw TrustFileError(error)
        }
        for line in lines {
            switch line.keyword {
            case let keyword where TlogPolicy.keywords.contains(keyword): policyLines.append(line)
            case "genesis": try readGenesis(line)
            case "authority": try readAuthority(line)
            case "state-quorum": try readStateQuorum(line)
            case "log-key": laterKeys.append(try LaterKeyLine(line))
            case "key-cutoff": cutoffs.append(try KeyCutoffLine(line))
            case _ where Mutant.trustKeyword.isOff: continue
            default: throw TrustFileError(.unknownKeyword(line.keyword.description), line: line.number)
            }
        }
    }

    /// The logs, witnesses, groups and quorum.
    func policy() throws(TrustFileError) -> TlogPolicy {
        do {
            return try TlogPolicy(lines: policyLines)
        } catch {
            throw TrustFileError(error)
        }
    }

    /// The quorum that a `state-quorum` line names.
    func stateQuorum(in policy: TlogPolicy) throws(TrustFileError) -> TlogPolicy.Quorum? {
        guard let stateQuorumLine else { return nil }
        do {
            return try policy.quorum(of: stateQuorumLine)
        } catch {
            throw TrustFileError(error)
        }
    }

    private mutating func readGenesis(_ line: TlogPolicy.Line) throws(TrustFileError) {
        try Self.check(line, items: 2...3, form: "genesis <64 hexadecimal digits> [<base64 of the entry>]")
        guard genesis == nil else { throw TrustFileError(.repeated("genesis"), line: line.number) }
        let leafHash = try Self.hash(line)
        var entry: [UInt8]?
        if line.items.count == 3 {
            entry = Base64.decode(line.items[2].description)
            if entry == nil { throw TrustFileError(.notBase64, line: line.number) }
        }
        genesis = GenesisLine(number: line.number, leafHash: leafHash, entry: entry)
    }

    private mutating func readAuthority(_ line: TlogPolicy.Line) throws(TrustFileError) {
        try Self.check(line, items: 2...2, form: "authority <64 hexadecimal digits>")
        let thumbprint = try Self.hash(line)
        guard !authorities.contains(thumbprint) else {
            throw TrustFileError(.repeated("authority \(thumbprint)"), line: line.number)
        }
        authorities.append(thumbprint)
    }

    private mutating func readStateQuorum(_ line: TlogPolicy.Line) throws(TrustFileError) {
        try Self.check(line, items: 2...2, form: "state-quorum <name>")
        guard stateQuorumLine == nil else { throw TrustFileError(.repeated("state-quorum"), line: line.number) }
        stateQuorumLine = line
    }

    static func check(
        _ line: TlogPolicy.Line, items: ClosedRange<Int>, form: String
    ) throws(TrustFileError) {
        guard items.contains(line.items.count) else {
            throw TrustFileError(.itemCount(form: form), line: line.number)
        }
    }

    static func hash(_ line: TlogPolicy.Line, item: Int = 1) throws(TrustFileError) -> Hash {
        let text = line.items[item].description
        guard let hash = Hash(hex: text) else {
            throw TrustFileError(.notHash(keyword: line.keyword.description, text: text), line: line.number)
        }
        return hash
    }
}
