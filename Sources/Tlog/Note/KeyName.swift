/// The name of a note's key.
///
/// signed-note: "Key names MUST be non-empty and MUST NOT contain any Unicode spaces or plus (U+002B) characters."
/// Names are compared by their bytes, not by Unicode equivalence.
public struct KeyName: Sendable, Hashable, CustomStringConvertible {
    public let text: String

    public init(_ text: String) throws(NoteError) {
        guard !text.isEmpty else { throw .emptyKeyName }
        for scalar in text.unicodeScalars {
            // The controls can't stand in a note at all.
            if scalar.properties.isWhitespace || scalar == "+" || scalar.value < 0x20 {
                throw .keyNameCharacter(name: text, codepoint: scalar.value)
            }
        }
        self.text = text
    }

    public var description: String { text }

    public static func == (left: KeyName, right: KeyName) -> Bool { left.text.hasSameBytes(as: right.text) }

    public func hash(into hasher: inout Hasher) { text.hashBytes(into: &hasher) }
}
