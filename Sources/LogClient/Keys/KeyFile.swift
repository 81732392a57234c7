import Foundation
import Glibc
import SystemPackage
public import Tlog

/// Key files: one line of text, described in `spec/key-file.md`.
///
/// A secret key file is made with mode 0600 and never overwritten, and is refused when anyone but its owner may
/// read it, or when its owner is not the user. What was read of it is wiped from memory.
public enum KeyFile {
    /// Writes a new secret key file, and the public key beside it as `PATH.pub` unless `publicPath` says otherwise.
    ///
    /// When the public key file can't be written, the secret key file stays: a key that exists is never deleted.
    public static func create(
        _ key: Ed25519.SigningKey, at path: String, publicPath: String? = nil
    ) throws(KeyFileError) {
        let publicPath = publicPath ?? path + ".pub"
        if FileManager.default.fileExists(atPath: publicPath) { throw .exists(path: publicPath) }
        let publicKey = key.publicKey.bytes
        var line = key.withSeed { KeyLine.secret(seed: $0, publicKey: publicKey) }
        defer { Wipe.clear(&line) }
        try writeNew(line, to: path, permissions: [.ownerRead, .ownerWrite])
        try writeNew(
            KeyLine.publicKey(publicKey), to: publicPath,
            permissions: [.ownerRead, .ownerWrite, .groupRead, .otherRead])
    }

    /// Writes a new public key file.
    public static func createPublic(_ key: Ed25519.PublicKey, at path: String) throws(KeyFileError) {
        try writeNew(
            KeyLine.publicKey(key.bytes), to: path, permissions: [.ownerRead, .ownerWrite, .groupRead, .otherRead])
    }

    /// Reads a secret key, if the file is private to the user.
    public static func read(_ path: String) throws(KeyFileError) -> Ed25519.SigningKey {
        var line = try readLine(path, mustBePrivate: true)
        defer { Wipe.clear(&line) }
        var seed = [UInt8](repeating: 0, count: 32)
        defer { Wipe.clear(&seed) }
        var publicKey = seed
        guard try parse(line, path: path, seed: &seed, publicKey: &publicKey) == .secret else {
            throw .publicNotSecret(path: path)
        }
        let key: Ed25519.SigningKey
        do {
            key = try Ed25519.SigningKey(seed: seed)
        } catch {
            throw .malformed(path: path, reason: "the seed is not an Ed25519 seed")
        }
        guard key.publicKey.bytes == publicKey else { throw .damaged(path: path) }
        return key
    }

    /// Reads a public key, from a public key file or (under the rules for secrets) from a secret one.
    public static func readPublic(_ path: String) throws(KeyFileError) -> Ed25519.PublicKey {
        var line = try readLine(path, mustBePrivate: false)
        defer { Wipe.clear(&line) }
        var seed = [UInt8](repeating: 0, count: 32)
        defer { Wipe.clear(&seed) }
        var publicKey = seed
        if try parse(line, path: path, seed: &seed, publicKey: &publicKey) == .secret {
            return try read(path).publicKey
        }
        do {
            return try Ed25519.PublicKey(publicKey)
        } catch {
            throw .malformed(path: path, reason: "the public key is not a point that Ed25519 allows")
        }
    }

    private static func parse(
        _ line: [UInt8], path: String, seed: inout [UInt8], publicKey: inout [UInt8]
    ) throws(KeyFileError) -> KeyLine.Kind {
        do {
            return try KeyLine.parse(line, seed: &seed, publicKey: &publicKey)
        } catch {
            throw .malformed(path: path, reason: error.reason)
        }
    }

    private static func writeNew(
        _ bytes: [UInt8], to path: String, permissions: FilePermissions
    ) throws(KeyFileError) {
        do {
            let file = try FileDescriptor.open(
                FilePath(path), .writeOnly, options: [.create, .exclusiveCreate], permissions: permissions)
            try file.closeAfter {
                try file.writeAll(bytes)
                guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
            }
        } catch let error as Errno where error == .fileExists {
            throw .exists(path: path)
        } catch {
            throw .system(path: path, reason: reason(error))
        }
    }

    private static func readLine(_ path: String, mustBePrivate: Bool) throws(KeyFileError) -> [UInt8] {
        do {
            let file = try FileDescriptor.open(FilePath(path), .readOnly)
            return try file.closeAfter {
                let status = try file.stat()
                guard status.type == .regular else { throw KeyFileError.notAFile(path: path) }
                if mustBePrivate { try checkPrivate(status, path: path) }
                guard status.size > 0 else { throw KeyFileError.malformed(path: path, reason: "the file is empty") }
                guard status.size <= Int64(KeyLine.maximumByteCount) else {
                    throw KeyFileError.malformed(
                        path: path,
                        reason: "it has \(status.size) bytes; a key file has at most \(KeyLine.maximumByteCount)")
                }
                let handle = FileHandle(fileDescriptor: file.rawValue, closeOnDealloc: false)
                var data = try handle.read(upToCount: KeyLine.maximumByteCount) ?? Data()
                defer { data.resetBytes(in: data.startIndex..<data.endIndex) }
                return [UInt8](data)
            }
        } catch let error as KeyFileError {
            throw error
        } catch {
            throw .system(path: path, reason: reason(error))
        }
    }

    private static func checkPrivate(_ status: Stat, path: String) throws {
        let mode = UInt32(status.permissions.rawValue)
        guard mode & 0o077 == 0 else { throw KeyFileError.tooWide(path: path, mode: mode & 0o7777) }
        let user = geteuid()
        guard status.userID.rawValue == user else {
            throw KeyFileError.notOwned(path: path, owner: status.userID.rawValue, user: user)
        }
    }

    private static func reason(_ error: any Error) -> String {
        (error as? Errno).map { "\($0)" } ?? error.localizedDescription
    }
}

extension KeyFile {
    /// Throws unless a secret key file is private to the user, without reading it.
    public static func checkPrivacy(of path: String) throws(KeyFileError) {
        do {
            let file = try FileDescriptor.open(FilePath(path), .readOnly)
            try file.closeAfter { try checkPrivate(try file.stat(), path: path) }
        } catch let error as KeyFileError {
            throw error
        } catch {
            throw .system(path: path, reason: reason(error))
        }
    }
}
