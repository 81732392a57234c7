import COSE
import LogClient
import Tlog
import Verification

/// Words for what goes wrong between a client and its log.
extension Wording {
    static func noGenesis() -> Failure {
        Failure(
            .usage, "The trust file does not carry the log's genesis entry, so the log's receipts can't be verified",
            hint: "Use the log.trust of the log's directory, or ask the operator for it.")
    }

    static func noSuchEntry(_ name: EntryName, size: UInt64? = nil) -> Failure {
        switch name {
        case .index(let index):
            Failure(
                .refused, "The log has no entry \(index)",
                hints: size.map { [$0 == 0 ? "It is empty." : "It has entries 0 to \($0 - 1)."] } ?? [])
        case .leafHash(let hash):
            Failure(
                .refused, "The log has no entry with the id \(hash)",
                hint: "If it was only just submitted, it may not be published yet.")
        }
    }

    static func client(_ error: ClientError) -> Failure {
        switch error {
        case .unreachable(let url, let reason):
            Failure(
                .unreachable, "The log at \(url) is not reached: \(reason)",
                hint: reason.contains("certificate")
                    ? "Name the authority that signed it: --ca FILE"
                    : "Is it running (holdfast serve)? Is this its URL (--url)?")
        case .timedOut(let url):
            Failure(
                .unreachable, "The log at \(url) did not answer in time",
                hint: "Try again: sending the same statement twice is safe. --timeout SECONDS waits longer.")
        case .refused(let problem):
            refused(problem)
        case .answerTooLarge(let path, let limit):
            Failure(.refused, "The log's answer to /\(path) is longer than \(limit) bytes, so it is not read")
        case .answerMalformed(let path, let reason):
            Failure(
                .refused, "The answer to /\(path) can't be read: \(Terminal.visible(reason))",
                hint: "Is this the URL of a log?")
        case .notVerified(let report):
            notVerified(report)
        case .contradiction(let path, let reason):
            Failure(
                .refused, "The log's answer to /\(path) is not believed: \(Terminal.visible(reason))",
                hint: "Tell the operator of the log, and keep what you have of its answers.")
        }
    }

    private static func notVerified(_ report: VerificationReport) -> Failure {
        let failed = report.checks.filter { if case .failed = $0.outcome { true } else { false } }
        if failed.count == 1, failed[0].code == "state-quorum-not-reached" {
            return Failure(
                .unreachable, "Too few of the trust file's state witnesses have cosigned the log's newest head",
                hints: [
                    "They replay a head after it is published: try again in a moment.",
                    "If it stays so, a state witness is down (holdfast monitor --state-witness), or refuses to cosign.",
                ])
        }
        var hints = ["Nothing of the answer was written. Is this the trust file of this log?"]
        var reason = "a check was not passed"
        if let check = report.decidingCheck {
            switch check.outcome {
            case .failed(let why), .notChecked(let why): reason = "\(check.name.rawValue): \(why)"
            case .passed: break
            }
            hints = check.values.map { "\($0.name)  \(Terminal.visible($0.text))" } + hints
            if check.name == .stateQuorum, case .notChecked = check.outcome {
                hints = [
                    "Nothing of the answer was written. Where the log's own word is enough: --without-state-quorum"
                ]
            }
        }
        return Failure(.refused, "The log's answer does not verify: \(Terminal.visible(reason))", hints: hints)
    }

    /// The log's own words, and what they mean for who submits.
    private static func refused(_ problem: LogProblem) -> Failure {
        let said = Terminal.visible(problem.detail ?? problem.title ?? "HTTP status \(problem.status)")
        let text = said.hasSuffix(".") ? String(said.dropLast()) : said
        let code = problem.code.map { " (\(Terminal.visible($0)))" } ?? ""
        var failure = Failure(
            problem.isTemporary ? .unreachable : .refused, "The log answered\(code): \(text)",
            hints: hint(for: problem).map { [$0] } ?? [])
        failure.problem = problem
        return failure
    }

    private static func hint(for problem: LogProblem) -> String? {
        switch problem.code {
        case "too-large":
            "Register the file's digest instead of its content: --hash."
        case "time-skew":
            "Is this machine's clock right?"
        case "not-allowed":
            "The log's policy decides what it takes; ask its operator."
        case "frozen":
            "The log has ended. Which one goes on is proved by: holdfast prove --state frozen"
        case "rate-limited", "overloaded", "timed-out", "no-quorum", "clock-behind", "storage-failed", "stopped",
            "not-ready":
            "Try again later with the same command; nothing is registered twice."
        case nil:
            "Is this the URL of a log?"
        default:
            nil
        }
    }

    // MARK: Submitting

    static func notRegistered(_ name: String, _ error: ClientError, kept files: AnswerFiles? = nil) -> Failure {
        let failure = client(error)
        var hints = failure.hints
        if let files, failure.status == .refused {
            hints.append("To sign it anew, remove \(files.statement) first.")
        }
        var named = Failure(
            failure.status, "\(Terminal.visible(name)) is not registered. \(failure.message)", hints: hints)
        named.problem = failure.problem
        return named
    }

