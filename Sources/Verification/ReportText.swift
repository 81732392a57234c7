/// The report for people: one line a check, then the verdict.
extension VerificationReport {
    /// - Parameter colour: whether to mark outcomes with ANSI colours, for a terminal.
    /// - Returns: lines that each end with a newline.
    public func text(colour: Bool = false) -> String {
        let width = checks.map { $0.label.count }.max() ?? 0
        var text = ""
        for check in checks {
            let padding = String(repeating: " ", count: width - check.label.count)
            text += "\(check.mark(colour: colour)) \(check.label)\(padding)  \(check.detail)\n"
        }
        if let fold { text += fold.text }
        if verdict == .verified, let evidence { text += evidence.text }
        return text + verdictText(colour: colour) + "\n"
    }

    /// The last line: the verdict and, where it is not a good one, the check that decided it.
    public func verdictText(colour: Bool = false) -> String {
        switch verdict {
        case .verified:
            let open = notChecked.map(\.label)
            let rest = open.isEmpty ? "" : " (not checked: \(open.joined(separator: ", ")))"
            return Paint.green.on("VERIFIED", colour) + ": \(subject.noun)" + rest
        case .inclusionOnly:
            return Paint.yellow.on("INCLUSION ONLY", colour)
                + ": the statement is under the root in the proof; nothing shows who vouches for that root"
        case .notVerified:
            guard let check = decidingCheck else {
                return Paint.red.on("NOT VERIFIED", colour) + ": nothing was checked"
            }
            return Paint.red.on("NOT VERIFIED", colour) + ": \(check.label): \(check.detail)"
        }
    }
}

extension VerificationReport.Subject {
    /// The subject in words.
    var noun: String {
        switch self {
        case .statement: "statement with its proof"
        case .transparentStatement: "transparent statement"
        case .receipt: "receipt"
        case .checkpoint: "checkpoint"
        case .consistency: "the new checkpoint extends the old one"
        case .fork: "the log signed two histories"
        case .log: "the whole log"
        case .state: "state proof"
        case .stream: "every statement of the stream"
        case .bundle: "the evidence bundle"
        }
    }
}

extension Check {
    /// The name, and of what.
    var label: String {
        part.map { "\($0): \(name.rawValue)" } ?? name.rawValue
    }

    /// The reason and the values in one line, fit for a terminal: texts out of unverified files could hold anything.
    package var detail: String { sentence.withoutControls }

    private var sentence: String {
        let values = values.map { "\($0.name) \($0.text.isEmpty ? "\"\"" : $0.text)" }.joined(separator: ", ")
        switch outcome {
        case .passed: return values
        case .failed(let sentence):
            let why = code.map { $0 == sentence ? sentence : "\($0): \(sentence)" } ?? sentence
            return values.isEmpty ? why : "\(why) (\(values))"
        case .notChecked(let reason): return "not checked: " + (values.isEmpty ? reason : "\(reason) (\(values))")
        }
    }

    func mark(colour: Bool) -> String {
        switch outcome {
        case .passed: Paint.green.on("✓", colour)
        case .failed: Paint.red.on("✗", colour)
        case .notChecked: Paint.yellow.on("–", colour)
        }
    }
}

extension String {
    /// Control characters, and those that turn the direction of writing, as `\u{…}`.
    package var withoutControls: String {
        var text = ""
        for scalar in unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned:
                text += "\\u{" + String(scalar.value, radix: 16) + "}"
            default:
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}

/// ANSI colours.
private enum Paint: String {
    case red = "\u{1B}[31m"
    case green = "\u{1B}[32m"
    case yellow = "\u{1B}[33m"

    func on(_ text: String, _ colour: Bool) -> String {
        colour ? rawValue + text + "\u{1B}[0m" : text
    }
}
