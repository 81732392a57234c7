import Foundation
import Testing
import Tlog
import Verification

@testable import LogClient

@Suite("Reading a log")
struct ReadingTests {
    private func grown(_ count: Int) throws -> FakeLog {
        let log = try FakeLog()
        let more = (1..<count).map { Array("entry \($0)".utf8) }
        log.change { $0.entries += more }
        return log
    }

    @Test("entries of any range are those under the checkpoint", arguments: [1, 2, 255, 256, 257, 600])
    func entries(_ size: Int) async throws {
        let log = try grown(size)
        let all = log.entries
        var view = try await log.client.view()
        #expect(try await view.entries(0..<UInt64(size)) == all)
        for start in stride(from: 0, to: size, by: 97) {
            let end = min(start + 200, size)
            #expect(try await view.entries(UInt64(start)..<UInt64(end)) == Array(all[start..<end]))
        }
        for index in stride(from: 0, to: size, by: 53) {
            let proof = try await view.inclusionProof(index: UInt64(index))
            try proof.verify(leafHash: .leaf(all[index]), root: view.head.treeHead.root)
        }
    }

    @Test("a changed entry, bundle or tile is refused")
    func changed() async throws {
        let log = try grown(600)
        for prefix in ["tile/entries/", "tile/0/", "tile/1/"] {
            for place in [0, 40, 2000] {
                log.lie { request, response in
                    guard request.path.hasPrefix(prefix) else { return response }
                    var response = response
                    response.body[min(place, response.body.count - 1)] ^= 0x10
                    return response
                }
                await #expect(throws: ClientError.self, "\(prefix) byte \(place)") {
                    var view = try await log.client.view()
                    _ = try await view.entries(0..<600)
                }
            }
        }
    }

    @Test("growth is verified, and a rewritten or shrunken log is seen")
    func growth() async throws {
        let log = try grown(300)
        let old = try await log.client.checkpoint().treeHead
        log.change { $0.entries += (0..<300).map { Array("more \($0)".utf8) } }
        try await log.client.verifyGrowth(from: old, to: try await log.client.checkpoint())
        log.change { $0.entries[17] = Array("rewritten".utf8) }
        await #expect(throws: ClientError.self) {
            try await log.client.verifyGrowth(from: old, to: try await log.client.checkpoint())
        }
        log.change { $0.entries.removeLast(400) }
        await #expect(throws: ClientError.self) {
            try await log.client.verifyGrowth(from: old, to: try await log.client.checkpoint())
        }
    }

    @Test("URLs: http and https, a host, nothing after the path")
    func urls() {
        #expect(LogURL("http://a:1")?.text == "http://a:1/")
        #expect(LogURL("https://a/b/")?.text == "https://a/b/")
        for bad in ["", "a", "ftp://a", "http://", "http://a?x", "http://a/#x", "http://u@a", "//a", "file:///etc"] {
            #expect(LogURL(bad) == nil, "\(bad)")
        }
    }

    @Test("entries are named by canonical numbers and lowercase hashes")
    func names() {
        #expect(EntryName("0") == .index(0))
        #expect(EntryName(Hash.zero.hex) == .leafHash(.zero))
        for bad in ["", "-1", "01", "1 ", "0x1", "18446744073709551616", String(Hash.zero.hex.dropLast())] {
            #expect(EntryName(bad) == nil, "\(bad)")
        }
    }
}
