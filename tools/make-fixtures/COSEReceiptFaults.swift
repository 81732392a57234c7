import COSE
import Tlog

/// Receipts and transparent statements that are wrong in one thing each, and sound ones with unusual content.
enum COSEReceiptFaults {
    /// The receipt of leaf 2 of 7, part by part.
    struct Parts {
        var protected: CBORMap
        var unprotected: CBORMap
        var payload: [UInt8]?
        let root: Hash
        var key: Ed25519.SigningKey

        init(_ change: (inout Parts) throws -> Void = { _ in }) throws {
            let signed = try COSEReceiptFixtures.signedRoot(7)
            let receipt = try COSESign1(
                decoding: signed.receipt(try COSEReceiptFixtures.tree().inclusion(2, 7)).encoded())
            protected = try CBOR(decoding: receipt.protected).mapValue ?? [:]
            unprotected = receipt.unprotected
            root = signed.head.root
            key = try COSECast.receiptKey()
            try change(&self)
        }

        /// The parts of the proof: size, index, path.
        var proof: [CBOR] {
            get throws {
                let proofs = unprotected[396]?.mapValue?[-1]?.arrayValue
                return try CBOR(decoding: proofs?.first?.bytesValue ?? []).arrayValue ?? []
            }
        }

        mutating func setProof(_ change: (inout [CBOR]) -> Void) throws {
            var proof = try proof
            change(&proof)
            unprotected[396] = [-1: [.bytes(CBOR.array(proof).encoded())]]
        }

        var encoded: [UInt8] {
            let encoded = protected.encoded()
            let unsigned = COSESign1(protected: encoded, payload: nil, signature: [])
            return COSESign1(
                protected: encoded, unprotected: unprotected, payload: payload,
                signature: key.sign(unsigned.toBeSigned(payload: root.bytes))
            ).encoded()
        }
    }

    private static func fault(
        _ name: String, _ reason: String, _ change: (inout Parts) throws -> Void
    ) throws -> (String, [UInt8], String) {
        (name, try Parts(change).encoded, reason)
    }

    static func refused() throws -> [(String, [UInt8], String)] {
        let sound = try Parts().encoded
        return [
            ("no tag", Array(sound.dropFirst()), "untagged"),
            ("a byte behind the receipt", sound + [0], "trailing-bytes"),
            try fault("the payload attached", "payload-attached") { $0.payload = $0.root.bytes },
            try fault("no data structure", "header-missing") { $0.protected[395] = nil },
            try fault("the data structure in the unprotected header alone", "header-missing") {
                $0.protected[395] = nil
                $0.unprotected[395] = 1
            },
            try fault("data structure 2", "data-structure") { $0.protected[395] = 2 },
            try fault("the data structure a text", "data-structure") { $0.protected[395] = "RFC9162_SHA256" },
            try fault("algorithm ES256", "unsupported-algorithm") { $0.protected[1] = -7 },
            try fault("no algorithm", "header-missing") { $0.protected[1] = nil },
            try fault("no key identifier", "header-missing") { $0.protected[4] = nil },
            try fault("no claims", "header-missing") { $0.protected[15] = nil },
            try fault("no issuer", "claim-missing") { $0.protected[15] = [2: "x"] },
            try fault("no subject", "claim-missing") { $0.protected[15] = [1: "x"] },
            try fault("a critical label that is not understood", "critical-not-understood") {
                $0.protected[2] = [99]
                $0.protected[99] = 1
            },
            try fault("no proofs", "proofs-missing") { $0.unprotected[396] = nil },
            try fault("the proofs in the protected header alone", "proofs-missing") {
                $0.protected[396] = $0.unprotected[396]
                $0.unprotected[396] = nil
            },
            try fault("the proofs an array", "proofs-invalid") { $0.unprotected[396] = [1] },
            try fault("proofs of an unknown kind", "proofs-invalid") { $0.unprotected[396] = [-3: [.bytes([])]] },
            try fault("both kinds of proof", "proofs-invalid") {
                var proofs = $0.unprotected[396]?.mapValue ?? [:]
                proofs[-2] = proofs[-1]
                $0.unprotected[396] = .map(proofs)
            },
            try fault("no proof", "proof-count") { $0.unprotected[396] = [-1: []] },
            try fault("two proofs", "proof-count") {
                let proofs = $0.unprotected[396]?.mapValue?[-1]?.arrayValue ?? []
                $0.unprotected[396] = [-1: .array(proofs + proofs)]
            },
            try fault("a proof that is no byte string", "proof-form") { $0.unprotected[396] = [-1: [7]] },
            try fault("a proof of two elements", "proof-form") { try $0.setProof { $0.removeLast() } },
            try fault("a negative size", "proof-form") { try $0.setProof { $0[0] = -7 } },
            try fault("a hash of 31 bytes", "proof-form") {
                try $0.setProof { $0[2] = [.bytes(Array(repeating: 1, count: 31))] }
            },
            try fault("a path of 66 hashes", "proof-form") {
                try $0.setProof { $0[2] = .array(Array(repeating: .bytes(Hash.zero.bytes), count: 66)) }
            },
            try fault("a byte behind the proof", "trailing-bytes") {
                let bytes = CBOR.array(try $0.proof).encoded()
                $0.unprotected[396] = [-1: [.bytes(bytes + [0])]]
            },
            try fault("a checkpoint that is a text", "checkpoint-invalid") {
                $0.unprotected[CBOR(COSELabel.checkpoint)] = "checkpoint"
            },
        ]
    }

