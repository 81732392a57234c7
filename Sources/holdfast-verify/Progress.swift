import FoundationEssentials
import Glibc

/// Progress on standard error, when that is a terminal.
struct Progress {
    private let isShown = isatty(2) == 1
    private let start = ContinuousClock.now
    private var shown = ContinuousClock.now
    private var entries: UInt64 = 0

    /// Shows how many entries are done, ten times a second at most.
    mutating func show(_ done: UInt64, of total: UInt64) {
        entries = done
        let now = ContinuousClock.now
        guard isShown, now - shown > .milliseconds(100) else { return }
        shown = now
        write("\r\u{1B}[K\(done) of \(total) entries, \(rate) a second")
    }

    /// Leaves how many entries were verified, how fast.
    func finish() {
        if isShown { write("\r\u{1B}[K\(entries) entries, \(rate) a second\n") }
    }

    private var rate: UInt64 {
        let elapsed = (ContinuousClock.now - start) / Duration.seconds(1)
        return elapsed > 0 ? UInt64(Double(entries) / elapsed) : 0
    }

    /// Only ever to a terminal, so that opening it anew is the same as writing to the descriptor.
    private func write(_ text: String) {
        try? Data(text.utf8).write(to: URL(filePath: "/dev/stderr"))
    }
}
