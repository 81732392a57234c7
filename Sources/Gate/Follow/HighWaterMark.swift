import Foundation
internal import Governance
internal import LogClient
internal import Tlog

/// The furthest that a gate has seen its log: size, root, and the greatest time that a quorum vouched for. In one small
/// file, so that a restart neither goes back nor believes a clock that did.
///
/// design, section 4: "Gates keep a high-water mark of head, size and time."
struct HighWaterMark {
    private(set) var head = TreeHead.empty
    /// ms since 1970; 0 before the first.
    private(set) var time: UInt64 = 0
    private let path: String

    /// Reads the file, if there is one.
    init(path: String) throws(GateOpeningError) {
        self.path = path
        guard FileManager.default.fileExists(atPath: path) else { return }
        let bytes: [UInt8]
        do { bytes = [UInt8](try Data(contentsOf: URL(filePath: path))) } catch {
            throw .file(path, SystemReason.text(error))
        }
        guard let json = try? JSON(parsing: bytes), let size = json["size"]?.unsignedValue,
            let root = json["root"]?.stringValue.flatMap({ Hash(hex: $0) }), let time = json["time"]?.unsignedValue
        else { throw .file(path, "it is no high-water mark; what was seen before is not known, so nothing is decided") }
        head = TreeHead(size: size, root: root)
        self.time = time
    }

    /// Takes a head that continues the one before. Durable when this returns.
    mutating func raise(_ newHead: TreeHead, time newTime: UInt64?) throws {
        let time = max(time, newTime ?? 0)
        // Cosignatures have whole seconds, so this is at most one write a second, and one for each head.
        guard newHead.size > head.size || time > self.time else { return }
        let head = newHead.size > head.size ? newHead : head
        let json: JSON = ["size": JSON(head.size), "root": .string(head.root.hex), "time": JSON(time)]
        try AtomicFile.write(Array((json.text() + "\n").utf8), to: path)
        (self.head, self.time) = (head, time)
    }
}
