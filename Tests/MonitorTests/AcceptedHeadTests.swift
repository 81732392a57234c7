import Foundation
import Monitor
import Testing
import Tlog
import Verification

@Suite("The accepted head")
struct AcceptedHeadTests {
    private let key = Ed25519.SigningKey.generate()
    private let place = FileManager.default.temporaryDirectory.appending(path: "holdfast-head-\(UUID())").path()

    private func trust(_ key: Ed25519.SigningKey) throws -> TrustFile {
        let log = VerifierKey.ed25519(name: try KeyName("log.example/1"), publicKey: key.publicKey)
        return try TrustFile(parsing: Array("log \(log)\nquorum none\n".utf8))
    }

    private func head(_ size: UInt64) throws -> VerifiedCheckpoint {
        let head = TreeHead(size: size, root: .leaf([UInt8(size)]))
        return try trust(key).policy.verify(
            Checkpoint(origin: try Origin("log.example/1"), head: head).signed(by: key))
    }

    @Test("what was accepted is there when the follower starts again")
    func survives() throws {
        defer { try? FileManager.default.removeItem(atPath: place) }
        var first = try AcceptedHead(path: place, trust: try trust(key))
        #expect(first.checkpoint == nil)
        try first.accept(try head(3))
        try first.accept(try head(7))
        #expect(try AcceptedHead(path: place, trust: try trust(key)).checkpoint?.treeHead.size == 7)
    }

    @Test("a file that the trust file does not vouch for is an error, not a fresh start")
    func refused() throws {
        defer { try? FileManager.default.removeItem(atPath: place) }
        var first = try AcceptedHead(path: place, trust: try trust(key))
        try first.accept(try head(3))
        let other = try trust(Ed25519.SigningKey.generate())
        #expect(throws: AcceptedHeadError.notVerified(place, reason: "no-signature")) {
            _ = try AcceptedHead(path: place, trust: other)
        }
        try Data("x".utf8).write(to: URL(filePath: place))
        #expect(throws: AcceptedHeadError.self) { _ = try AcceptedHead(path: place, trust: try trust(key)) }
    }
}
