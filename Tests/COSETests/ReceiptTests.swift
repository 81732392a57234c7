import COSE
import Testing
import Tlog

@Suite("Receipts")
struct ReceiptTests {
    let fixture: Fixture
    let key: Ed25519.PublicKey

    init() throws {
        fixture = try Fixture("receipt")
        key = try #require(fixture.receiptKey).verifier
    }

    private func leafHash(_ index: Int) throws -> Hash {
        let entry = try bytes(fixture.entries?[index])
        #expect(Hash.leaf(entry).hex == fixture.leafHashes?[index])
        return Hash.leaf(entry)
    }

    @Test("proves that an entry is under the signed root", arguments: Fixture.cases("receipt", \.inclusion))
    func provesInclusion(_ test: Fixture.Case) throws {
        let encoded = try bytes(test.receipt)
        let receipt = try Receipt(decoding: encoded)
        let index = Int(try #require(test.index))
        let head = try receipt.verify(leafHash: leafHash(index), key: key)
        #expect(head.size == test.size && head.root.hex == test.root)
        #expect(receipt.issuer == fixture.origin && receipt.subject == fixture.origin)
        #expect(receipt.checkpoint == test.checkpoint.map { Array($0.utf8) })
        #expect(receipt.encoded() == encoded)
        for other in 0..<7 where other != index {
            #expect(throws: ReceiptError.envelope(.badSignature)) {
                try receipt.verify(leafHash: leafHash(other), key: key)
            }
        }
        #expect(throws: ReceiptError.wrongKind) { try receipt.verifyConsistency(oldRoot: .zero, key: key) }
    }

    @Test("proves that the signed root continues an older one", arguments: Fixture.cases("receipt", \.consistency))
    func provesConsistency(_ test: Fixture.Case) throws {
        let receipt = try Receipt(decoding: try bytes(test.receipt))
        let oldRoot = try #require(Hash(hex: test.oldRoot ?? ""))
        let head = try receipt.verifyConsistency(oldRoot: oldRoot, key: key)
        #expect(head.size == test.newSize && head.root.hex == test.newRoot)
        #expect(throws: ReceiptError.self) { try receipt.verifyConsistency(oldRoot: .zero, key: key) }
        #expect(throws: ReceiptError.wrongKind) { try receipt.verify(leafHash: .zero, key: key) }
    }

    @Test("refuses what is no receipt, naming the reason", arguments: Fixture.cases("receipt", \.refused))
    func refusesInvalid(_ test: Fixture.Case) throws {
        let encoded = try bytes(test.receipt)
        #expect(reason { _ = try Receipt(decoding: encoded) } == test.reason)
    }

    @Test("refuses what does not verify, naming the reason", arguments: Fixture.cases("receipt", \.unverified))
    func refusesUnverified(_ test: Fixture.Case) throws {
        let receipt = try Receipt(decoding: try bytes(test.receipt))
        let leafHash = Hash.leaf(try bytes(test.entry))
        #expect(reason { try receipt.verify(leafHash: leafHash, key: key) } == test.reason)
    }

