import COSE
import Governance
import Testing
import Tlog

@Suite("Lists of entries")
struct ListingKeyTests {
    @Test("Opaque evidence is listed by issuer, subject and content type; a generic event by its type")
    func lists() throws {
        let evidence = try SignedStatement.sign(
            payload: [1], contentType: "application/json", issuer: aliceURI, subject: "urn:a", key: TestKeys.alice)
        #expect(
            ListingKey.lists(of: evidence) == [.issuer(aliceURI), .subject("urn:a"), .type("application/json")])
        let beat = try signed(Event(type: "test.beat", stream: "s", seq: 0, prev: nil, time: testTime, data: 1))
        #expect(ListingKey.lists(of: beat) == [.issuer(aliceURI), .subject("urn:test"), .type("test.beat")])
    }

    @Test("A start is listed under each of its parents; a seal is in no list")
    func children() throws {
        let start = try World().start(1, parents: [World.run("a"), ExecutionID(home: "other.example/log", id: "b")])
        let event = try Event(
            type: "execution.start", stream: "s", seq: 0, prev: nil, time: testTime, data: start.cbor)
        let statement = try signed(event)
        let expected: [ListingKey] = [
            .issuer(aliceURI), .subject("urn:test"), .type("execution.start"), .child(of: World.run("a")),
            .child(of: ExecutionID(home: "other.example/log", id: "b")),
        ]
        #expect(ListingKey.lists(of: statement) == expected)
        #expect(ListingKey.lists(of: statement, event: event) == expected)
        let seal = Seal(time: testTime, statements: 1, stateRoot: .zero, seq: 0, prev: nil)
            .statement(origin: try Origin(World.origin), key: TestKeys.statement)
        #expect(ListingKey.lists(of: seal).isEmpty)
    }

    @Test("Keys are the CBOR arrays of the specification")
    func encoding() {
        #expect(ListingKey.type("a").bytes == [0x82, 0x64] + Array("type".utf8) + [0x61, 0x61])
        #expect(
            ListingKey.child(of: ExecutionID(home: "h", id: "i")).bytes
                == [0x83, 0x65] + Array("child".utf8) + [0x61, 0x68, 0x61, 0x69])
    }
}
