import COSE
import Testing
import Tlog

@Suite("COSE keys")
struct COSEKeyTests {
    @Test("reads a key in any member order, and publishes it in one", arguments: Fixture.cases("key", \.valid))
    func readsValid(_ test: Fixture.Case) throws {
        let key = try COSEKey(decoding: try bytes(test.key))
        #expect(key.publicKey.bytes == (try bytes(test.publicKey)))
        #expect(key.thumbprint.hex == test.thumbprint)
        #expect(key.encoded() == (try bytes(test.published)))
        #expect(try COSEKey(decoding: key.encoded()) == key)
    }

    @Test("refuses what is no Ed25519 public key, naming the reason", arguments: Fixture.cases("key", \.invalid))
    func refusesInvalid(_ test: Fixture.Case) throws {
        let encoded = try bytes(test.key)
        #expect(reason { _ = try COSEKey(decoding: encoded) } == test.reason)
    }

    @Test("the thumbprint is the hash of kty, crv and x alone")
    func thumbprint() throws {
        let fixture = try Fixture("key")
        let input = try bytes(fixture.thumbprintInput)
        #expect(Hash.sha256(input).hex == fixture.key?.thumbprint)
        let key = try #require(fixture.key).verifier
        #expect(COSEKey(key).thumbprint == Hash.sha256(input))
    }

    @Test("a key set is read key by key, and what is no key of ours is left out")
    func keySets() throws {
        let keys = (0..<3).map { _ in COSEKey(Ed25519.SigningKey.generate().publicKey) }
        let set = try COSEKeySet(decoding: COSEKeySet(keys).encoded())
        #expect(set.keys == keys && set.ignoredCount == 0)
        #expect(set.key(withThumbprint: keys[1].thumbprint) == keys[1])
        #expect(set.key(withThumbprint: .zero) == nil)

        let mixed = CBOR.array([keys[0].cbor, [1: 2, -1: 1], "key", keys[2].cbor])
        let read = try COSEKeySet(decoding: mixed.encoded())
        #expect(read.keys == [keys[0], keys[2]] && read.ignoredCount == 2)
        #expect(reason { _ = try COSEKeySet(decoding: [0x80]) } == "key-count")
        #expect(reason { _ = try COSEKeySet(decoding: [0xa0]) } == "not-array")
        let many = CBOR.array(Array(repeating: keys[0].cbor, count: 257))
        #expect(reason { _ = try COSEKeySet(decoding: many.encoded()) } == "key-count")
    }
}
