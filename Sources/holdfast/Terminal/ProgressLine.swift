import Foundation
import Synchronization

/// How far a long piece of work is: one line that is rewritten on a terminal, a line every few seconds elsewhere.
/// Written to standard error, so that results can be piped.
final class ProgressLine {
    /// What is counted.
    enum Unit {
        case things
        case bytes
    }

    private let verb: String
    private let total: UInt64
    private let unit: Unit
    private let terminal: Terminal
    private let started = Date()
    private var lastShown = Date.distantPast
    private var isOpen = false
    private var furthest: UInt64 = 0

    /// `verb` as in "registering 12 of 700".
    init(_ verb: String, total: UInt64, unit: Unit = .things, terminal: Terminal = .errors) {
        self.verb = verb
        self.total = total
        self.unit = unit
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
        guard now.timeIntervalSince(lastShown) >= pause, now.timeIntervalSince(started) >= wait else { return }
        lastShown = now
        let percent = total == 0 ? 100 : Int(Double(done) / Double(total) * 100)
        let numbers = "\(verb) \(shown(done)) of \(shown(total)) (\(percent) %)"
        let text = numbers + pace(done, at: now) + (note.isEmpty ? "" : ", \(note)")
        if terminal.isTerminal {
            terminal.write("\r\u{1b}[K\(terminal.styled(text, .dim))")
            isOpen = true
        } else {
            terminal.line(text)
        }
    }

    /// How fast it goes, and how long it will take at that pace.
    private func pace(_ done: UInt64, at now: Date) -> String {
        let rate = Double(done) / max(now.timeIntervalSince(started), 0.001)
        guard rate >= 1, done < total else { return "" }
        let left = Int((Double(total - done) / rate).rounded(.up))
        let time = left < 120 ? "\(left) s" : left < 7200 ? "\(left / 60) min" : "\(left / 3600) h"
        return ", \(shown(UInt64(rate)))\(unit == .bytes ? "/s" : " a second"), \(time) left"
    }

    private func shown(_ count: UInt64) -> String { unit == .bytes ? ByteText.text(count) : "\(count)" }

    /// Takes the line away, so that the next thing written stands at the start of a line.
    func finish() {
        guard isOpen else { return }
        terminal.write("\r\u{1b}[K")
        isOpen = false
    }
}

/// A line of progress that many tasks report to.
final class SharedProgressLine: Sendable {
    private let line: Mutex<ProgressLine>

    init(_ verb: String, total: UInt64) {
        line = Mutex(ProgressLine(verb, total: total))
    }

    func update(_ count: UInt64) { line.withLock { $0.update(count) } }
    func finish() { line.withLock { $0.finish() } }
}
