import Testing
import Tlog

@Suite("Proofs in files and on the wire")
struct ProofTests {
    private let tree = ReferenceTree(leaves: 300)

    private func signed(_ size: Int = 300) throws -> SignedCheckpoint {
        Checkpoint(origin: try Sample.origin(), head: TreeHead(size: UInt64(size), root: tree.root(size)))
            .signed(by: try Sample.key(1))
    }

    private func policy() throws -> TlogPolicy {
        try TlogPolicy(parsing: Array("log \(Sample.logKey(Sample.key(1)).text)\nquorum none\n".utf8))
    }

    @Test("a tlog-proof prints, reads back and verifies, with and without extra data")
    func tlogProof() throws {
        for extra in [nil, [1, 2, 3]] as [[UInt8]?] {
            let proof = TlogProof(extra: extra, index: 77, path: tree.path(77, 0, 300), checkpoint: try signed())
            #expect(try TlogProof(parsing: proof.bytes) == proof)
            #expect(try proof.verify(leafHash: tree.leaves[77], policy: policy()).treeHead.size == 300)
            #expect(
                throws: TlogProofError.inclusion(
                    .rootMismatch(
                        expected: tree.root(300),
                        computed: try proof.inclusionProof.root(leafHash: tree.leaves[78])))
            ) {
                try proof.verify(leafHash: tree.leaves[78], policy: policy())
            }
        }
        let alone = TlogProof(extra: [], index: 0, path: [], checkpoint: try signed(1))
        #expect(alone.extra == nil)
        #expect(try TlogProof(parsing: alone.bytes) == alone)
        #expect(try alone.verify(leafHash: tree.leaves[0], policy: policy()).treeHead.size == 1)
    }

    @Test("malformed tlog-proofs are refused for what is wrong with them")
    func malformedProofs() throws {
        let checkpoint = String(decoding: try signed().bytes, as: UTF8.self)
        let header = "c2sp.org/tlog-proof@v1\n"
        let hash = Hash.zero.base64
        let cases: [(String, TlogProofError)] = [
            ("", .noBlankLine), (header + "index 0\n" + hash + "\n", .noBlankLine),
            ("c2sp.org/tlog-proof@v2\nindex 0\n\n" + checkpoint, .header), ("\n" + checkpoint, .header),
            (header + "\n" + checkpoint, .index), (header + "index 00\n\n" + checkpoint, .index),
            (header + "index\n\n" + checkpoint, .index), (header + "index  1\n\n" + checkpoint, .index),
            (header + "index 1 \n\n" + checkpoint, .index), (header + "extra AQ==\n\n" + checkpoint, .index),
            (header + "index 1\nextra AQ==\n\n" + checkpoint, .hash(number: 1)),
            (header + "extra \nindex 1\n\n" + checkpoint, .extra),
            (header + "extra AQ\nindex 1\n\n" + checkpoint, .extra),
            (header + "extra AQ==\nextra AQ==\nindex 1\n\n" + checkpoint, .index),
            (header + "index 1\n\(hash)\nAQ==\n\n" + checkpoint, .hash(number: 2)),
            (
                header + "index 1\n" + String(repeating: hash + "\n", count: 64) + "\n" + checkpoint,
                .tooManyHashes(count: 64, limit: 63)
            ),
            (header + "index 1\n\n\n" + checkpoint, .checkpoint(.emptyLine(1))),
            (header + "index 1\n\n" + checkpoint + "\n", .checkpoint(.note(.noSignatures))),
            (header + "index 1\n\n", .checkpoint(.note(.noFinalNewline))),
        ]
        for (text, error) in cases {
            #expect(throws: error, "\(text.prefix(120))") { try TlogProof(parsing: Array(text.utf8)) }
        }
        #expect(throws: TlogProofError.tooLarge(bytes: 262_145, limit: 262_144)) {
            try TlogProof(parsing: [UInt8](repeating: 0x0a, count: 262_145))
        }
    }

    @Test("an add-checkpoint request prints, reads back and proves")
    func request() throws {
        let request = AddCheckpointRequest(oldSize: 100, path: tree.proof(100, 300), checkpoint: try signed())
        #expect(try AddCheckpointRequest(parsing: request.body) == request)
        try request.consistencyProof.verify(oldRoot: tree.root(100), newRoot: tree.root(300))
        let first = AddCheckpointRequest(oldSize: 0, path: [], checkpoint: try signed())
        #expect(try AddCheckpointRequest(parsing: first.body) == first)
        #expect(String(decoding: first.body.prefix(7), as: UTF8.self) == "old 0\n\n")
    }

    @Test("malformed requests are refused for what is wrong with them")
    func malformedRequests() throws {
        let checkpoint = String(decoding: try signed().bytes, as: UTF8.self)
        let hash = Hash.zero.base64
        let cases: [(String, AddCheckpointError)] = [
            ("", .noBlankLine), ("old 1\n" + hash, .noBlankLine), ("\n" + checkpoint, .oldSize),
            ("old\n\n" + checkpoint, .oldSize), ("old 01\n\n" + checkpoint, .oldSize),
            ("old +1\n\n" + checkpoint, .oldSize),
            ("old  1\n\n" + checkpoint, .oldSize), ("old 1 \n\n" + checkpoint, .oldSize),
            ("Old 1\n\n" + checkpoint, .oldSize),
            ("old 9223372036854775808\n\n" + checkpoint, .oldSize), ("old 1\r\n\r\n" + checkpoint, .oldSize),
            ("old 1\n\(hash.dropLast())\n\n" + checkpoint, .hash(number: 1)),
            ("old 1\n\(hash)\n \(hash)\n\n" + checkpoint, .hash(number: 2)),
            (
                "old 1\n" + String(repeating: hash + "\n", count: 64) + "\n" + checkpoint,
                .tooManyHashes(count: 64, limit: 63)
            ),
            ("old 1\n\n" + checkpoint.dropLast(), .checkpoint(.note(.noFinalNewline))),
        ]
        for (text, error) in cases {
            #expect(throws: error, "\(text.prefix(120))") { try AddCheckpointRequest(parsing: Array(text.utf8)) }
        }
    }

    @Test("from a response only valid lines of expected keys are taken")
    func response() throws {
        let checkpoint = try signed().checkpoint
        let (w1, w2) = (try Sample.key(10), try Sample.key(11))
        let name = try KeyName("witness.example/w1")
        let known = VerifierKey.cosigner(name: name, publicKey: w1.publicKey)
        let good = Cosignature.sign(checkpoint, name: name, key: w1, time: 5)
        let stranger = Cosignature.sign(checkpoint, name: name, key: w2, time: 5)
        let logLine = NoteSignature(name: checkpoint.origin.keyName, keyID: 7, signature: [1])
        let response = AddCheckpointResponse(signatures: [stranger, good, logLine])
        #expect(try AddCheckpointResponse(parsing: response.body) == response)
        #expect(try response.cosignatures(of: checkpoint, from: [known]) == [good])
        let forged = NoteSignature(name: name, keyID: known.keyID, signature: [UInt8](repeating: 1, count: 72))
        #expect(throws: NoteError.self) {
            try AddCheckpointResponse(signatures: [good, forged]).cosignatures(of: checkpoint, from: [known])
        }
        let timeless = Cosignature.sign(checkpoint, name: name, key: w1, time: 0)
        #expect(throws: NoteError.timestampZero) {
            try AddCheckpointResponse(signatures: [timeless]).cosignatures(of: checkpoint, from: [known])
        }
    }

    @Test("malformed responses are refused for what is wrong with them")
    func malformedResponses() {
        let cases: [(String, AddCheckpointError)] = [
            ("", .noFinalNewline), ("— a AAAAAQE=", .noFinalNewline),
            ("\n", .signature(.malformedSignatureLine(line: 1))),
            ("— a AAAAAQE=\n\n", .signature(.malformedSignatureLine(line: 2))),
            (String(repeating: "— a AAAAAQE=\n", count: 101), .tooManySignatures(count: 101, limit: 100)),
        ]
        for (text, error) in cases {
            #expect(throws: error, "\(text.prefix(40))") { try AddCheckpointResponse(parsing: Array(text.utf8)) }
        }
        for text in ["", "1", "01\n", "1\n\n", " 1\n", "9223372036854775808\n"] {
            #expect(throws: AddCheckpointError.conflictSize) {
                try AddCheckpointResponse.conflictSize(parsing: Array(text.utf8))
            }
        }
        #expect(AddCheckpointResponse.conflictBody(size: 17) == Array("17\n".utf8))
        #expect((try? AddCheckpointResponse.conflictSize(parsing: Array("17\n".utf8))) == 17)
    }
}
