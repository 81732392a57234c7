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

    @Test("consistency proofs", .enabled(if: Vectors.canRun("merkle-consistency.jsonl")))
    func consistency() throws {
        let vectors = try Vectors.lines("merkle-consistency.jsonl", as: Consistency.self)
        #expect(vectors.count == 98)
        for vector in vectors {
            var isValid = false
            if let old = vector.root1.flatMap({ Hash(base64: $0) }),
                let new = vector.root2.flatMap({ Hash(base64: $0) }), let path = hashes(vector.proof)
            {
                let proof = ConsistencyProof(oldSize: vector.size1, newSize: vector.size2, path: path)
                isValid = (try? proof.verify(oldRoot: old, newRoot: new)) != nil
            }
            #expect(isValid == !vector.wantErr, "\(vector.name)")
        }
    }
}
