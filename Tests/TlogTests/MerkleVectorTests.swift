import Testing
import Tlog

@Suite("Merkle vectors of transparency-dev")
struct MerkleVectorTests {
    private struct Inclusion: Decodable {
        let leafIdx: UInt64
        let treeSize: UInt64
        let root: String?
        let leafHash: String?
        let proof: [String]?
        let name: String
        let wantErr: Bool
    }

    private struct Consistency: Decodable {
        let size1: UInt64
        let size2: UInt64
        let root1: String?
        let root2: String?
        let proof: [String]?
        let name: String
        let wantErr: Bool
    }

    /// Nil for what is no list of hashes; such a proof can't even be made here.
    private func hashes(_ texts: [String]?) -> [Hash]? {
        let hashes = (texts ?? []).compactMap { Hash(base64: $0) }
        return hashes.count == texts?.count ?? 0 ? hashes : nil
    }

    @Test("inclusion proofs", .enabled(if: Vectors.canRun("merkle-inclusion.jsonl")))
    func inclusion() throws {
        let vectors = try Vectors.lines("merkle-inclusion.jsonl", as: Inclusion.self)
        #expect(vectors.count == 98)
        for vector in vectors {
            var isValid = false
            if let root = vector.root.flatMap({ Hash(base64: $0) }),
                let leaf = vector.leafHash.flatMap({ Hash(base64: $0) }), let path = hashes(vector.proof)
            {
                let proof = InclusionProof(index: vector.leafIdx, size: vector.treeSize, path: path)
                isValid = (try? proof.verify(leafHash: leaf, root: root)) != nil
            }
            #expect(isValid == !vector.wantErr, "\(vector.name)")
        }
    }

    /// Some vectors have a few words of text where a root goes; here a root is always 32 bytes. The hash of the words
    /// stands for them, which keeps equal roots equal and different ones different.
    private func root(_ text: String?) -> Hash {
        text.flatMap { Hash(base64: $0) } ?? .sha256(Array((text ?? "").utf8))
    }

    /// That library refuses every question about the empty tree as useless. tlog-witness, which we follow, says: "the
    /// empty tree is consistent with any tree, so no proof is necessary".
    private let acceptedHere: Set = ["consistency/additional/size1-is-zero-and-size2-is-not-zero"]

    @Test("consistency proofs", .enabled(if: Vectors.canRun("merkle-consistency.jsonl")))
    func consistency() throws {
        let vectors = try Vectors.lines("merkle-consistency.jsonl", as: Consistency.self)
        #expect(vectors.count == 98)
        for vector in vectors {
            var isValid = false
            if let path = hashes(vector.proof) {
                let proof = ConsistencyProof(oldSize: vector.size1, newSize: vector.size2, path: path)
                isValid = (try? proof.verify(oldRoot: root(vector.root1), newRoot: root(vector.root2))) != nil
            }
            #expect(isValid == (!vector.wantErr || acceptedHere.contains(vector.name)), "\(vector.name)")
        }
    }
}
