import Foundation
import Governance
import LogClient
import LogEngine
import Tlog

/// The files of a log's own keys: the present ones, and the directory of those that a rotation puts in their place.
struct LogKeyFiles {
    /// By what the key signs.
    private let present: [LogPublicKeys.Use: String]
    let next: NextKeyFiles?

    /// Where the settings say that they are.
    init(_ configuration: ServeConfiguration) throws {
        present = [
            .checkpoint: try configuration.requiredPath(.checkpointKey),
            .receipt: try configuration.requiredPath(.receiptKey),
            .statement: try configuration.requiredPath(.statementKey),
        ]
        next = try configuration.path(.nextKeys).map { try NextKeyFiles($0) }
    }

    /// Where `holdfast key log` puts them.
    init(in directory: String) {
        present = Dictionary(
            uniqueKeysWithValues: LogPublicKeys.Use.allCases.map { ($0, NextKeyFiles.path($0, in: directory)) })
        next = nil
    }

    subscript(use: LogPublicKeys.Use) -> String { present[use] ?? "" }

    /// Reads the secret keys.
    func read() throws -> (keys: LogKeys, next: LogKeys?) {
        let keys = LogKeys(
            checkpoint: try KeyFile.read(self[.checkpoint]), receipt: try KeyFile.read(self[.receipt]),
            statement: try KeyFile.read(self[.statement]))
        return (keys, try next?.read(after: keys))
    }
}

/// A directory with keys that a rotation is to put in force: one file a key, for those that change.
struct NextKeyFiles {
    let directory: String
    /// The uses that there is a file for.
    let uses: [LogPublicKeys.Use]

    /// - Throws: ``Failure`` where there is none.
    init(_ directory: String) throws {
        self.directory = directory
        uses = LogPublicKeys.Use.allCases.filter { use in
            [Self.path(use, in: directory), Self.path(use, in: directory) + ".pub"]
                .contains { FileManager.default.fileExists(atPath: $0) }
        }
        guard !uses.isEmpty else {
            throw Failure(
                .usage, "There are no keys for a rotation in \(directory)",
                hints: [
                    "Make them: holdfast key log \(directory)",
                    "The files are checkpoint.key, receipt.key and statement.key; a key that is to stay has none.",
                ])
        }
    }

    static func path(_ use: LogPublicKeys.Use, in directory: String) -> String { "\(directory)/\(use.rawValue).key" }

    /// The secret keys; those without a file stay as they are.
    func read(after keys: LogKeys) throws -> LogKeys {
        func key(_ use: LogPublicKeys.Use, _ present: Ed25519.SigningKey) throws -> Ed25519.SigningKey {
            uses.contains(use) ? try KeyFile.read(Self.path(use, in: directory)) : present
        }
        return LogKeys(
            checkpoint: try key(.checkpoint, keys.checkpoint), receipt: try key(.receipt, keys.receipt),
            statement: try key(.statement, keys.statement))
    }

    /// The public keys; an authority needs no more than their files (`checkpoint.key.pub`).
    func publicKey(_ use: LogPublicKeys.Use) throws -> Ed25519.PublicKey? {
        guard uses.contains(use) else { return nil }
        let path = Self.path(use, in: directory)
        return try KeyFile.readPublic(FileManager.default.fileExists(atPath: path + ".pub") ? path + ".pub" : path)
    }

    /// The keys of the log after the rotation.
    func publicKeys(after keys: LogPublicKeys) throws -> LogPublicKeys {
        LogPublicKeys(
            checkpoint: try publicKey(.checkpoint) ?? keys.checkpoint,
            receipt: try publicKey(.receipt) ?? keys.receipt, statement: try publicKey(.statement) ?? keys.statement)
    }
}
