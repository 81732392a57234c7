import Governance
import LogClient

/// What to do about a rule that refused a statement.
enum RuleHint {
    /// - Parameters:
    ///   - subject: what the rule was applied to, in the log's words.
    ///   - setBy: the entry that the rule, or what the statement runs against, comes from.
    static func sentence(_ rule: Rule, of type: StatementType, subject: String, setBy: UInt64?) -> String? {
        switch rule {
        case .notPermitted:
            return "\(type.rawValue) is signed by: \(GovernanceSession.signers(of: type)). "
                + "Name the key of one with --key FILE."
        case .delegationWidens: return widened(subject, setBy)
        case .expired where type == .executionStart: return "Have it permitted again: each permit stands for a time."
        case .unknownPeer where type == .routeOpen: return "Admit it first: holdfast peer admit PEER.trust"
        default: return sentences[rule]
        }
    }

    private static func widened(_ dimension: String, _ setBy: UInt64?) -> String {
        let option: [String: String] = [
            "actions": "--action", "resources": "--resource", "notBefore": "--not-before",
            "notAfter": "--for or --not-after",
            "uses": "--uses", "model": "--model", "route": "--route", "domain": "--domain",
            "delegations": "--delegations",
        ]
        let name = dimension.prefix { $0.isLetter }
        let show = setBy.map { ": holdfast grant show \($0)" } ?? ""
        return "Name \(option[String(name)] ?? "conditions") as the grant that is handed on does, or narrower\(show)"
    }

    private static let sentences: [Rule: String] = [
        .peerProof: "Gather it again under the recorded head: holdfast peer evidence",
        .peerAge: "Record a newer head of the peer's: holdfast peer head",
        .peerMoved: "Have it permitted again, with evidence under the recorded head.",
        .policyPredecessor: "Start from the policy in force: holdfast policy draft > next.json",
        .policyFixed: "Leave the origin and the log's keys as they are: holdfast policy draft > next.json",
        .alreadyApproved: "It waits for the other authorities: holdfast policy pending",
        .keyKnown: "A key has one use. Make another: holdfast key new --out FILE",
        .unknownIdentity: "holdfast identity list shows the keys there are.",
        .identityEnded: "Nothing brings a key back. Enrol another: holdfast identity enroll URI FILE.pub --role ROLE",
        .roleReserved: "Sign with an authority's key: --key FILE. 'holdfast init' made one: keys/authority.key",
        .unknownGrant: "holdfast grant list shows those there are.",
        .grantRevoked: "holdfast grant list shows those in force; holdfast grant issue makes another.",
        .grantIssuer: "Sign with the key of who issued it, of an operator or of an authority: --key FILE.",
        .delegationNotAllowed:
            "Sign with the key of the grant's subject. Only a grant that was issued with --delegations can be handed on.",
        .grantWindow: "holdfast grant show GRANT says from when until when; holdfast grant issue makes another.",
        .grantUses: "holdfast grant issue makes another grant.",
        .grantCover: "holdfast grant show GRANT says what it covers; holdfast grant list shows the others.",
        .modelKnown: "A version is registered once: choose another, --model NAME@VERSION.",
        .unknownModel:
            "Register it (holdfast model register DIR --model NAME@VERSION); holdfast model list shows those there are.",
        .modelEnded: "Register the files as a new version: holdfast model register DIR --model NAME@VERSION",
        .modelApproval: "Have it approved under the policy in force: holdfast model approve NAME@VERSION",
        .modelScope: "holdfast model show NAME@VERSION says what it may do, and what for.",
        .measurementChain: "Another attestation came between. Run the command again.",
        .telemetryChain: "Other telemetry came between. Run the command again.",
        .contained:
            "holdfast containment list shows it. The way out: containment recover, decision revalidate, containment lift.",
        .trustRevoked: "Nothing lifts it: holdfast containment list",
        .transition:
            "The way out of a containment: containment recover, decision revalidate, containment lift.",
        .headUnknown: "Run the command again: it takes the newest head.",
        .stateMoved: "Look at what changed, and decide again: the command takes the newest head.",
        .nonceSeen: "Leave --nonce out, or name another.",
        .expired: "Let it stand for longer: --for SPAN",
        .expiryTooLate: "holdfast policy show says for how long at most: --for SPAN",
        .leaseNotAllowed: "An authority can allow them: holdfast policy draft --max-lease 15m > next.json",
        .leaseCounted: "Record a permit instead: holdfast decision permit",
        .unknownPermit:
            "--permit takes the nonce that 'holdfast decision permit' prints, --lease what 'holdfast lease issue' does.",
        .permitUsed: "Have it permitted again: a permit is for one execution.",
        .permitMismatch: "holdfast decision show NONCE says for whom, with which model, and for which execution it is.",
        .executionKnown: "Choose another id; holdfast execution list shows those that are taken.",
        .unknownExecution: "holdfast execution list shows those there are.",
        .executionSubject: "Sign with a key of who started it: --key FILE.",
        .unknownParent: "A parent is an execution of this log (ID), or of an admitted peer's (ORIGIN,ID).",
        .stepOrder: "Another step came between. Run the command again.",
        .peerKnown: "A peer is admitted once: holdfast peer list",
        .unknownPeer: "holdfast peer list shows those there are; holdfast peer admit PEER.trust admits one.",
        .peerHead: "Keep the head: it is none that the policy it was admitted with takes. Ask the peer's operator.",
        .peerFork:
            "Keep both heads: they prove that the peer shows two histories. Contain it: holdfast containment enter",
        .routeKnown: "Close it first: holdfast route close NAME",
        .unknownRoute: "holdfast route list shows those there are; holdfast route open opens one.",
        .frozen: "Register it with the log that goes on: the rule names it.",
        .successor: "Name the origin of the log that goes on, which is another one.",
        .routeEnds: "This log's domain is one end of every route. Name the peer with --to or --from.",
    ]
}

extension Wording {
    /// A refusal of a statement of governance: which rule, what it was applied to, and what to do.
    ///
    /// - Parameter name: what the statement's files are called, if the user chose it.
    static func notAdmitted(_ failure: Failure, _ type: StatementType, named name: String?) -> Failure {
        let what = name.map { "\(Terminal.visible($0)) (\(type.rawValue))" } ?? "this \(type.rawValue)"
        guard let problem = failure.problem, let rule = problem.rule, let detail = problem.detail else {
            return Failure(failure.status, failure.message, hints: failure.hints)
        }
        var hints: [String] = []
        if let known = Rule(rawValue: rule) {
            // "sentence: subject (entry 4)"
            let subject = detail.split(separator: ": ", maxSplits: 1).last.map(String.init) ?? ""
            hints += [RuleHint.sentence(known, of: type, subject: subject, setBy: problem.setBy)].compactMap { $0 }
        } else if rule == "key-ended" {
            hints.append("Sign with a key that is in force: holdfast identity list")
        } else if problem.code != "not-allowed" {
            hints += failure.hints
        }
        return Failure(
            failure.status,
            "The log does not take \(what) (\(Terminal.visible(rule))): \(Terminal.visible(detail))",
            hints: hints)
    }
}
