internal import COSE
import Foundation
internal import Governance
internal import LogClient
internal import Tlog

/// The permits that were given here, and what runs under leases, until the executions have ended: a file each, so that a gate that is started again
/// goes on watching what runs under them.
struct WatchBook {
    private(set) var permits: [[UInt8]: WatchedPermit] = [:]
    private let directory: String

    private static let suffix = ".permit"

    /// Reads what an earlier run watched.
    ///
    /// - Throws: for a file that is no permit: what runs under it would not be checked any more.
    init(directory: String) throws(GateOpeningError) {
        self.directory = directory
        do {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            for file in try FileManager.default.contentsOfDirectory(atPath: directory) where file.hasSuffix(Self.suffix)
            {
                let bytes = [UInt8](try Data(contentsOf: URL(filePath: directory + "/" + file)))
                guard let nonce = Hex.decode(String(file.dropLast(Self.suffix.count))),
                    let item = try? CBOR(decoding: bytes), let permit = try? WatchedPermit(item)
                else {
                    throw GateOpeningError.file(
                        directory + "/" + file, "it is no permit; what runs under it would not be watched")
                }
                permits[nonce] = permit
            }
        } catch let error as GateOpeningError {
            throw error
        } catch {
            throw .file(directory, SystemReason.text(error))
        }
    }

    var count: Int { permits.count }

    subscript(nonce: [UInt8]) -> WatchedPermit? { permits[nonce] }

    /// Takes a permit, or what it is judged by from here on. Durable when this returns.
    mutating func keep(_ permit: WatchedPermit, _ nonce: [UInt8]) throws {
        if !Mutant.watchKept.isOff { try AtomicFile.write(permit.cbor.encoded(), to: path(nonce)) }
        permits[nonce] = permit
    }

    /// Remembers when it was checked last, which no later run needs to know.
    mutating func note(_ nonce: [UInt8], size: UInt64, at elapsed: UInt64) {
        permits[nonce]?.checkedSize = size
        permits[nonce]?.checkedAt = elapsed
    }

    /// There is nothing to watch any more. A file that stays is found again by the next run, and so is this.
    mutating func end(_ nonce: [UInt8]) {
        permits[nonce] = nil
        try? FileManager.default.removeItem(atPath: path(nonce))
    }

    private func path(_ nonce: [UInt8]) -> String { directory + "/" + Hex.encode(nonce) + Self.suffix }
}

extension WatchedPermit {
    /// What the file has.
    var cbor: CBOR {
        var map: CBORMap = ["request": request.cbor, "expires": .unsigned(expires)]
        map["lease"] = lease.map { .bytes($0.bytes) }
        map["peer"] = request.peerEvidence.map { .bytes($0.encoded()) }
        return .map(map)
    }

    init(_ item: CBOR) throws(FieldError) {
        guard let map = item.mapValue, let request = map["request"], let expires = map["expires"]?.unsignedValue else {
            throw .wrongKind("")
        }
        let lease = map["lease"]?.bytesValue.flatMap { Hash($0) }
        self.init(request: try AccessRequest(request), lease: lease, expires: expires)
        if let evidence = map["peer"] {
            guard let bytes = evidence.bytesValue else { throw .wrongKind("peer") }
            self.request.peerEvidence = PeerEvidence(reading: bytes)
        }
    }
}
