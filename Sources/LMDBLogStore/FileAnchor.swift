internal import Foundation
internal import Glibc
internal import LMDB
public import LogStore
internal import Synchronization
public import Tlog

/// An anchor in a file of its own. Put it outside the data directory, best on another disk: it is there to notice
/// that the data directory was replaced by an older copy.
///
/// The file holds two slots, 4096 bytes apart so that one torn write can damage one of them only. A slot is one line
/// of text: format, sequence number, tree size, root, and the SHA-256 of what stands before it. A move overwrites the
/// older slot and syncs it; the valid slot with the higher sequence number counts. An exclusive lock on the file is
/// held until ``close()``.
public final class FileAnchor: Anchor {
    /// Where the file is.
    public let path: String

    private struct Open {
        let file: StorageFile
        /// The file as it was read or written last, and its newest slot, so that it is not parsed again each time.
        var known: (content: [UInt8], newest: AnchorSlot?)?
    }

    private let open: Mutex<Open?>

    /// Opens the anchor's file, or makes an empty one, and takes its lock.
    public init(path: String) throws(AnchorError) {
        self.path = path
        let file: StorageFile
        let isLocked: Bool
        do {
            file = try Self.open(path)
            isLocked = try file.tryLock()
        } catch {
            throw .failed(path: path, detail: "\(error)")
        }
        guard isLocked else { throw .locked(path: path) }
        open = Mutex(Open(file: file))
    }

    /// Opens the file; where it is missing, makes it, empty, and syncs its name.
    private static func open(_ path: String) throws(SystemCallError) -> StorageFile {
        do {
            return try StorageFile(existingAt: path)
        } catch {
            guard error.code == ENOENT else { throw error }
        }
        let file = try StorageFile(creatingAt: path)
        try StorageFile(directoryAt: URL(fileURLWithPath: path).deletingLastPathComponent().path).sync()
        return file
    }

    public func read() throws(AnchorError) -> TreeHead? {
        try withFile { open throws(AnchorError) in try self.newestSlot(&open)?.head }
    }

    public func advance(from old: TreeHead?, to new: TreeHead) throws(AnchorError) {
        try withFile { open throws(AnchorError) in
            let newest = try self.newestSlot(&open)
            guard newest?.head == old || Mutant.anchorCompare.isOff else {
                throw .moved(expected: old, found: newest?.head)
            }
            if let found = newest?.head, new.size < found.size { throw .backward(from: found, to: new) }
            let next = AnchorSlot(sequence: (newest?.sequence ?? 0) + 1, head: new)
            try self.write(next, to: &open)
        }
    }

    deinit {
        close()
    }

    public func close() {
        open.withLock { open in
            // A child process that is just being started has a copy of the descriptor, and would keep the lock.
            open?.file.unlock()
            open = nil
        }
    }

    private func withFile<R: Sendable>(_ body: (inout Open) throws(AnchorError) -> R) throws(AnchorError) -> R {
        try open.withLock { open throws(AnchorError) in
            guard var current = open.take() else { throw .failed(path: path, detail: "it was closed") }
            defer { open = current }
            return try body(&current)
        }
    }

    /// The valid slot with the higher sequence number; nil where nothing was ever written.
    private func newestSlot(_ open: inout Open) throws(AnchorError) -> AnchorSlot? {
        let content: [UInt8]
        do {
            content = try open.file.read(2 * AnchorSlot.spacing, at: 0)
        } catch {
            throw .failed(path: path, detail: "\(error)")
        }
        if let known = open.known, known.content.span.hasSameBytes(as: content.span) { return known.newest }
        let slots = [0, 1].compactMap { AnchorSlot(parsing: content.dropFirst($0 * AnchorSlot.spacing)) }
        // The first write of all may be torn too: then nothing was signed yet, but nothing says so. Ask a person.
        if slots.isEmpty, !content.isEmpty { throw .damaged(path: path) }
        let newest = slots.max { $0.sequence < $1.sequence }
        open.known = (content, newest)
        return newest
    }

    private func write(_ slot: AnchorSlot, to open: inout Open) throws(AnchorError) {
        let (line, place) = (slot.bytes, Int(slot.sequence % 2) * AnchorSlot.spacing)
        var content = open.known.take()?.content ?? []
        do {
            try open.file.write(line, at: place)
            try open.file.syncData()
        } catch {
            throw .failed(path: path, detail: "\(error)")
        }
        // What the next read is compared with; should the file have anything else, it is parsed.
        content.append(contentsOf: repeatElement(0, count: max(0, place + line.count - content.count)))
        content.replaceSubrange(place..<place + line.count, with: line)
        open.known = (content, slot)
    }
}

/// One of the two lines in an anchor's file.
struct AnchorSlot: Equatable {
    static let spacing = 4096
    private static let format = "holdfast-anchor-1"

    let sequence: UInt64
    let head: TreeHead

    init(sequence: UInt64, head: TreeHead) {
        self.sequence = sequence
        self.head = head
    }

    /// Reads a slot at the start of the bytes; nil unless it is exactly what ``bytes`` would print.
    init?(parsing bytes: ArraySlice<UInt8>) {
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let fields = String(decoding: bytes[..<end], as: UTF8.self).split(separator: " ")
        guard fields.count == 5, let sequence = UInt64(fields[1]), let size = UInt64(fields[2]),
            let root = Hash(hex: String(fields[3]))
        else { return nil }
        self.init(sequence: sequence, head: TreeHead(size: size, root: root))
        guard self.bytes == [UInt8](bytes[...end]) else { return nil }
    }

    /// Two slots of one file have lines of different length only where digits were added: a line that replaces a
    /// longer one would leave its end behind, so lines are padded with leading zeros to one length.
    var bytes: [UInt8] {
        var line = Array("\(Self.format) ".utf8)
        line.reserveCapacity(256)
        for number in [sequence, head.size] {
            let digits = String(number).utf8
            line.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: 20 - digits.count))
            line.append(contentsOf: digits)
            line.append(UInt8(ascii: " "))
        }
        line.append(contentsOf: head.root.hex.utf8)
        let hash = Hash.sha256(line)
        line.append(UInt8(ascii: " "))
        line.append(contentsOf: hash.hex.utf8)
        line.append(UInt8(ascii: "\n"))
        return line
    }
}
