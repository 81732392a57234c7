import ArgumentParser
import Foundation
import SystemPackage
import Testing
import Tlog

@testable import LogClient
@testable import holdfast

@Suite("Words for people")
struct SystemReasonTests {
    @Test("what the system refuses is said in its own words, without Foundation's")
    func words() throws {
        let path = "/proc/holdfast-\(UUID().uuidString)/file"
        let error = try #require(throws: (any Error).self) {
            try Data([1]).write(to: URL(filePath: path), options: .atomic)
        }
        #expect(SystemReason.text(error) == "No such file or directory")
        #expect(SystemReason.text(Errno.permissionDenied) == "Permission denied")
        let made = try #require(throws: (any Error).self) {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        }
        let failure = try #require(Wording.failure(for: made))
        #expect(failure.message == "\(path) can't be used: No such file or directory")
    }

    @Test("an origin with a scheme is refused, and the one without it is named", arguments: ["https://", "spiffe://"])
    func scheme(_ scheme: String) throws {
        let failure = try #require(throws: Failure.self) { try InitCommand.origin(scheme + "log.example.com/prod") }
        #expect(failure.status == .usage)
        #expect(failure.hints == ["Leave it out: --origin log.example.com/prod"])
        #expect(try InitCommand.origin("log.example.com/prod").text == "log.example.com/prod")
    }

    @Test("a public key that is given for a secret one is called that, whatever its mode")
    func publicKey() throws {
        let failure = try #require(Wording.failure(for: KeyFileError.tooWide(path: "a.key.pub", mode: 0o644)))
        #expect(failure.message == "a.key.pub holds a public key, and a secret key is needed")
    }

    @Test("a tree is printed as a checkpoint or as JSON, not both")
    func tree() {
        #expect(throws: (any Error).self) { try TreeCommand.parse(["--checkpoint", "--json"]) }
        #expect(throws: Never.self) { try TreeCommand.parse(["--json"]) }
    }
}
