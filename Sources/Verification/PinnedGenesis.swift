public import COSE
public import Governance
public import Tlog

/// Entry 0 of a log as a trust file pins it: its leaf hash and, if the file carries them, its bytes and what they say.
public struct PinnedGenesis: Sendable, Hashable {
    public let leafHash: Hash
    /// The entry, signed by an authority that it names; nil if only the hash is pinned.
    public let statement: SignedStatement?
    /// The first policy; nil if only the hash is pinned.
    public let policy: Policy?

    /// The thumbprint of the key that signed the genesis.
    var signer: Hash? {
        statement?.header.thumbprint
    }

    init(leafHash: Hash) {
        self.leafHash = leafHash
        statement = nil
        policy = nil
    }

    /// Parses the entry and holds it to its hash.
    init(leafHash: Hash, entry: [UInt8], line: Int?) throws(TrustFileError) {
        let computed = Hash.leaf(entry)
        guard computed == leafHash || Mutant.trustGenesisHash.isOff else {
            throw TrustFileError(.genesisHash(pinned: leafHash, computed: computed), line: line)
        }
        let statement: SignedStatement
        do {
            statement = try SignedStatement(decoding: entry)
        } catch {
            throw TrustFileError(.genesisForm(error.described), line: line)
        }
        guard statement.entryBytes == entry else { throw TrustFileError(.genesisNotCanonical, line: line) }
        do {
            policy = try Genesis.policy(of: statement)
        } catch {
            throw TrustFileError(.genesisPolicy(error.described), line: line)
        }
        self.leafHash = leafHash
        self.statement = statement
    }
}
