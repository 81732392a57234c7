import Testing
import Tlog

@Suite("Merkle proofs")
struct MerkleTests {
    @Test("every leaf of every tree up to 300 is proved, and the proof is that of RFC 6962's recursion")
    func inclusion() throws {
        let tree = ReferenceTree(leaves: 300)
        let tiles = tree.tiles(300)
        for size in 1...300 {
            let root = tree.root(size)
            for index in 0..<size {
                let path = tree.path(index, 0, size)
                let proof = InclusionProof(index: UInt64(index), size: UInt64(size), path: path)
                try proof.verify(leafHash: tree.leaves[index], root: root)
                // Plans are slower, so above 64 leaves they take turns; 256 and its neighbours are all there.
                if size <= 64 || (255...258).contains(size) || (index + size) % 5 == 0 {
                    let plan = try ProofPlan.inclusion(index: UInt64(index), size: UInt64(size))
                    #expect(try plan.hashes(in: tiles) == path, "leaf \(index) of \(size)")
                }
            }
        }
    }

    @Test("every pair of sizes up to 300 is proved consistent, and the proof is that of RFC 6962's recursion")
    func consistency() throws {
        let tree = ReferenceTree(leaves: 300)
        let tiles = tree.tiles(300)
        for new in 0...300 {
            for old in 0...new {
                let path = tree.proof(old, new)
                let proof = ConsistencyProof(oldSize: UInt64(old), newSize: UInt64(new), path: path)
                try proof.verify(oldRoot: tree.root(old), newRoot: tree.root(new))
                if new <= 64 || (255...258).contains(new) || (old + new) % 5 == 0 {
                    let plan = try ProofPlan.consistency(from: UInt64(old), to: UInt64(new))
                    #expect(try plan.hashes(in: tiles) == path, "from \(old) to \(new)")
                }
            }
        }
    }

    @Test("one bit turned over in any hash of an inclusion proof, in the leaf or in the root, fails it")
    func inclusionBits() {
        let tree = ReferenceTree(leaves: 100)
        var bit = 0
        for size in 1...100 {
            let root = tree.root(size)
            for index in 0..<size {
                let path = tree.path(index, 0, size)
                for place in 0..<(path.count + 2) {
                    bit = (bit + 1) % 256
                    var (broken, leaf, expected) = (path, tree.leaves[index], root)
                    switch place - path.count {
                    case 0: leaf = leaf.flipped(bit: bit)
                    case 1: expected = expected.flipped(bit: bit)
                    default: broken[place] = broken[place].flipped(bit: bit)
                    }
                    let proof = InclusionProof(index: UInt64(index), size: UInt64(size), path: broken)
                    guard
                        case .rootMismatch = failure({ () throws(ProofError) in
                            try proof.verify(leafHash: leaf, root: expected)
                        })
                    else {
                        Issue.record("leaf \(index) of \(size), hash \(place), bit \(bit)")
                        return
                    }
                }
            }
        }
    }

    @Test("one bit turned over in any hash of a consistency proof, or in a root, fails it")
    func consistencyBits() {
        let tree = ReferenceTree(leaves: 100)
        var bit = 0
        for new in 1...100 {
            for old in 1...new {
                let path = tree.proof(old, new)
                for place in 0..<(path.count + 2) {
                    bit = (bit + 1) % 256
                    var (broken, oldRoot, newRoot) = (path, tree.root(old), tree.root(new))
                    switch place - path.count {
                    case 0: oldRoot = oldRoot.flipped(bit: bit)
                    case 1: newRoot = newRoot.flipped(bit: bit)
                    default: broken[place] = broken[place].flipped(bit: bit)
                    }
                    let proof = ConsistencyProof(oldSize: UInt64(old), newSize: UInt64(new), path: broken)
                    switch failure({ () throws(ProofError) in try proof.verify(oldRoot: oldRoot, newRoot: newRoot) }) {
                    case .rootMismatch, .oldRootMismatch: break
                    default:
                        Issue.record("from \(old) to \(new), hash \(place), bit \(bit)")
                        return
                    }
                }
            }
        }
    }

