import COSE
import Governance
import Testing

@Suite("JSON")
struct JSONTests {
    @Test(
        "prints what it parsed",
        arguments: [
            "null", "true", "false", "0", "-1", "18446744073709551615", "-18446744073709551616", "\"\"", "[]", "{}",
            "[1,[2,[]],{\"b\":1,\"a\":null}]", "\"\\\"\\\\\\n\\r\\t\\u0000\\u001f\\u007fé🙂\"",
        ])
    func identity(_ text: String) throws {
        #expect(try JSON(parsing: text).text() == text)
    }

    @Test("prints nothing that a terminal would obey")
    func terminal() throws {
        let value: JSON = ["\u{9b}31m": "\u{85}\u{61c}\u{200e}\u{2028}\u{202e}\u{2066}\u{1b}[2J", "👩‍👧": "\u{a0}"]
        let text = value.text()
        #expect(
            text == #"{"\u009b31m":"\u0085\u061c\u200e\u2028\u202e\u2066\u001b[2J","👩‍👧":"\#u{a0}"}"#)
        #expect(try JSON(parsing: text) == value)
    }

    @Test("reads spaces and escapes")
    func spacesAndEscapes() throws {
        #expect(try JSON(parsing: " \t\r\n[ 1 ,\n2 ] ") == [1, 2])
        #expect(try JSON(parsing: #""\u00e9\ud83d\uDE42\/\b\f""#) == "é🙂/\u{8}\u{c}")
    }

    @Test("prints one member a line when asked, and reads that back")
    func pretty() throws {
        let value: JSON = ["b": [1, ["a": nil]], "empty": [], "a": [:]]
        let text = value.text(.pretty)
        #expect(
            text == """
                {
                  "b": [
                    1,
                    {
                      "a": null
                    }
                  ],
                  "empty": [],
                  "a": {}
                }
                """)
        #expect(try JSON(parsing: text) == value)
    }

    @Test(
        "refuses what is not strict JSON, with the reason",
        arguments: [
            ("", JSONError.endOfText), ("[1,", .endOfText), ("\"a", .endOfText), ("nul", .endOfText), ("-", .endOfText),
            ("nulL", .unexpected(byte: 0x4c, offset: 3)), ("[1,]", .unexpected(byte: 0x5d, offset: 3)),
            ("{1:2}", .unexpected(byte: 0x31, offset: 1)), ("{\"a\" 1}", .unexpected(byte: 0x31, offset: 5)),
            ("+1", .unexpected(byte: 0x2b, offset: 0)), ("-a", .unexpected(byte: 0x61, offset: 1)),
            ("\u{feff}1", .unexpected(byte: 0xef, offset: 0)), ("1 2", .trailing(offset: 2)),
            ("1.5", .notWhole(offset: 0)), ("1e3", .notWhole(offset: 0)), ("01", .notWhole(offset: 0)),
            ("-0", .notWhole(offset: 0)), ("18446744073709551616", .outOfRange(offset: 0)),
            ("-18446744073709551617", .outOfRange(offset: 0)), ("999999999999999999999999", .outOfRange(offset: 0)),
            ("\"\\x\"", .invalidEscape(offset: 1)), ("\"\\ud800\"", .invalidEscape(offset: 1)),
            ("\"\\udc00\"", .invalidEscape(offset: 1)), ("\"\\ud800\\u0041\"", .invalidEscape(offset: 1)),
            ("\"\\u00g0\"", .invalidEscape(offset: 1)), ("\"\n\"", .controlCharacter(offset: 1)),
            ("{\"a\":1,\"a\":1}", .duplicateName("a", offset: 7)),
            ("{\"a\":1,\"\\u0061\":1}", .duplicateName("a", offset: 7)),
        ])
    func refusals(_ text: String, _ error: JSONError) {
        #expect(throws: error) { try JSON(parsing: text) }
    }

    @Test("refuses bytes that are not UTF-8")
    func notUTF8() {
        #expect(throws: JSONError.invalidUTF8(offset: 0)) { try JSON(parsing: [0x22, 0xc3, 0x28, 0x22]) }
        #expect(throws: JSONError.invalidUTF8(offset: 0)) { try JSON(parsing: [0x22, 0xed, 0xa0, 0x80, 0x22]) }
    }

    @Test("nests as deep as the limit and no deeper")
    func depth() throws {
        let open = String(repeating: "[", count: 32)
        let close = String(repeating: "]", count: 32)
        #expect(try JSON(parsing: open + close).text() == open + close)
        #expect(throws: JSONError.tooDeep(limit: 32)) { try JSON(parsing: "[" + open + close + "]") }
        #expect(throws: JSONError.tooDeep(limit: 32)) {
            try JSON(parsing: String(repeating: "{\"a\":", count: 100_000))
        }
    }

    @Test("two spellings of one character are two names")
    func spellings() throws {
        #expect(try JSON(parsing: "{\"\u{e9}\":1,\"e\u{301}\":2}").objectValue?.count == 2)
        #expect(JSON.string("\u{e9}") != JSON.string("e\u{301}"))
    }

    @Test(
        "each CBOR item has one JSON form, and comes back from it",
        arguments: [
            (CBOR.bytes([]), #"{"$bytes":""}"#), (.bytes([0xfb, 0xff]), #"{"$bytes":"-_8"}"#),
            (.unsigned(.max), "18446744073709551615"), (.negative(.max), "-18446744073709551616"),
            (["b": 1, "aa": nil], #"{"b":1,"aa":null}"#), ([1: "x"], #"{"$map":[[1,"x"]]}"#),
            (["$bytes": "AA"], #"{"$map":[["$bytes","AA"]]}"#), (["": true], #"{"":true}"#),
            (.tagged(18, [1, .bytes([1])]), #"{"$tag":18,"$value":[1,{"$bytes":"AQ"}]}"#),
        ] as [(CBOR, String)])
    func coding(_ item: CBOR, _ text: String) throws {
        #expect(JSON(item).text() == text)
        #expect(try JSON(parsing: text).cbor() == item)
    }

    @Test(
        "refuses second forms of a CBOR item",
        arguments: [
            (#"{"$bytes":"AA=="}"#, JSONCodingError.invalidBytes), (#"{"$bytes":"AB"}"#, .invalidBytes),
            (#"{"$bytes":1}"#, .invalidBytes), (#"{"$bytes":"AA","a":1}"#, .unknownForm("$bytes")),
            (#"{"$float":1}"#, .unknownForm("$float")), (#"{"$map":[["a",1]]}"#, .invalidMap),
            (#"{"$map":[[1,1],[1,2]]}"#, .invalidMap), (#"{"$map":[[1]]}"#, .invalidMap),
            (#"{"$map":{}}"#, .invalidMap), (#"{"$tag":-1,"$value":1}"#, .invalidTag),
            (#"{"$tag":1}"#, .unknownForm("$tag")),
        ])
    func codingRefusals(_ text: String, _ error: JSONCodingError) throws {
        let json = try JSON(parsing: text)
        #expect(throws: error) { try json.cbor() }
    }
}
