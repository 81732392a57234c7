import FoundationEssentials
import Glibc

/// Progress on standard error, when that is a terminal.
struct Progress {
    private let isShown = isatty(2) == 1
    private let start = ContinuousClock.now
    private var shown = ContinuousClock.now
    /// Where this run began.
    private let first: UInt64
    private var entries: UInt64

    init(from first: UInt64 = 0) {
        self.first = first
        entries = first
    }

    /// Shows how many entries are done, ten times a second at most.
    mutating func show(_ done: UInt64, of total: UInt64) {
        entries = done
        let now = ContinuousClock.now
        guard isShown, now - shown > .milliseconds(100) else { return }
        shown = now
        var left = ""
        if rate > 0, total > done { left = ", \(Self.text(seconds: (total - done) / rate)) left" }
        write("\r\u{1B}[K\(done) of \(total) entries, \(rate) a second\(left)")
    }

    /// Leaves how many entries were verified, how fast.
    func finish() {
        if isShown { write("\r\u{1B}[K\(entries - first) entries, \(rate) a second\n") }
    }

    private var rate: UInt64 {
        let elapsed = (ContinuousClock.now - start) / Duration.seconds(1)
        return elapsed > 0 ? UInt64(Double(entries - first) / elapsed) : 0
    }

    private static func text(seconds: UInt64) -> String {
        seconds < 60
            ? "\(seconds) s" : seconds < 3600 ? "\(seconds / 60) min" : "\(seconds / 3600) h \(seconds / 60 % 60) min"
    }

    /// Only ever to a terminal, so that opening it anew is the same as writing to the descriptor.
    private func write(_ text: String) {
        try? Data(text.utf8).write(to: URL(filePath: "/dev/stderr"))
    }
}
