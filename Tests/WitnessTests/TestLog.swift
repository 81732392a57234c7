import Tlog

@testable import Witness

/// A log in memory, with trees and proofs by RFC 6962 section 2.1 word for word: other code than the library's.
struct TestLog: Sendable {
    let origin: Origin
    let key: Ed25519.SigningKey
    private(set) var leaves: [Hash] = []

    init(_ origin: String = "log.example/test", size: Int = 0, seed: UInt8 = 1) throws {
        self.origin = try Origin(origin)
        key = try Ed25519.SigningKey(seed: [UInt8](repeating: seed, count: 32))
        leaves = (0..<size).map { .leaf(Array("\(origin) \(seed) \($0)".utf8)) }
    }

    /// The same log, as it tells somebody else.
    func fork() -> TestLog {
        var other = self
        other.leaves = leaves.map { .leaf($0.bytes) }
        return other
    }

    var verifierKey: VerifierKey { .ed25519(name: origin.keyName, publicKey: key.publicKey) }

    func checkpoint(_ size: Int, extensions: [String] = []) throws -> Checkpoint {
        try Checkpoint(
            origin: origin, head: TreeHead(size: UInt64(size), root: root(size)), extensions: extensions)
    }

    func signed(_ size: Int, by signer: Ed25519.SigningKey? = nil) throws -> SignedCheckpoint {
        try checkpoint(size).signed(by: signer ?? key)
    }

    func root(_ size: Int) -> Hash { size == 0 ? .emptyTree : Self.root(leaves[..<size]) }

    func path(_ old: Int, _ new: Int) -> [Hash] {
        old == 0 || old >= new ? [] : Self.proof(old, leaves[..<new], isComplete: true)
    }

    /// The body of an honest request, or of one with some part exchanged.
    func body(_ old: Int, _ new: Int, checkpoint: SignedCheckpoint? = nil, path: [Hash]? = nil) throws -> [UInt8] {
        AddCheckpointRequest(
            oldSize: UInt64(old), path: path ?? self.path(old, new), checkpoint: try checkpoint ?? signed(new)
        ).body
    }

    func request(_ old: Int, _ new: Int) throws -> AuthenticatedRequest {
        try AuthenticatedRequest(parsing: try body(old, new), knownLogs: try known())
    }

    func known() throws -> KnownLogs { try KnownLogs(parsing: Array("\(verifierKey)\n".utf8)) }

    private static func split(_ part: ArraySlice<Hash>) -> Int {
        var k = 1
        while 2 * k < part.count { k *= 2 }
        return part.startIndex + k
    }

    private static func root(_ part: ArraySlice<Hash>) -> Hash {
        if part.count == 1 { return part[part.startIndex] }
        let middle = split(part)
        return .node(root(part[..<middle]), root(part[middle...]))
    }

    private static func proof(_ end: Int, _ part: ArraySlice<Hash>, isComplete: Bool) -> [Hash] {
        if end == part.endIndex { return isComplete ? [] : [root(part)] }
        let middle = split(part)
        return end <= middle
            ? proof(end, part[..<middle], isComplete: isComplete) + [root(part[middle...])]
            : proof(end, part[middle...], isComplete: false) + [root(part[..<middle])]
    }
}

/// A witness's key for tests.
func testCosigner(_ name: String = "witness.example/w1", seed: UInt8 = 9) throws -> Ed25519Cosigner {
    Ed25519Cosigner(
        name: try KeyName(name), key: try Ed25519.SigningKey(seed: [UInt8](repeating: seed, count: 32)))
}
