import LogClient
public import Tlog
public import Verification

/// The newest head of a log that a follower has accepted, in one small file: what every later head must continue.
///
/// The file is the checkpoint's note as it was verified. It is replaced as a whole and synced before anybody is told of
/// the head, so that no crash makes a follower forget what it has vouched for.
public struct AcceptedHead: Sendable {
    private let path: String
    /// The checkpoint, verified anew under the trust file when it was read; nil before the first.
    public private(set) var checkpoint: VerifiedCheckpoint?

    /// Reads the file, if there is one.
    ///
    /// - Throws: ``AcceptedHeadError`` for a file that is there and is no checkpoint that `trust` vouches for: to begin
    ///   anew would be to forget what was seen.
    public init(path: String, trust: TrustFile) throws(AcceptedHeadError) {
        self.path = path
        let bytes: [UInt8]?
        do { bytes = try StateFile.read(path) } catch { throw .file(path, SystemReason.text(error)) }
        guard let bytes else { return }
        do {
            // The log may have changed its keys since.
            checkpoint = try trust.verify(try SignedCheckpoint(parsing: bytes), takesFormer: true)
        } catch let error as any NamedFailure {
            throw .notVerified(path, reason: error.reason)
        } catch {
            throw .notVerified(path, reason: "\(error)")
        }
    }

    /// Takes a newer head; durable when this returns. That it continues the one before is for the caller to have
    /// verified. Of the same head with other cosignatures only the memory is kept.
    public mutating func accept(_ head: VerifiedCheckpoint) throws(AcceptedHeadError) {
        precondition(head.treeHead.size >= checkpoint?.treeHead.size ?? 0, "a head never goes back")
        if head.treeHead == checkpoint?.treeHead {
            checkpoint = head
            return
        }
        do { try AtomicFile.write(head.signed.bytes, to: path) } catch { throw .file(path, SystemReason.text(error)) }
        checkpoint = head
    }

    /// Goes back to the head before, because the newer one was found not to be the log's.
    mutating func retract(to head: VerifiedCheckpoint?) throws(AcceptedHeadError) {
        do {
            if let head {
                try AtomicFile.write(head.signed.bytes, to: path)
            } else {
                try StateFile.remove(path)
            }
        } catch {
            throw .file(path, SystemReason.text(error))
        }
        checkpoint = head
    }
}

/// Why the accepted head can't be had.
public enum AcceptedHeadError: NamedFailure, Hashable {
    /// The file can't be read or written.
    case file(String, String)
    /// The file is no checkpoint that the trust file vouches for.
    case notVerified(String, reason: String)

    public var reason: String {
        switch self {
        case .file: "state-file"
        case .notVerified(_, let reason): reason
        }
    }
}

extension AcceptedHeadError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .file(let path, let why): "the file \(path) can't be used: \(why)"
        case .notVerified(let path, let reason):
            "the checkpoint in \(path) is not vouched for by the trust file (\(reason)): what was followed before is not "
                + "known, so nothing is followed"
        }
    }
}
