internal import LMDB
internal import Tlog
internal import Witness

/// What the witness has cosigned: for each log, by the hash of its origin, the latest checkpoint. One LMDB environment,
/// one process at a time.
final class WitnessStore: Sendable {
    private static let format = Array("holdfast-witness-1".utf8)
    private static let formatKey = Array("format".utf8)

    private let environment: Environment
    private let meta: Database
    private let checkpoints: Database

    /// Opens the store in a directory, making both where they are missing.
    init(directory: String) throws(WitnessServerError) {
        do {
            (environment, meta, checkpoints) = try Self.open(StorageDirectory(directory))
        } catch let error as WitnessServerError {
            throw error
        } catch {
            throw .store("\(error)")
        }
    }

    private static func open(_ place: StorageDirectory) throws -> (Environment, Database, Database) {
        if try place.names() == nil { _ = try place.create() }
        guard let lock = try LockFile.acquire(place.file("LOCK")) else {
            throw WitnessServerError.store(
                "\(place.path) is open in another process; stop that one: two witnesses with one state can be made to "
                    + "cosign a fork")
        }
        if try place.names()?.contains("data.mdb") == true {
            // What the last process wrote may be in the page cache and not on the disk, if a sync of it failed: what is
            // read from here on comes from the disk.
            let file = try StorageFile(existingAt: place.file("data.mdb"))
            guard try file.byteCount() > 0 else { throw WitnessServerError.store("\(file.path) is empty") }
            try file.sync()
            try file.dropCache()
        }
        var options = Environment.Options()
        options.mapSize = 64 << 30
        options.maxDatabases = 4
        let environment = try Environment(directory: place.path, options: options, keeping: lock)
        try environment.checkReaders()
        let databases = try environment.write { transaction in
            let meta = try transaction.createDatabase("meta")
            let checkpoints = try transaction.createDatabase("checkpoints")
            if let found = try transaction.value(formatKey, in: meta) {
                guard found == format else {
                    throw WitnessServerError.store(
                        "\(place.path) has the format \(String(decoding: found, as: UTF8.self)), which this version does "
                            + "not know")
                }
            } else {
                try transaction.put(format, for: formatKey, in: meta)
            }
            return (meta, checkpoints)
        }
        try place.sync()
        return (environment, databases.0, databases.1)
    }

    /// The latest checkpoint cosigned for the log whose origin has this hash; nil if there is none.
    func latest(_ origin: OriginHash) throws -> CosignedCheckpoint? {
        try environment.read { try latest(origin, in: $0) }
    }

    /// Runs `body` in one transaction, synchronously, after those before it. What it recorded is durable when this
    /// returns, and not there at all if this throws before the commit.
    func write<R>(_ body: (Recording) throws -> R) throws -> R {
        try environment.write { try body(Recording(store: self, transaction: $0)) }
    }

    /// What can be done in a write. Of no use after it.
    struct Recording {
        fileprivate let store: WitnessStore
        fileprivate let transaction: WriteTransaction

        func latest(_ origin: OriginHash) throws -> CosignedCheckpoint? { try store.latest(origin, in: transaction) }

        func record(_ checkpoint: CosignedCheckpoint) throws {
            let key = OriginHash(checkpoint.signed.checkpoint.origin).hash.bytes
            try transaction.put(checkpoint.encoded, for: key, in: store.checkpoints)
        }
    }

    private func latest(_ origin: OriginHash, in transaction: Transaction) throws -> CosignedCheckpoint? {
        guard let bytes = try transaction.value(origin.hash.bytes, in: checkpoints) else { return nil }
        guard let found = try? CosignedCheckpoint(decoding: bytes),
            OriginHash(found.signed.checkpoint.origin) == origin
        else { throw WitnessServerError.store("the record under \(origin) is damaged; restore it from a copy") }
        return found
    }
}

/// "The origin hash is the SHA-256 hash of the log's origin, hex encoded, in lowercase."
struct OriginHash: Sendable, Hashable, CustomStringConvertible {
    let hash: Hash

    init(_ origin: Origin) {
        hash = .sha256(Array(origin.text.utf8))
    }

    /// Nil unless `text` is 64 lowercase hex digits.
    init?(_ text: String) {
        guard let hash = Hash(hex: text) else { return nil }
        self.hash = hash
    }

    var description: String { hash.hex }
}
