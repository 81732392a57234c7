public import COSE
public import Tlog

/// An entry of a log, after the work that needs nothing but the entry and the keys: read, hashed, its signature verified.
/// Any thread may do that, ahead of the one on which a ``LogReplay`` folds the entries in order.
public struct VerifiedEntry: Sendable {
    public let leafHash: Hash
    /// Nil if the bytes are not the canonical form of a statement; the replay says why.
    public let statement: SignedStatement?
    /// The event that the statement carries; nil also if it can't be read, and then the replay says why.
    public let event: Event?
    /// False also where the key isn't known yet; then the replay verifies it, or says why not.
    let isSignatureVerified: Bool
    /// What is no statement: a statement has its bytes itself, and each reference more is counted at each step.
    private let otherBytes: [UInt8]

    public var bytes: [UInt8] { statement?.entryBytes ?? otherBytes }

    /// Entries that are hashed and read before they are verified: as many as the nearest cache has room for.
    private static let entriesAtOnce = 16

    /// Reads and verifies entries one after the other.
    ///
    /// - Parameter keys: those that the replay's rules have by now; nil to verify no signature.
    public static func all(_ entries: ArraySlice<[UInt8]>, keys: KeyDirectory?) -> [VerifiedEntry] {
        all(entries, leafHashes: nil, keys: keys)
    }

    /// The same, for who has computed the leaf hashes of these very bytes.
    package static func all(
        _ entries: ArraySlice<[UInt8]>, leafHashes: [Hash]?, keys: KeyDirectory?
    ) -> [VerifiedEntry] {
        var scratch: [UInt8] = []
        var verified: [VerifiedEntry] = []
        verified.reserveCapacity(entries.count)
        while verified.count < entries.count {
            let some = entries.dropFirst(verified.count).prefix(entriesAtOnce)
            let hashes = leafHashes?[verified.count..<verified.count + some.count] ?? Hash.leaves(some)[...]
            let statements = SignedStatement.decode(some, leafHashes: hashes)
            for (index, position) in zip(some.indices, statements.indices) {
                let statement: SignedStatement? =
                    if case .success(let statement) = statements[position] { statement } else { nil }
                verified.append(VerifiedEntry(some[index], statement, keys: keys, &scratch))
            }
        }
        return verified
    }

    private init(_ bytes: [UInt8], _ statement: SignedStatement?, keys: KeyDirectory?, _ scratch: inout [UInt8]) {
        guard let statement, statement.entryBytes == bytes else {
            otherBytes = bytes
            self.statement = nil
            event = nil
            leafHash = .leaf(bytes)
            isSignatureVerified = false
            return
        }
        otherBytes = []
        self.statement = statement
        event = statement.header.isEvent ? try? Event(payloadOf: statement) : nil
        leafHash = statement.leafHash
        if let signer = keys?.entry(for: statement) {
            isSignatureVerified = (try? statement.verify(signer.key, scratch: &scratch)) != nil
        } else {
            isSignatureVerified = false
        }
    }
}

extension LogReplay {
    /// Appends the next entry.
    ///
    /// - Parameter isVouchedFor: whether its signature counts as verified whatever was verified here.
    public mutating func append(_ entry: VerifiedEntry, isVouchedFor: Bool = false) throws(ReplayError) {
        let isVerified = isVouchedFor || entry.isSignatureVerified
        if let statement = entry.statement {
            try append(statement, event: entry.event, signatureVerified: isVerified)
        } else {
            try append(entry.bytes)
        }
    }
}
