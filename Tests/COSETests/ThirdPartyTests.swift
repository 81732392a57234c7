import COSE
import Testing
import Tlog

@Suite("Third parties")
struct ThirdPartyTests {
    @Test("statements, receipts and transparent statements made by scitt-cose are accepted")
    func scittCOSE() throws {
        let fixture = try Fixture("third-party/scitt-cose")
        let issuer = try #require(fixture.issuer).verifier
        let receiptKey = try #require(fixture.receiptKey).verifier
        let statements = try #require(fixture.statements)
        #expect(statements.count == 4)
        for (index, made) in statements.enumerated() {
            let encoded = try bytes(made.statement)
            let statement = try SignedStatement(decoding: encoded)
            try statement.verify(issuer)
            #expect(statement.entryBytes == encoded)
            #expect(statement.leafHash.hex == made.leafHash)
            // Its protected labels are in the order 3, 15, 4, 1: kept, though not ours.
            #expect(statement.protected != statement.header.protected())

            let receipt = try Receipt(decoding: try bytes(made.receipt))
            let head = try receipt.verify(leafHash: statement.leafHash, key: receiptKey)
            #expect(head.size == 4)
            guard case .inclusion(let proof) = receipt.proof else {
                Issue.record("not a receipt of inclusion")
                continue
            }
            #expect(proof.index == UInt64(index))

            let transparent = try TransparentStatement(decoding: try bytes(made.transparent))
            #expect(transparent.statement == statement && transparent.receipts == [receipt])
        }
    }
}
