import COSE
import Tlog

/// RFC 8949 Appendix A, sorted into what Holdfast reads and what it refuses, and cases of our own.
enum COSECBORFixtures {
    static let document: FixtureValue = [
        "about": """
        CBOR items in hex. A valid item has its diagnostic notation, and encodes to the same bytes again; an invalid \
        one has the reason of its refusal. keyOrder "any" is the reading of protected headers.
        """,
        "valid": .array(valid.map { ["name": .string($0), "cbor": .string($1), "diagnostic": .string($2)] }),
        "validInAnyKeyOrder": .array(
            validInAnyOrder.map { ["name": .string($0), "cbor": .string($1), "diagnostic": .string($2)] }),
        "invalid": .array(invalid.map { ["name": .string($0), "cbor": .string($1), "reason": .string($2)] }),
        "invalidInAnyKeyOrder": .array(
            invalidInAnyOrder.map { ["name": .string($0), "cbor": .string($1), "reason": .string($2)] }),
    ]

    private static let valid: [(String, String, String)] = [
        ("RFC 8949: 0", "00", "0"),
        ("RFC 8949: 1", "01", "1"),
        ("RFC 8949: 10", "0a", "10"),
        ("RFC 8949: 23", "17", "23"),
        ("RFC 8949: 24", "1818", "24"),
        ("RFC 8949: 25", "1819", "25"),
        ("RFC 8949: 100", "1864", "100"),
        ("RFC 8949: 1000", "1903e8", "1000"),
        ("RFC 8949: 1000000", "1a000f4240", "1000000"),
        ("RFC 8949: 1000000000000", "1b000000e8d4a51000", "1000000000000"),
        ("RFC 8949: greatest unsigned", "1bffffffffffffffff", "18446744073709551615"),
        ("RFC 8949: bignum", "c249010000000000000000", "2(h'010000000000000000')"),
        ("RFC 8949: least negative", "3bffffffffffffffff", "-18446744073709551616"),
        ("RFC 8949: negative bignum", "c349010000000000000000", "3(h'010000000000000000')"),
        ("RFC 8949: -1", "20", "-1"),
        ("RFC 8949: -10", "29", "-10"),
        ("RFC 8949: -100", "3863", "-100"),
        ("RFC 8949: -1000", "3903e7", "-1000"),
        ("RFC 8949: false", "f4", "false"),
        ("RFC 8949: true", "f5", "true"),
        ("RFC 8949: null", "f6", "null"),
        ("RFC 8949: date text", "c074323031332d30332d32315432303a30343a30305a", #"0("2013-03-21T20:04:00Z")"#),
        ("RFC 8949: date number", "c11a514b67b0", "1(1363896240)"),
        ("RFC 8949: expected base16", "d74401020304", "23(h'01020304')"),
        ("RFC 8949: encoded CBOR", "d818456449455446", "24(h'6449455446')"),
        (
            "RFC 8949: URI", "d82076687474703a2f2f7777772e6578616d706c652e636f6d",
            #"32("http://www.example.com")"#
        ),
        ("RFC 8949: no bytes", "40", "h''"),
        ("RFC 8949: bytes", "4401020304", "h'01020304'"),
        ("RFC 8949: no text", "60", "\"\""),
        ("RFC 8949: a", "6161", "\"a\""),
        ("RFC 8949: IETF", "6449455446", "\"IETF\""),
        ("RFC 8949: u with diaeresis", "62c3bc", "\"\u{fc}\""),
        ("RFC 8949: water", "63e6b0b4", "\"\u{6c34}\""),
        ("RFC 8949: beyond the basic plane", "64f0908591", "\"\u{10151}\""),
        ("RFC 8949: no elements", "80", "[]"),
        ("RFC 8949: three elements", "83010203", "[1, 2, 3]"),
        ("RFC 8949: nested arrays", "8301820203820405", "[1, [2, 3], [4, 5]]"),
        (
            "RFC 8949: 25 elements", "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
            "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25]"
        ),
        ("RFC 8949: no entries", "a0", "{}"),
        ("RFC 8949: two entries", "a201020304", "{1: 2, 3: 4}"),
        ("RFC 8949: text keys", "a26161016162820203", #"{"a": 1, "b": [2, 3]}"#),
        ("RFC 8949: map in array", "826161a161626163", #"["a", {"b": "c"}]"#),
        (
            "RFC 8949: five entries", "a56161614161626142616361436164614461656145",
            #"{"a": "A", "b": "B", "c": "C", "d": "D", "e": "E"}"#
        ),
        (
            "RFC 8949 section 4.2.1: the example's keys in bytewise order",
            "a70a001864012002617a036261610481186405812006",
            #"{10: 0, 100: 1, -1: 2, "z": 3, "aa": 4, [100]: 5, [-1]: 6}"#
        ),
        (
            "composed and decomposed text are different keys", "a262c3a9016365cc8102",
            "{\"\u{e9}\": 1, \"e\u{301}\": 2}"
        ),
        ("nested to the limit", String(repeating: "81", count: 15) + "00", nested(15)),
    ]

    private static let validInAnyOrder: [(String, String, String)] = [
        ("keys backwards", "a203040102", "{1: 2, 3: 4}"),
        ("keys forwards", "a201020304", "{1: 2, 3: 4}"),
        ("nested keys backwards", "a10fa202000100", "{15: {1: 0, 2: 0}}"),
    ]

    private static let invalidInAnyOrder: [(String, String, String)] = [
        ("a key twice, apart", "a3010003000100", "duplicate-key"),
        ("a key twice in a nested map", "a10fa201000100", "duplicate-key"),
        ("a key not in its shortest form", "a1180100", "not-shortest"),
        ("bytes behind the map", "a10100ff", "trailing-bytes"),
    ]

    private static let invalid: [(String, String, String)] = [
        ("RFC 8949: half-precision 0.0", "f90000", "floating-point"),
        ("RFC 8949: half-precision -0.0", "f98000", "floating-point"),
        ("RFC 8949: double 1.1", "fb3ff199999999999a", "floating-point"),
        ("RFC 8949: single 100000.0", "fa47c35000", "floating-point"),
        ("RFC 8949: half-precision infinity", "f97c00", "floating-point"),
        ("RFC 8949: half-precision NaN", "f97e00", "floating-point"),
        ("RFC 8949: undefined", "f7", "simple-value"),
        ("RFC 8949: simple value 16", "f0", "simple-value"),
        ("RFC 8949: simple value 255", "f8ff", "simple-value"),
        ("RFC 8949: floating-point date", "c1fb41d452d9ec200000", "floating-point"),
        ("RFC 8949: bytes in pieces", "5f42010243030405ff", "indefinite-length"),
        ("RFC 8949: text in pieces", "7f657374726561646d696e67ff", "indefinite-length"),
        ("RFC 8949: array without length", "9fff", "indefinite-length"),
        ("RFC 8949: array with an inner one without length", "83018202039f0405ff", "indefinite-length"),
        ("RFC 8949: map without length", "bf61610161629f0203ffff", "indefinite-length"),
        ("a break alone", "ff", "indefinite-length"),
        ("no bytes at all", "", "end-of-input"),
        ("argument cut off", "19ff", "end-of-input"),
        ("array cut off", "8201", "length-beyond-input"),
        ("array cut off inside an element", "820118", "end-of-input"),
        ("byte string longer than the input", "5affffffff00", "length-beyond-input"),
        ("text of 2^64 - 1 bytes", "7bffffffffffffffff", "length-beyond-input"),
        ("array of 2^64 - 1 elements", "9bffffffffffffffff", "length-beyond-input"),
        ("map of 2^63 entries", "bb8000000000000000", "length-beyond-input"),
        ("map of 2^64 - 1 entries", "bbffffffffffffffff", "length-beyond-input"),
        ("two items", "0000", "trailing-bytes"),
        ("0 in two bytes", "1800", "not-shortest"),
        ("23 in two bytes", "1817", "not-shortest"),
        ("255 in three bytes", "1900ff", "not-shortest"),
        ("65535 in five bytes", "1a0000ffff", "not-shortest"),
        ("2^32 - 1 in nine bytes", "1b00000000ffffffff", "not-shortest"),
        ("length of a string in two bytes", "580161", "not-shortest"),
        ("tag number in two bytes", "d80100", "not-shortest"),
        ("additional information 28", "1c", "reserved"),
        ("additional information 29", "5d", "reserved"),
        ("additional information 30", "9e", "reserved"),
        ("simple additional information 28", "fc", "reserved"),
        ("false as a simple value of two bytes", "f814", "simple-value"),
        ("text that is not UTF-8", "61ff", "invalid-utf8"),
        ("text with a surrogate", "63eda080", "invalid-utf8"),
        ("text with an overlong slash", "62c0af", "invalid-utf8"),
        ("a key twice", "a201000100", "duplicate-key"),
        ("keys not in order", "a202000100", "key-order"),
        ("keys by length, not bytewise", "a22000186400", "key-order"),
        ("keys of a nested map not in order", "81a2616200616100", "key-order"),
        ("nested deeper than the limit", String(repeating: "81", count: 16) + "00", "too-deep"),
        ("tags deeper than the limit", String(repeating: "c1", count: 16) + "00", "too-deep"),
        ("more items than the limit", "992710" + String(repeating: "00", count: 10_000), "too-many-items"),
    ]

    private static func nested(_ depth: Int) -> String {
        String(repeating: "[", count: depth) + "0" + String(repeating: "]", count: depth)
    }
}
