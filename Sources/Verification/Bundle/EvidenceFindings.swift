public import Governance

/// One thing that a bundle shows, and the entry that shows it.
public struct EvidenceFact: Sendable, Hashable {
    /// What a fact is about, in the order in which a report has them.
    public enum Section: String, Sendable, Hashable, CaseIterable {
        case authorized
        case ran
        case stopped
        case model
        case lineage
        case rules
        case signers
    }

    public let section: Section
    /// The type of the statement; `state` for what the state says at a size; `signer` for whose key a signature is.
    public let what: String
    /// The key of the state that it concerns.
    public let about: StateKey
    /// The entry that shows it; of what the state says, the seal.
    public let entry: UInt64
    public let issuer: String
    /// When, as the issuer says; ms since 1970.
    public let time: UInt64?
    /// A sentence.
    public let text: String
}

/// What a verified evidence bundle shows, and what it can't.
public struct EvidenceFindings: Sendable, Hashable {
    /// An execution, a grant or a model.
    public let subject: StateKey
    /// The size of the log that everything is shown under, and the time of its last seal, ms since 1970.
    public let size: UInt64
    public let time: UInt64
    /// By section, and in each in the order of the log.
    public let facts: [EvidenceFact]
    /// What the bundle leaves open, in sentences.
    public let notShown: [String]

    init(_ walk: BundleWalk, subject: StateKey) {
        self.subject = subject
        size = walk.content.size
        time = walk.content.entries[size - 1]?.seal?.time ?? 0
        let order = Dictionary(
            uniqueKeysWithValues: EvidenceFact.Section.allCases.enumerated().map { ($0.element, $0.offset) })
        facts = walk.facts.sorted { left, right in
            (order[left.section, default: 0], left.entry, left.about.text, left.text)
                < (order[right.section, default: 0], right.entry, right.about.text, right.text)
        }
        notShown =
            walk.open.sorted() + [
                "anything after size \(size) of the log: what was revoked or contained since is in a newer bundle",
                "what the log refused, and refusals of gates that changed nothing",
                "that what the statements say is true: who said it, when it was admitted and by which rules is shown",
            ]
    }

    /// Lines for people.
    var text: String {
        var text = "\nevidence of \(subject.text), as of size \(size), \(Instant(time))\n"
        for section in EvidenceFact.Section.allCases {
            let facts = facts.filter { $0.section == section }
            guard !facts.isEmpty else { continue }
            text += "\(section.rawValue)\n"
            let width = facts.map { String($0.entry).count }.max() ?? 0
            for fact in facts {
                let padding = String(repeating: " ", count: width - String(fact.entry).count)
                let time = fact.time.map { "\(Instant($0))  " } ?? ""
                let name = section == .signers ? fact.issuer : fact.what
                let by = fact.what == "state" || section == .signers ? "" : " (by \(fact.issuer))"
                text += "  entry \(padding)\(fact.entry)  \(time)" + "\(name): \(fact.text)\(by)".withoutControls + "\n"
            }
        }
        text += "not shown\n"
        for sentence in notShown { text += "  – " + sentence.withoutControls + "\n" }
        return text + "\n"
    }

    /// An object; `spec/evidence.md` has its schema.
    public var json: JSON {
        .object([
            JSONMember("subject", .string(subject.text)), JSONMember("size", JSON(size)),
            JSONMember("time", JSON(time)), JSONMember("facts", .array(facts.map(\.json))),
            JSONMember("not-shown", .array(notShown.map { .string($0) })),
        ])
    }
}

extension EvidenceFact {
    fileprivate var json: JSON {
        .object([
            JSONMember("section", .string(section.rawValue)), JSONMember("what", .string(what)),
            JSONMember("about", .string(about.text)), JSONMember("entry", JSON(entry)),
            JSONMember("issuer", .string(issuer)), JSONMember("time", time.map { JSON($0) } ?? .null),
            JSONMember("text", .string(text)),
        ])
    }
}

/// A time in ms since 1970, written as RFC 3339 has it.
struct Instant: CustomStringConvertible {
    private let milliseconds: UInt64

    init(_ milliseconds: UInt64) {
        self.milliseconds = milliseconds
    }

    var description: String {
        let seconds = milliseconds / 1000
        let days = seconds / 86_400
        // Past the year 9999 RFC 3339 has no form.
        guard days < 2_932_897 else { return "\(milliseconds) ms" }
        // Days since 0000-03-01 in the Gregorian calendar, in eras of 400 years.
        let shifted = days + 719_468
        let era = shifted / 146_097
        let ofEra = shifted % 146_097
        let yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * ofYear + 2) / 153
        let day = ofYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let clock = [seconds % 86_400 / 3600, seconds % 3600 / 60, seconds % 60].map { Self.padded($0, 2) }
        return "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(day, 2))T"
            + clock.joined(separator: ":") + ".\(Self.padded(milliseconds % 1000, 3))Z"
    }

    private static func padded(_ number: UInt64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
