public import Governance
public import Tlog
public import Verification

/// What an audit found.
public struct AuditReport: Sendable {
    /// What it comes to.
    public enum Verdict: String, Sendable, Hashable {
        /// Everything is as the signed root and the log's rules demand.
        case clean
        /// Something was damaged, and all of it was repaired.
        case repaired
        /// Something is damaged.
        case damaged
        /// Nothing is damaged, and the log has broken its own rules, or its checkpoint is not vouched for.
        case notVerified = "not-verified"
    }

    public let head: TreeHead
    /// The checkpoint under the trust file.
    public internal(set) var checkpoint: VerificationReport
    /// The first damage that was found, up to the limit.
    public private(set) var damage: [AuditDamage] = []
    /// All of it.
    public private(set) var damageCount: UInt64 = 0
    public private(set) var repairedCount: UInt64 = 0
    /// The first entry that the log's rules don't allow.
    public internal(set) var ruleFailure: ReplayError?
    /// Up to which entry the rules were followed; nil if they were not to be.
    public internal(set) var followed: UInt64?
    /// The last seal that was followed, with the state root that was reproduced.
    public internal(set) var lastSeal: Seal?
    /// What the entries fold into.
    public internal(set) var fold: LogFold?
    private let limit: Int

    init(head: TreeHead, checkpoint: VerificationReport, limit: Int) {
        self.head = head
        self.checkpoint = checkpoint
        self.limit = limit
    }

    mutating func add(_ found: AuditDamage) {
        damageCount += 1
        if found.isRepaired { repairedCount += 1 }
        if damage.count < limit { damage.append(found) }
    }

    /// No damage so far.
    var isClean: Bool { damageCount == 0 }

    public var verdict: Verdict {
        if damageCount > repairedCount { return .damaged }
        if ruleFailure != nil || checkpoint.verdict != .verified { return .notVerified }
        return damageCount > 0 ? .repaired : .clean
    }

    /// A line each, for people.
    public var lines: [String] {
        var lines = ["checkpoint  \(head.size) entries, root \(head.root)"]
        if let check = checkpoint.decidingCheck {
            lines.append("NOT VOUCHED FOR  \(check.name.rawValue): \(check.detail)")
        }
        lines += damage.map(\.text)
        if damageCount > UInt64(damage.count) { lines.append("… and \(damageCount - UInt64(damage.count)) more") }
        if let ruleFailure {
            let setBy = ruleFailure.setBy.map { ", a rule of entry \($0)" } ?? ""
            lines.append("RULES  entry \(followed ?? 0): \(ruleFailure.reason)\(setBy): \(ruleFailure)")
        }
        if let followed {
            lines.append("rules followed to entry \(followed) of \(head.size)")
            if let lastSeal { lines.append("seals reproduced: \(lastSeal.seq + 1), state root \(lastSeal.stateRoot)") }
        }
        if let fold { lines += fold.text.split(separator: "\n").prefix(2).map(String.init) }
        return lines
    }

    public var json: JSON {
        var members = [
            JSONMember("verdict", .string(verdict.rawValue)), JSONMember("size", JSON(head.size)),
            JSONMember("root", .string(head.root.hex)), JSONMember("damageCount", JSON(damageCount)),
            JSONMember("repairedCount", JSON(repairedCount)), JSONMember("damage", .array(damage.map(\.json))),
            JSONMember("checkpoint", checkpoint.json),
        ]
        if let followed { members.append(JSONMember("followed", JSON(followed))) }
        if let ruleFailure {
            members.append(
                JSONMember(
                    "ruleFailure",
                    .object([
                        JSONMember("index", JSON(ruleFailure.index ?? head.size)),
                        JSONMember("reason", .string(ruleFailure.reason)),
                        JSONMember("setBy", ruleFailure.setBy.map { JSON($0) } ?? .null),
                        JSONMember("text", .string(ruleFailure.description)),
                    ])))
        }
        if let lastSeal {
            members.append(JSONMember("seals", JSON(lastSeal.seq + 1)))
            members.append(JSONMember("stateRoot", .string(lastSeal.stateRoot.hex)))
        }
        if let fold { members.append(JSONMember("governance", fold.json)) }
        return .object(members)
    }
}
