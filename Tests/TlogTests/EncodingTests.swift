import Testing
import Tlog

@Suite("Base64, hexadecimal, hashes")
struct EncodingTests {
    @Test("base64 prints the vectors of RFC 4648 §10 and reads them back")
    func base64() {
        let vectors = [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ]
        for (text, encoded) in vectors {
            #expect(Base64.encode(Array(text.utf8)) == encoded)
            #expect(Base64.decode(encoded) == Array(text.utf8))
            let url = String(encoded.prefix { $0 != "=" })
            #expect(Base64.encodeURL(Array(text.utf8)) == url)
            #expect(Base64.decodeURL(url) == Array(text.utf8))
        }
        #expect(Base64.encode([0xfb, 0xff, 0xbf]) == "+/+/")
        #expect(Base64.encodeURL([0xfb, 0xff, 0xbf]) == "-_-_")
    }

    @Test("bytes that are hashed are told apart by every byte, and by how many there are")
    func hashedBytes() {
        var places: [HashedBytes: Int] = [:]
        let all = (0..<40).flatMap { count in
            [[UInt8](repeating: 0, count: count)]
                + (0..<count).map { place in
                    (0..<count).map { $0 == place ? 1 : 0 }
                }
        }
        for (number, bytes) in all.enumerated() {
            #expect(places.updateValue(number, forKey: HashedBytes(bytes)) == nil)
        }
        for (number, bytes) in all.enumerated() { #expect(places[HashedBytes(bytes + [])] == number) }
    }

    @Test("bytes have the order that the standard library gives them, wherever they differ first, and where one ends")
    func byteOrder() {
        let long = [UInt8](repeating: 0x80, count: 40)
        var all = (0...40).map { Array(long.prefix($0)) }
        for place in 0..<40 {
            for byte: UInt8 in [0, 0x7f, 0x81, 0xff] {
                var changed = long
                changed[place] = byte
                // What comes behind says the opposite.
                if place + 1 < 40 { changed[place + 1] = ~byte }
                all.append(changed)
            }
        }
        for left in all {
            for right in all {
                #expect(left.span.precedes(right.span) == left.lexicographicallyPrecedes(right))
                #expect(left.span.hasSameBytes(as: right.span) == (left == right))
            }
        }
    }

    @Test(
        "base64 has one form for each value",
        arguments: [
            "Zg", "Zg=", "Zg===", "Zg==\n", " Zg==", "Zh==", "Zm9=", "Zm8", "=", "==", "====", "Z===", "Zg==Zg==",
            "-_-_",
            "Zm9v Zm9v", "Zm9v\r\n", "Zm9é",
        ])
    func strictBase64(text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test(
        "base64 for URLs takes no padding, no other alphabet, no unused bits", arguments: ["Zg==", "Zh", "Z", "+/+/"])
    func strictBase64URL(text: String) {
        #expect(Base64.decodeURL(text) == nil)
    }

    @Test("base64 of every length reads back")
    func base64Lengths() {
        var bytes: [UInt8] = []
        for value in 0..<200 {
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
            #expect(Base64.decodeURL(Base64.encodeURL(bytes)) == bytes)
            bytes.append(UInt8(value &* 37 & 0xff))
        }
    }

    @Test("hexadecimal is lowercase and whole bytes")
    func hex() {
        #expect(Hex.encode([0x00, 0x9f, 0xff]) == "009fff")
        #expect(Hex.decode("009fff") == [0x00, 0x9f, 0xff])
        for text in ["0", "0F", "g0", " 00", "é"] { #expect(Hex.decode(text) == nil) }
    }

    @Test("hashes know the published values")
    func hashes() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        #expect(Hash.emptyTree.hex == empty)
        #expect(
            Hash.sha256(Array("abc".utf8)).hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(Hash.sha256(parts: [0x61], [], [0x62, 0x63]) == Hash.sha256(Array("abc".utf8)))
        #expect(Hash.leaf([]).hex == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")
        let node = Hash.sha256(parts: [0x01], Hash.leaf([]).bytes, Hash.zero.bytes)
        #expect(Hash.node(.leaf([]), .zero) == node)
        #expect(Hash.leaf([1, 2, 3][1...]) == Hash.leaf([2, 3]))
        #expect(Hash(hex: empty) == .emptyTree)
        #expect(Hash(hex: empty.uppercased()) == nil)
        #expect(Hash(base64: Hash.emptyTree.base64) == .emptyTree)
        #expect(Hash(base64: "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFW=") == nil)
        #expect(Hash([UInt8](repeating: 0, count: 31)) == nil)
        #expect(Hash(Array(0..<32).reversed()).map(\.bytes) == Array(0..<32).reversed())
    }

    @Test("hashes are ordered by their bytes")
    func order() throws {
        var low = [UInt8](repeating: 0, count: 32)
        var high = low
        low[1] = 0xff
        high[0] = 0x01
        let (a, b) = (try #require(Hash(low)), try #require(Hash(high)))
        #expect(a < b && !(b < a) && !(a < a))
    }

    @Test("a hasher may go on after it has answered")
    func streaming() {
        var hasher = SHA256Hasher()
        hasher.update(Array("a".utf8))
        #expect(hasher.finalize() == Hash.sha256([0x61]))
        hasher.update([0, 0x62, 0x63][1...])
        #expect(hasher.finalize() == Hash.sha256(Array("abc".utf8)))
    }
}
