import Foundation

/// How far a long piece of work is: one line that is rewritten on a terminal, a line every few seconds elsewhere.
/// Written to standard error, so that results can be piped.
final class ProgressLine {
    private let verb: String
    private let total: UInt64
    private let terminal: Terminal
    private let started = Date()
    private var shown = Date.distantPast
    private var isOpen = false
    private var furthest: UInt64 = 0

    /// `verb` as in "registering 12 of 700".
    init(_ verb: String, total: UInt64, terminal: Terminal = .errors) {
        self.verb = verb
        self.total = total
        self.terminal = terminal
    }

    /// Where several parts of a run count the same work, the furthest count is shown.
    ///
    /// - Parameter note: what else there is to say, shown after the numbers.
    func update(_ count: UInt64, note: String = "") {
        furthest = max(furthest, count)
        let done = furthest
        let now = Date()
        let pause = terminal.isTerminal ? 0.1 : 5.0
        // Work that is over within a moment needs no line of progress.
        let wait = terminal.isTerminal ? 0.3 : pause
        guard now.timeIntervalSince(shown) >= pause, now.timeIntervalSince(started) >= wait else { return }
        shown = now
        let percent = total == 0 ? 100 : Int(Double(done) / Double(total) * 100)
        let text = "\(verb) \(done) of \(total) (\(percent) %)" + (note.isEmpty ? "" : ", \(note)")
        if terminal.isTerminal {
            terminal.write("\r\u{1b}[K\(terminal.styled(text, .dim))")
            isOpen = true
        } else {
            terminal.line(text)
        }
    }

    /// Takes the line away, so that the next thing written stands at the start of a line.
    func finish() {
        guard isOpen else { return }
        terminal.write("\r\u{1b}[K")
        isOpen = false
    }
}
