import Governance
import Monitor
import Synchronization
import Tlog

/// Prints what a monitor reports: JSON for programs, lines for people. From any thread, a whole line at a time.
final class EventPrinter: Sendable {
    private let json: Bool
    private let lock = Mutex(())

    init(json: Bool) {
        self.json = json
    }

    func print(_ event: MonitorEvent) {
        let line = json ? event.json.text() : text(event)
        lock.withLock { _ in Terminal.output.line(line) }
    }

    private func text(_ event: MonitorEvent) -> String {
        let terminal = Terminal.output
        let style: Terminal.Style =
            switch event.name {
            case .fork, .violation: .red
            case .started, .growth, .checked, .recovered: .green
            case .statement: .bold
            default: .yellow
            }
        let name = terminal.styled(event.name.rawValue, style)
        return "\(terminal.styled(Moment.text(event.time), .dim)) \(Terminal.visible(event.origin.text))  \(name)  "
            + Terminal.visible(event.sentence)
    }
}