    private func failure(_ body: () throws(ProofError) -> Void) -> ProofError? {
        do {
            try body()
            return nil
        } catch { return error }
    }

    @Test("a path that is too long or too short is refused before anything is hashed")
    func pathLengths() {
        let tree = ReferenceTree(leaves: 40)
        for size in 1...40 {
            for index in 0..<size {
                let path = tree.path(index, 0, size)
                for wrong in [path + [.zero], Array(path.dropLast())] where wrong.count != path.count {
                    #expect(throws: ProofError.wrongPathLength(expected: path.count, actual: wrong.count)) {
                        try InclusionProof(index: UInt64(index), size: UInt64(size), path: wrong)
                            .verify(leafHash: tree.leaves[index], root: tree.root(size))
                    }
                }
                let proof = tree.proof(index, size)
                for wrong in [proof + [.zero], Array(proof.dropLast())] where wrong.count != proof.count {
                    #expect(throws: ProofError.wrongPathLength(expected: proof.count, actual: wrong.count)) {
                        try ConsistencyProof(oldSize: UInt64(index), newSize: UInt64(size), path: wrong)
                            .verify(oldRoot: tree.root(index), newRoot: tree.root(size))
                    }
                }
            }
        }
    }

    @Test("indices and sizes outside the tree are refused")
    func ranges() {
        #expect(throws: ProofError.indexOutOfRange(index: 0, size: 0)) {
            try InclusionProof(index: 0, size: 0, path: []).root(leafHash: .zero)
        }
        #expect(throws: ProofError.indexOutOfRange(index: 5, size: 5)) {
            try ProofPlan.inclusion(index: 5, size: 5)
        }
        #expect(throws: ProofError.sizesOutOfOrder(old: 2, new: 1)) {
            try ConsistencyProof(oldSize: 2, newSize: 1, path: []).verify(oldRoot: .zero, newRoot: .zero)
        }
        #expect(throws: ProofError.sizesOutOfOrder(old: 2, new: 1)) { try ProofPlan.consistency(from: 2, to: 1) }
    }

    @Test("the empty tree is consistent with any, but only under its own root")
    func emptyTree() throws {
        try ConsistencyProof(oldSize: 0, newSize: 7, path: []).verify(oldRoot: .emptyTree, newRoot: .zero)
        #expect(throws: ProofError.oldRootMismatch(expected: .zero, computed: .emptyTree)) {
            try ConsistencyProof(oldSize: 0, newSize: 7, path: []).verify(oldRoot: .zero, newRoot: .zero)
        }
        #expect(throws: ProofError.rootMismatch(expected: .zero, computed: .emptyTree)) {
            try ConsistencyProof(oldSize: 0, newSize: 0, path: []).verify(oldRoot: .emptyTree, newRoot: .zero)
        }
        #expect(TreeHead.empty == TreeHead(size: 0, root: .sha256([])))
    }

    @Test("the largest trees do not overflow")
    func extremes() throws {
        let max = UInt64.max
        #expect(try ProofPlan.inclusion(index: max - 1, size: max).tiles.count > 0)
        #expect(throws: ProofError.wrongPathLength(expected: 64, actual: 0)) {
            try InclusionProof(index: 0, size: max, path: []).root(leafHash: .zero)
        }
        let path = [Hash](repeating: .zero, count: 64)
        _ = try InclusionProof(index: 0, size: max, path: path).root(leafHash: .zero)
        #expect(throws: ProofError.wrongPathLength(expected: 64, actual: 0)) {
            try ConsistencyProof(oldSize: 1, newSize: max, path: []).verify(oldRoot: .zero, newRoot: .zero)
        }
        _ = try ProofPlan.consistency(from: max - 1, to: max)
    }
}
