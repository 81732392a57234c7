import Foundation
import LMDBLogStore
import LogStore
import Testing
import Tlog

@Suite("Anchor in a file", .timeLimit(.minutes(1)))
struct FileAnchorTests {
    private let scratch: Scratch
    private let path: String

    init() throws {
        scratch = try Scratch()
        path = scratch.path + "/anchor"
    }

    private func head(_ size: UInt64) -> TreeHead { TreeHead(size: size, root: Hash.sha256([UInt8(size)])) }

    /// Changes the file while no anchor has it open.
    private func edit(_ change: (inout [UInt8]) -> Void) throws {
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        change(&bytes)
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    @Test("a new anchor has no head; what it was moved to is there after closing")
    func keeps() throws {
        let anchor = try FileAnchor(path: path)
        #expect(try anchor.read() == nil)
        try anchor.advance(from: nil, to: .empty)
        try anchor.advance(from: .empty, to: head(2))
        for size in 3..<12 as Range<UInt64> { try anchor.advance(from: head(size - 1), to: head(size)) }
        #expect(try anchor.read() == head(11))
        anchor.close()
        #expect(throws: AnchorError.self) { try anchor.read() }
        let again = try FileAnchor(path: path)
        #expect(try again.read() == head(11))
    }

    @Test("it moves only from where the caller believes it is, and never back", arguments: [true, false])
    func comparesAndSets(inFile: Bool) throws {
        let anchor: any Anchor = inFile ? try FileAnchor(path: path) : MemoryAnchor()
        try anchor.advance(from: nil, to: head(5))
        #expect(throws: AnchorError.moved(expected: nil, found: head(5))) { try anchor.advance(from: nil, to: head(6)) }
        #expect(throws: AnchorError.moved(expected: head(4), found: head(5))) {
            try anchor.advance(from: head(4), to: head(6))
        }
        let other = TreeHead(size: 5, root: .zero)
        #expect(throws: AnchorError.moved(expected: other, found: head(5))) {
            try anchor.advance(from: other, to: head(6))
        }
        #expect(throws: AnchorError.backward(from: head(5), to: head(4))) {
            try anchor.advance(from: head(5), to: head(4))
        }
        #expect(try anchor.read() == head(5))
    }

    @Test("a second anchor on the file is refused, here and in another process, until the first is closed")
    func lock() throws {
        let anchor = try FileAnchor(path: path)
        #expect(throws: AnchorError.locked(path: path)) { _ = try FileAnchor(path: path) }
        #expect(try Self.otherProcessLocks(path) == false)
        anchor.close()
        #expect(try Self.otherProcessLocks(path) == true)
        _ = try FileAnchor(path: path)
    }

    private static func otherProcessLocks(_ path: String) throws -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/flock")
        process.arguments = ["--nonblock", path, "true"]
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    @Test("what somebody else writes into the file is seen, also after many moves of one's own")
    func changedByAnother() throws {
        let anchor = try FileAnchor(path: path)
        try anchor.advance(from: nil, to: head(1))
        try anchor.advance(from: head(1), to: head(2))
        let mine = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        try anchor.advance(from: head(2), to: head(3))
        try edit { $0 = mine }
        #expect(try anchor.read() == head(2))
        #expect(throws: AnchorError.moved(expected: head(3), found: head(2))) {
            try anchor.advance(from: head(3), to: head(4))
        }
        try anchor.advance(from: head(2), to: head(5))
        #expect(try anchor.read() == head(5))
        try edit { bytes in for place in [50, 4096 + 50] { bytes[place] ^= 1 } }
        #expect(throws: AnchorError.damaged(path: path)) { try anchor.advance(from: head(5), to: head(6)) }
    }

    @Test("a write that was torn leaves the head before it", arguments: [0, 1])
    func tornSlot(last: Int) throws {
        let anchor = try FileAnchor(path: path)
        try anchor.advance(from: nil, to: head(1))
        try anchor.advance(from: head(1), to: head(2))
        if last == 1 { try anchor.advance(from: head(2), to: head(3)) }
        anchor.close()
        // Sequence numbers 1, 2, 3 went to the slots 1, 0, 1.
        try edit { $0[last * 4096 + 50] ^= 1 }
        let again = try FileAnchor(path: path)
        #expect(try again.read() == head(last == 1 ? 2 : 1))
        try again.advance(from: try again.read(), to: head(9))
        again.close()
        #expect(try FileAnchor(path: path).read() == head(9))
    }

    @Test("an anchor with no valid slot is damaged, not new", arguments: [[0, 4096], [0, 4097]])
    func bothSlots(positions: [Int]) throws {
        let anchor = try FileAnchor(path: path)
        try anchor.advance(from: nil, to: head(1))
        try anchor.advance(from: head(1), to: head(2))
        anchor.close()
        try edit { for position in positions { $0[position] ^= 0x20 } }
        let again = try FileAnchor(path: path)
        #expect(throws: AnchorError.damaged(path: path)) { try again.read() }
        #expect(throws: AnchorError.damaged(path: path)) { try again.advance(from: nil, to: head(3)) }
    }

    @Test("no slot is accepted in another form than it is written in")
    func strictSlots() throws {
        let anchor = try FileAnchor(path: path)
        try anchor.advance(from: nil, to: head(1))
        anchor.close()
        for position in 0..<180 {
            try edit { $0[4096 + position] ^= 0x01 }
            let again = try FileAnchor(path: path)
            #expect(throws: AnchorError.damaged(path: path), "byte \(position)") { try again.read() }
            again.close()
            try edit { $0[4096 + position] ^= 0x01 }
        }
    }

    @Test("a place where no file can be is an error that names it")
    func unusable() throws {
        let nowhere = scratch.path + "/missing/anchor"
        let error = #expect(throws: AnchorError.self) { _ = try FileAnchor(path: nowhere) }
        #expect(error?.description.contains(nowhere) == true)
    }
}