    /// The statement is in the log; what is missing is for others, who don't know the signer.
    static func signerNotShown(_ files: AnswerFiles, _ error: ClientError) -> Failure {
        var reason = client(error).message
        var status = client(error).status
        if case .notVerified(let report) = error,
            report.checks.contains(where: { $0.code == "state-quorum-not-reached" })
        {
            reason = "too few of the trust file's state witnesses have cosigned the head"
            status = .unreachable
        }
        return Failure(
            status, "It is registered, and that the log enrolled its signer is not shown: \(reason)",
            hint: "Fetch what shows it later: holdfast prove \(files.statement) --out \(files.directory)")
    }

    static func keptProof(_ files: AnswerFiles, _ error: ClientError) -> Failure {
        let failure = client(error)
        return Failure(
            .refused, "The proof that is there already, \(files.proof), does not verify. \(failure.message)",
            hints: [
                "If it is of another log, write the new files elsewhere: --out DIR",
                "If it is damaged, fetch a new one: holdfast prove \(files.statement)",
            ])
    }

    static func otherStatement(_ files: AnswerFiles, _ name: String) -> Failure {
        Failure(
            .usage, "\(files.statement) is there already and says something else than \(Terminal.visible(name)) does",
            hints: [
                "Write the new files elsewhere (--out DIR), or under another name (--again)."
            ])
    }

    static func statement(_ error: any Error, of name: String) -> Failure {
        if case .envelope(.tooLarge(let bytes, let limit))? = error as? StatementError {
            return Failure(
                .usage, "\(Terminal.visible(name)) makes a statement of \(bytes) bytes; a log takes \(limit)",
                hint: "Register its digest instead: --hash.")
        }
        return Failure(.usage, "\(Terminal.visible(name)) makes no statement: \(error)")
    }

    static func eventFile(_ fault: EventFile.Fault, file: String, line: Int?) -> Failure {
        let place = line.map { "\(file), line \($0)," } ?? file
        let example = #"An event is a JSON object such as {"type": "execution.note", "data": {"answer": 42}}."#
        switch fault {
        case .json(let error):
            return Failure(
                .usage, "\(place) is not JSON that can be signed: \(error)",
                hints: [example, "To register a file whatever is in it: --evidence."])
        case .notAnObject:
            return Failure(.usage, "\(place) is not a JSON object", hint: example)
        case .filledIn(let field):
            return Failure(
                .usage, "\(place) has the field \"\(field)\", which is filled in when the event is signed",
                hint: "Leave out seq, prev and time.")
        case .wrongKind(let field):
            return Failure(.usage, "The field \"\(field)\" of \(place) is not a text", hint: example)
        case .event(let error):
            return Failure(.usage, "\(place) is not an event: \(Terminal.visible("\(error)"))", hint: example)
        }
    }

    static func stream(_ error: any Error, names: [String]) -> Failure {
        guard let error = error as? StreamError else { return failure(for: error) ?? Failure(.refused, "\(error)") }
        func name(_ item: Int) -> String { names.indices.contains(item) ? names[item] : "item \(item)" }
        switch error {
        case .ledger(let error): return ledger(error)
        case .event(let item, let error):
            return Failure(.usage, "\(Terminal.visible(name(item))) is not an event: \(Terminal.visible("\(error)"))")
        case .statement(let item, let error): return statement(error, of: name(item))
        case .refused(let item, let error): return notRegistered(name(item), error)
        case .log(let error): return client(error)
        case .logIsBehind(let stream, let remembered, let shown, let path):
            return Failure(
                .refused,
                "The log shows \(shown.seq) statements of stream \(Terminal.visible(stream.stream)), but it has "
                    + "acknowledged \(remembered.seq)",
                hints: [
                    "Either it lost statements that it gave receipts for, or this is another log of the same name.",
                    "Nothing was signed. Keep the receipts: they prove it. What is remembered is in \(path).",
                ])
        case .logDiffers(let stream, let remembered, let shown, let path):
            return Failure(
                .refused,
                "Number \(remembered.seq == 0 ? 0 : remembered.seq - 1) of stream \(Terminal.visible(stream.stream)) is "
                    + "\(remembered.prev?.hex ?? "nothing") here and \(shown.prev?.hex ?? "nothing") in the log",
                hints: [
                    "Somebody else signs for this stream with this key, or the log shows two histories.",
                    "Nothing was signed. What is remembered is in \(path).",
                ])
        }
    }

    static func ledger(_ error: StreamLedgerError) -> Failure {
        switch error {
        case .busy(let path):
            Failure(
                .unreachable, "Another 'holdfast submit' is registering to the same stream with the same key",
                hint: "Wait for it to end; the lock is \(path).lock.")
        case .malformed(let path, let why):
            Failure(
                .refused, "\(path) is not what a stream is remembered in (\(why))",
                hint: "Move it away: it is made again from what the log shows.")
        case .system(let path, let reason):
            Failure(
                .refused, "\(path) can't be used: \(reason)",
                hint: "Say where streams are to be remembered: --state DIR.")
        }
    }
}
