import Foundation
import Logging

/// Writes log events to standard error, a line each: text for people, or JSON for machines.
struct LineLogHandler: LogHandler {
    enum Format: Sendable {
        case text
        case json
    }

    let label: String
    let format: Format
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadata
        if let more = event.metadata { all.merge(more) { $1 } }
        if let error = event.error { all["error"] = "\(error)" }
        switch format {
        case .text: Terminal.errors.line(text(event, all))
        case .json: Terminal.errors.write(bytes: json(event, all))
        }
    }

    private func text(_ event: LogEvent, _ metadata: Logger.Metadata) -> String {
        let style: Terminal.Style =
            switch event.level {
            case .error, .critical: .red
            case .warning: .yellow
            default: .dim
            }
        let level = Terminal.errors.styled(event.level.rawValue, style)
        var line = "\(Moment.text(Moment.now())) \(level) \(Terminal.visible(event.message.description))"
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            line += " \(Terminal.visible(key))=\(Terminal.visible("\(value)"))"
        }
        return line
    }

    private func json(_ event: LogEvent, _ metadata: Logger.Metadata) -> [UInt8] {
        var fields = metadata.mapValues { "\($0)" }
        fields["time"] = Moment.text(Moment.now())
        fields["level"] = event.level.rawValue
        fields["message"] = event.message.description
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Texts can always be encoded.
        let line = (try? encoder.encode(fields)) ?? Data()
        return Array(line) + [UInt8(ascii: "\n")]
    }
}