    /// Receipts that can be read and don't verify for the entry given by its index.
    static func unverified() throws -> [(String, [UInt8], Int, String)] {
        let sound = try Parts().encoded
        let stranger = try COSECast.stranger()
        let other = try COSEReceiptFixtures.signedRoot(6, withCheckpoint: true).checkpoint
        var flipped = sound
        flipped[flipped.count - 1] ^= 0x01
        return [
            ("for another entry", sound, 3, "bad-signature"),
            ("a bit of the signature flipped", flipped, 2, "bad-signature"),
            (
                "a hash of the path replaced",
                try Parts {
                    try $0.setProof { proof in
                        var path = proof[2].arrayValue ?? []
                        path[0] = .bytes(Hash.zero.bytes)
                        proof[2] = .array(path)
                    }
                }.encoded, 2, "bad-signature"
            ),
            ("another index", try Parts { try $0.setProof { $0[1] = 3 } }.encoded, 2, "bad-signature"),
            ("index and size equal", try Parts { try $0.setProof { $0[1] = 7 } }.encoded, 2, "index-out-of-range"),
            (
                "a size that needs another path", try Parts { try $0.setProof { $0[0] = 20 } }.encoded, 2,
                "wrong-path-length"
            ),
            ("the last hash missing", try Parts { try $0.setProof { $0[2] = [] } }.encoded, 2, "wrong-path-length"),
            ("signed by a stranger", try Parts { $0.key = stranger }.encoded, 2, "bad-signature"),
            (
                "under a stranger's key identifier",
                try Parts { $0.protected[4] = .bytes(COSECast.thumbprint(stranger).bytes) }.encoded, 2, "key-mismatch"
            ),
            (
                "with the checkpoint of another head",
                try Parts { $0.unprotected[CBOR(COSELabel.checkpoint)] = .bytes(other?.bytes ?? []) }.encoded, 2,
                "checkpoint-mismatch"
            ),
            (
                "with a checkpoint that can't be read",
                try Parts { $0.unprotected[CBOR(COSELabel.checkpoint)] = .bytes([0x0a]) }.encoded, 2, "checkpoint"
            ),
            (
                "a receipt of consistency",
                try COSEReceiptFixtures.signedRoot(7).receipt(COSEReceiptFixtures.tree().consistency(3, 7)).encoded(),
                2, "wrong-kind"
            ),
        ]
    }

    private static func statement(_ receipts: CBOR?) throws -> [UInt8] {
        let entry = try COSESign1(decoding: COSEReceiptFixtures.entries()[2].entryBytes)
        return COSESign1(
            protected: entry.protected, unprotected: receipts.map { [394: $0] } ?? [:], payload: entry.payload,
            signature: entry.signature
        ).encoded()
    }

    static func transparent() throws -> [(String, [UInt8], UInt64, UInt64)] {
        let tree = try COSEReceiptFixtures.tree()
        let small = try COSEReceiptFixtures.signedRoot(3).receipt(tree.inclusion(2, 3)).encoded()
        let large = try COSEReceiptFixtures.signedRoot(7, withCheckpoint: true).receipt(tree.inclusion(2, 7)).encoded()
        let foreign = try Parts { $0.protected[395] = 2 }.encoded
        return [
            ("one receipt", try statement([.bytes(large)]), 1, 0),
            ("two receipts", try statement([.bytes(small), .bytes(large)]), 2, 0),
            ("a receipt of another data structure beside ours", try statement([.bytes(foreign), .bytes(small)]), 1, 1),
            ("nothing that can be read", try statement([.bytes([0xff])]), 0, 1),
        ]
    }

    static func refusedTransparent() throws -> [(String, [UInt8], String)] {
        [
            ("no receipts", try statement(nil), "receipts-missing"),
            ("an empty array", try statement([]), "receipt-count"),
            ("17 receipts", try statement(.array(Array(repeating: .bytes([0xf6]), count: 17))), "receipt-count"),
            ("a byte string in the array's place", try statement(.bytes([0xf6])), "receipts-invalid"),
            ("a receipt that is no byte string", try statement([[1, 2]]), "receipts-invalid"),
            ("a statement without tag", Array(try statement([.bytes([0xf6])]).dropFirst()), "untagged"),
        ]
    }
}
