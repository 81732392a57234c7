import Foundation

/// What `--json` prints: one object on one line, keys sorted.
enum JSONLine {
    static func print(_ value: some Encodable) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else { return }
        Terminal.output.write(bytes: Array(data) + [UInt8(ascii: "\n")])
    }
}
