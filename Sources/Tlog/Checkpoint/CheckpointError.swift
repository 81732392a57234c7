/// What was wrong with a checkpoint.
public enum CheckpointError: NamedFailure, Hashable {
    /// The note around it.
    case note(NoteError)
    /// The origin is no key name.
    case origin(NoteError)
    /// Fewer than three lines.
    case tooFewLines(Int)
    /// Not a canonical decimal number.
    case size(String)
    /// Above 2^63 - 1.
    case sizeTooLarge(String)
    /// Not the canonical base64 of 32 bytes.
    case root(String)
    /// An empty line, counted from 1, among the lines of the checkpoint.
    case emptyLine(Int)
    /// An extension line with a newline or another control character in it.
    case extensionCharacter(String)

    public var reason: String {
        switch self {
        case .note(let error): error.reason
        case .origin: "checkpoint-origin"
        case .tooFewLines: "checkpoint-too-few-lines"
        case .size: "checkpoint-size"
        case .sizeTooLarge: "checkpoint-size-too-large"
        case .root: "checkpoint-root"
        case .emptyLine: "checkpoint-empty-line"
        case .extensionCharacter: "checkpoint-extension-character"
        }
    }
}
