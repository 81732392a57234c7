internal import COSE
import Foundation
internal import Governance
internal import LogClient
internal import Tlog

/// The leases that a gate holds, and the decisions made under each: appended to a file as they are made, whose digest is
/// registered when the lease has ended.
///
/// A file is the CBOR sequence (RFC 8742) of the decisions as `spec/evaluation.md` has them; its SHA-256 is the digest.
struct LeaseBook {
    /// Who may do what, under which grant.
    struct Name: Hashable {
        let access: Access
        let grant: Hash
    }

    struct Lease {
        let entry: Hash
        let index: UInt64
        let head: TreeHead
        let expires: UInt64
    }

    /// A lease that has ended, and what was decided under it.
    struct Ended {
        let entry: Hash
        let path: String
        let decisions: UInt64
        let digest: Hash
    }

    private struct Open {
        let lease: Lease
        let file: FileHandle
        var decisions: UInt64 = 0
        var hasher = SHA256Hasher()
    }

    private let directory: String
    private var held: [Name: Open] = [:]
    /// Files that an earlier run left.
    private var left: [String] = []

    private static let suffix = ".decisions"
    private static let recorded = ".recorded"

    init(directory: String) throws(GateOpeningError) {
        self.directory = directory
        do {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            left = try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(Self.suffix) }
                .sorted()
        } catch {
            throw .file(directory, SystemReason.text(error))
        }
    }

    var count: Int { held.count }

    /// Whether a lease is one of this gate's, of this run or an earlier one.
    func isOwn(_ entry: Hash) -> Bool { file(of: entry) != nil }

    /// What was permitted last under a lease; nil if nothing was.
    func lastPermitted(under entry: Hash) -> AccessRequest? {
        guard let file = file(of: entry), let bytes = try? Data(contentsOf: URL(filePath: file)) else { return nil }
        let content = [UInt8](bytes)
        for range in Self.decisions(in: content).reversed() {
            guard let decision = (try? CBOR(decoding: Array(content[range])))?.mapValue,
                decision["permits"]?.boolValue == true, let request = decision["request"]
            else { continue }
            return try? AccessRequest(request)
        }
        return nil
    }

    private func file(of entry: Hash) -> String? {
        [path(entry), path(entry) + Self.recorded].first { FileManager.default.fileExists(atPath: $0) }
    }

    /// Where each decision stands in a file. There may be any number of them.
    private static func decisions(in content: [UInt8]) -> [Range<Int>] {
        (try? CBORSequence.ranges(in: content, count: .max, limits: CBORLimits(items: .max))) ?? []
    }

    /// The lease in force at a time.
    func lease(_ name: Name, at now: UInt64) -> Lease? {
        let open = Mutant.leaseName.isOff ? held.values.first : held[name]
        guard let lease = open?.lease, now <= lease.expires || Mutant.leaseExpiry.isOff else { return nil }
        return lease
    }

    private func path(_ entry: Hash) -> String { directory + "/" + entry.hex + Self.suffix }

    mutating func add(_ lease: Lease, for name: Name) throws {
        if let before = held.removeValue(forKey: name) { close(before) }
        let path = path(lease.entry)
        guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]) else {
            throw CocoaError(.fileWriteUnknown)
        }
        held[name] = Open(lease: lease, file: try FileHandle(forWritingTo: URL(filePath: path)))
    }

    /// Puts a decision under the lease, before it is answered.
    mutating func add(_ decision: Decision, to name: Name) throws {
        guard var open = held[name] else { return }
        let bytes = decision.cbor.encoded()
        try open.file.write(contentsOf: Data(bytes))
        open.hasher.update(bytes)
        open.decisions += 1
        held[name] = open
    }

    private mutating func close(_ open: Open) {
        try? open.file.close()
        left.append(open.lease.entry.hex + Self.suffix)
    }

    /// The leases that have ended, with what an earlier run left.
    mutating func ended(at now: UInt64, all: Bool) -> [Ended] {
        for (name, open) in held where all || now > open.lease.expires {
            held[name] = nil
            close(open)
        }
        return left.compactMap { file in
            guard let entry = Hash(hex: String(file.dropLast(Self.suffix.count))),
                let bytes = try? Data(contentsOf: URL(filePath: directory + "/" + file))
            else { return nil }
            let content = [UInt8](bytes)
            let items = Self.decisions(in: content)
            return Ended(
                entry: entry, path: directory + "/" + file, decisions: UInt64(items.count), digest: .sha256(content))
        }
    }

    /// The digest of a lease's decisions is on record; the file stays, under another name.
    mutating func settle(_ ended: Ended) {
        try? FileManager.default.moveItem(atPath: ended.path, toPath: ended.path + Self.recorded)
        left.removeAll { directory + "/" + $0 == ended.path }
    }
}
