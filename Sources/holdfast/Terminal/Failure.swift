import LogClient

/// How a command ended, as the shell sees it.
enum ExitStatus: Int32 {
    /// Done, and verified where there was something to verify.
    case done = 0
    /// Refused: by the log, by a check of ours, or by the state of a file. Doing it again the same way will not help.
    case refused = 1
    /// The command line or the configuration was wrong.
    case usage = 2
    /// The log was not reached, or is overloaded. Doing it again later may help.
    case unreachable = 3
    /// A monitored log signed two histories.
    case forked = 4
    /// A monitored log broke its own rules.
    case violated = 5
    /// An audit found damage, and repaired all of it.
    case repaired = 6
}

/// Why a command did not do what it was asked, in words for people: what was wrong, with the values, and what to do.
struct Failure: Error {
    let status: ExitStatus
    /// One sentence without a full stop at its end.
    let message: String
    /// What to do about it, a sentence each.
    let hints: [String]
    /// What the log answered, where that is why.
    var problem: LogProblem?

    init(_ status: ExitStatus, _ message: String, hints: [String] = []) {
        self.status = status
        self.message = message
        self.hints = hints
    }

    init(_ status: ExitStatus, _ message: String, hint: String) {
        self.init(status, message, hints: [hint])
    }
}
