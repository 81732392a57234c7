import COSE
import Tlog

enum COSEReceiptFixtures {
    /// Seven statements of one issuer: the entries of the log.
    static func entries() throws -> [SignedStatement] {
        try (0..<7).map { number in
            try SignedStatement.sign(
                payload: Array("{\"number\":\(number)}".utf8), contentType: COSECast.contentType,
                issuer: COSECast.issuerName, subject: "urn:example:\(number)", key: COSECast.issuer())
        }
    }

    static func tree() throws -> COSEReferenceTree {
        COSEReferenceTree(leaves: try entries().map(\.leafHash))
    }

    static func signedRoot(_ size: Int, withCheckpoint: Bool = false) throws -> SignedRoot {
        let head = TreeHead(size: UInt64(size), root: try tree().root(size))
        let origin = try Origin(COSECast.origin)
        let checkpoint = Checkpoint(origin: origin, head: head).signed(by: try COSECast.checkpointKey())
        return SignedRoot(
            head: head, origin: origin, key: try COSECast.receiptKey(),
            checkpoint: withCheckpoint ? checkpoint : nil)
    }

    static func document() throws -> FixtureValue {
        let entries = try entries()
        return [
            "about": """
            COSE receipts in hex, of a log of seven entries. Those in inclusion verify with the receipt key for the \
            entry of their index, and prove the root given; those in consistency prove newRoot from oldRoot. Those \
            in refused can't be read, for the reason given; those in unverified can be read and don't verify.
            """,
            "origin": .string(COSECast.origin),
            "receiptKey": try COSECast.description(0x40),
            "checkpointKey": try COSECast.description(0x60),
            "entries": .array(entries.map { COSECast.hex($0.entryBytes) }),
            "leafHashes": .array(entries.map { .string($0.leafHash.hex) }),
            "inclusion": .array(try inclusion()),
            "consistency": .array(try consistency()),
            "refused": .array(
                try COSEReceiptFaults.refused().map { name, bytes, reason in
                    ["name": .string(name), "receipt": COSECast.hex(bytes), "reason": .string(reason)]
                }),
            "unverified": .array(
                try COSEReceiptFaults.unverified().map { name, receipt, leaf, reason in
                    [
                        "name": .string(name), "receipt": COSECast.hex(receipt),
                        "entry": COSECast.hex(entries[leaf].entryBytes), "reason": .string(reason),
                    ]
                }),
        ]
    }

    private static func inclusion() throws -> [FixtureValue] {
        let tree = try tree()
        var cases: [FixtureValue] = []
        for size in [1, 2, 3, 7] {
            let signed = try signedRoot(size)
            for index in 0..<size {
                cases.append(try describe("leaf \(index) of \(size)", signed, tree.inclusion(index, size)))
            }
        }
        cases.append(
            try describe("with a checkpoint", signedRoot(7, withCheckpoint: true), tree.inclusion(4, 7)))
        return cases
    }

    private static func describe(
        _ name: String, _ signed: SignedRoot, _ proof: InclusionProof
    ) throws -> FixtureValue {
        let receipt = signed.receipt(proof)
        return [
            "name": .string(name), "receipt": COSECast.hex(receipt.encoded()), "index": .number(proof.index),
            "size": .number(proof.size), "root": .string(signed.head.root.hex),
            "checkpoint": receipt.checkpoint.map { .string(String(decoding: $0, as: UTF8.self)) } ?? .null,
        ]
    }

    private static func consistency() throws -> [FixtureValue] {
        let tree = try tree()
        return try [(1, 2), (2, 3), (1, 7), (3, 7), (4, 7), (6, 7), (7, 7)].map { old, new in
            [
                "name": .string("\(old) to \(new)"),
                "receipt": COSECast.hex(try signedRoot(new).receipt(tree.consistency(old, new)).encoded()),
                "oldSize": .number(UInt64(old)), "newSize": .number(UInt64(new)),
                "oldRoot": .string(tree.root(old).hex), "newRoot": .string(tree.root(new).hex),
            ]
        }
    }

    static func transparentDocument() throws -> FixtureValue {
        [
            "about": """
            Transparent statements in hex: statements with receipts in the unprotected header. A valid one has the \
            statement's entry bytes and how many receipts it has, each of which verifies, and how many it has that \
            Holdfast does not read; an invalid one has the reason of its refusal.
            """,
            "issuer": try COSECast.description(0x00),
            "receiptKey": try COSECast.description(0x40),
            "valid": .array(
                try COSEReceiptFaults.transparent().map { name, bytes, read, unread in
                    [
                        "name": .string(name), "statement": COSECast.hex(bytes),
                        "entry": COSECast.hex(try SignedStatement(decoding: bytes).entryBytes),
                        "receipts": .number(read), "unread": .number(unread),
                    ]
                }),
            "invalid": .array(
                try COSEReceiptFaults.refusedTransparent().map { name, bytes, reason in
                    ["name": .string(name), "statement": COSECast.hex(bytes), "reason": .string(reason)]
                }),
        ]
    }
}