    @Test("a receipt from the empty tree to another proves nothing, and is refused")
    func refusesEmptyOldTree() throws {
        let origin = try Origin("log.example")
        let signer = Ed25519.SigningKey.generate()
        let head = TreeHead(size: 1, root: Hash.leaf([1]))
        let root = SignedRoot(head: head, origin: origin, key: signer, checkpoint: nil)
        let receipt = root.receipt(ConsistencyProof(oldSize: 0, newSize: 1, path: []))
        #expect(throws: ReceiptError.emptyOldTree) {
            try receipt.verifyConsistency(oldRoot: .emptyTree, key: signer.publicKey)
        }
    }

    @Test("a receipt with its checkpoint: no bit of it can be flipped unnoticed")
    func detectsEveryFlip() throws {
        let test = try #require(fixture.inclusion?.last)
        let encoded = try bytes(test.receipt)
        let leafHash = try leafHash(Int(try #require(test.index)))
        let checkpointKey = VerifierKey.ed25519(
            name: try Origin(try #require(fixture.origin)).keyName,
            publicKey: try #require(fixture.checkpointKey).verifier)
        func verify(_ encoded: [UInt8]) throws {
            let receipt = try Receipt(decoding: encoded)
            try receipt.verify(leafHash: leafHash, key: key)
            guard let checkpoint = try receipt.carriedCheckpoint() else { throw ReceiptError.checkpointInvalid }
            try checkpoint.verify(logKey: checkpointKey)
        }
        try verify(encoded)
        for bit in 0..<8 * encoded.count {
            var flipped = encoded
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(!isAccepted { try verify(flipped) }, "bit \(bit)")
        }
    }

    private func isAccepted(_ body: () throws -> Void) -> Bool {
        do {
            try body()
            return true
        } catch {
            return false
        }
    }

    @Test("without a checkpoint the size is the bearer's word: the signature is over the root alone")
    func sizeIsNotSigned() throws {
        // Leaf 0 has the same path in a tree of three as in one of four; only a checkpoint tells them apart.
        let signer = try #require(fixture.receiptKey).signer
        let leaves = try (0..<4).map(leafHash)
        let right = Hash.node(leaves[2], leaves[3])
        let head = TreeHead(size: 4, root: .node(.node(leaves[0], leaves[1]), right))
        let origin = try Origin("log.example")
        let bare = SignedRoot(head: head, origin: origin, key: signer, checkpoint: nil)
            .receipt(InclusionProof(index: 0, size: 4, path: [leaves[1], right]))
        func claimingThree(_ receipt: Receipt) throws -> Receipt {
            let message = try COSESign1(decoding: receipt.encoded())
            var unprotected = message.unprotected
            let path: CBOR = [.bytes(leaves[1].bytes), .bytes(right.bytes)]
            unprotected[396] = [-1: [.bytes(CBOR.array([3, 0, path]).encoded())]]
            return try Receipt(
                decoding: COSESign1(
                    protected: message.protected, unprotected: unprotected, payload: nil,
                    signature: message.signature
                ).encoded())
        }
        #expect(try claimingThree(bare).verify(leafHash: leaves[0], key: key).size == 3)
        let checkpoint = Checkpoint(origin: origin, head: head).signed(by: Ed25519.SigningKey.generate())
        let carrying = bare.carrying(checkpoint)
        #expect(try carrying.verify(leafHash: leaves[0], key: key) == head)
        #expect(throws: ReceiptError.checkpointMismatch) {
            try claimingThree(carrying).verify(leafHash: leaves[0], key: key)
        }
    }

    @Test("one signature serves every receipt under a head, with whichever checkpoint")
    func oneSignature() throws {
        let signer = Ed25519.SigningKey.generate()
        let leaves = try (0..<2).map(leafHash)
        let head = TreeHead(size: 2, root: .node(leaves[0], leaves[1]))
        let origin = try Origin("log.example")
        let checkpoint = Checkpoint(origin: origin, head: head).signed(by: Ed25519.SigningKey.generate())
        let root = SignedRoot(head: head, origin: origin, key: signer, checkpoint: nil)
        let receipts = [
            root.receipt(InclusionProof(index: 0, size: 2, path: [leaves[1]])),
            root.carrying(checkpoint).receipt(InclusionProof(index: 1, size: 2, path: [leaves[0]])),
        ]
        #expect(receipts[0].signature == receipts[1].signature && receipts[0].protected == receipts[1].protected)
        for (receipt, leaf) in zip(receipts, leaves) {
            #expect(try Receipt(decoding: receipt.encoded()) == receipt)
            #expect(try receipt.verify(leafHash: leaf, key: signer.publicKey) == head)
        }
        #expect(try receipts[1].carriedCheckpoint() == checkpoint)
    }

    @Test("a receipt longer than the limit is refused before it is read")
    func byteLimit() {
        let encoded = [UInt8](repeating: 0, count: Receipt.byteLimit + 1)
        #expect(reason { _ = try Receipt(decoding: encoded) } == "too-large")
    }
}

@Suite("Transparent statements")
struct TransparentStatementTests {
    @Test("reads the statement and each receipt it can", arguments: Fixture.cases("transparent", \.valid))
    func readsValid(_ test: Fixture.Case) throws {
        let fixture = try Fixture("transparent")
        let encoded = try bytes(test.statement)
        let transparent = try TransparentStatement(decoding: encoded)
        #expect(transparent.statement.entryBytes == (try bytes(test.entry)))
        #expect(transparent.receipts.count == test.receipts)
        #expect(transparent.attached.count - transparent.receipts.count == test.unread)
        try transparent.statement.verify(try #require(fixture.issuer).verifier)
        for receipt in transparent.receipts {
            try receipt.verify(
                leafHash: transparent.statement.leafHash, key: try #require(fixture.receiptKey).verifier)
        }
        #expect(transparent.encoded() == encoded)
    }

    @Test("refuses what is no transparent statement", arguments: Fixture.cases("transparent", \.invalid))
    func refusesInvalid(_ test: Fixture.Case) throws {
        let encoded = try bytes(test.statement)
        #expect(reason { _ = try TransparentStatement(decoding: encoded) } == test.reason)
    }

    @Test("a statement longer than the limit is refused before it is read")
    func byteLimit() {
        let encoded = [UInt8](repeating: 0, count: TransparentStatement.byteLimit + 1)
        #expect(reason { _ = try TransparentStatement(decoding: encoded) } == "too-large")
    }
}
