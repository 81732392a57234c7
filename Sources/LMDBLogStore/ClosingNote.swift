internal import Foundation
internal import LMDB

/// What a store that was closed in order leaves in its directory: that everything was synced, and which file it speaks of. The
/// next opening then need not doubt what the system has in its cache.
///
/// A file that was written, cut, copied or replaced since is another one, and so the note counts once: it is gone before
/// anything is written.
struct ClosingNote {
    static let name = "CLOSED"

    let place: StorageDirectory

    private var path: String { place.file(Self.name) }

    /// Says that every write to the data file has reached the disk.
    func write(_ data: StorageFile) throws {
        try Data(data.version().utf8).write(to: URL(filePath: path), options: .atomic)
    }

    /// Whether the note speaks of the data file as it is. There is none afterwards.
    func take(_ data: StorageFile) throws -> Bool {
        guard let noted = FileManager.default.contents(atPath: path) else { return false }
        try FileManager.default.removeItem(atPath: path)
        try place.sync()
        return try noted == Data(data.version().utf8) || Mutant.closingNote.isOff
    }
}
