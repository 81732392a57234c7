import Foundation
import Glibc

/// Where the commands write: results to standard output, everything else to standard error.
///
/// Colour only where a terminal shows it, and never when the environment has `NO_COLOR` (no-color.org).
struct Terminal: Sendable {
    enum Style: String {
        case bold = "1"
        case dim = "2"
        case red = "31"
        case green = "32"
        case yellow = "33"
    }

    static let output = Terminal(descriptor: STDOUT_FILENO)
    static let errors = Terminal(descriptor: STDERR_FILENO)

    let isTerminal: Bool
    private let descriptor: Int32
    private let hasColour: Bool

    private init(descriptor: Int32) {
        self.descriptor = descriptor
        isTerminal = isatty(descriptor) == 1
        let environment = ProcessInfo.processInfo.environment
        let isPlain = !(environment["NO_COLOR"] ?? "").isEmpty || environment["TERM"] == "dumb"
        hasColour = isTerminal && !isPlain
    }

    func styled(_ text: String, _ style: Style) -> String {
        hasColour ? "\u{1b}[\(style.rawValue)m\(text)\u{1b}[0m" : text
    }

    func line(_ text: String = "") {
        write(text + "\n")
    }

    /// A reader that went away (`holdfast tail | head`) is no error: the command ends as if it had been read.
    func write(_ text: String) {
        write(bytes: Array(text.utf8))
    }

    func write(bytes: [UInt8]) {
        do {
            try FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).write(contentsOf: Data(bytes))
        } catch {
            exit(ExitStatus.done.rawValue)
        }
    }

    /// Text that came from somebody else, safe to show: control characters, which could move the cursor or change
    /// what stands on the screen, are written as escapes.
    static func visible(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse:
                result += "\\u{" + String(scalar.value, radix: 16) + "}"
            default:
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
