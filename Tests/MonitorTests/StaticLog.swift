import Foundation
import LogClient
import Synchronization
import Tlog
import Verification

/// A log as files in memory, of entries that say nothing: for what copies and compares without reading. It serves
/// whatever a test puts into its place.
final class StaticLog: Transport {
    let origin: Origin
    let key = Ed25519.SigningKey.generate()
    private let contents = Mutex((entries: [[UInt8]](), lies: [String: [UInt8]?](), asked: [String]()))

    init(_ count: Int, origin: String = "static.test/log") throws {
        self.origin = try Origin(origin)
        grow(by: count)
    }

    var entries: [[UInt8]] { contents.withLock(\.entries) }
    /// Paths that were asked for since the last look.
    func asked() -> [String] {
        contents.withLock { contents in
            defer { contents.asked = [] }
            return contents.asked
        }
    }

    func grow(by count: Int, _ text: String = "entry") {
        contents.withLock { contents in
            for _ in 0..<count { contents.entries.append(Array("\(text) \(contents.entries.count)".utf8)) }
        }
    }

    func change(_ body: (inout [[UInt8]]) -> Void) { contents.withLock { body(&$0.entries) } }

    /// Serves this in the place of a file; nil for none at all.
    func lie(_ path: String, _ content: [UInt8]?) { contents.withLock { $0.lies[path] = .some(content) } }
    func stopLying() { contents.withLock { $0.lies = [:] } }

    var trust: TrustFile {
        get throws {
            let key = VerifierKey.ed25519(name: origin.keyName, publicKey: key.publicKey)
            return try TrustFile(parsing: Array("log \(key.text)\nquorum none\n".utf8))
        }
    }

    var client: LogClient {
        get throws {
            guard let url = LogURL("http://static.test") else { throw TransportError.timedOut }
            var client = LogClient(url: url, trust: try trust, transport: self)
            client.retry.attempts = 1
            return client
        }
    }

    var checkpoint: SignedCheckpoint {
        var edge = TileEdge()
        for entry in entries { edge.append(.leaf(entry)) }
        let head = TreeHead(size: edge.size, root: edge.root())
        return Checkpoint(origin: origin, head: head).signed(by: key)
    }

    /// Every file that the checkpoint demands.
    var files: [String: [UInt8]] {
        var files = ["checkpoint": checkpoint.bytes]
        var edge = TileEdge()
        let entries = entries
        for entry in entries { edge.append(.leaf(entry)) }
        for (tile, hashes) in edge.takeChangedTiles() { files[TileResource.tile(tile).path] = hashes }
        for first in stride(from: 0, to: entries.count, by: 256) {
            let bundle = Array(entries[first..<min(first + 256, entries.count)])
            let resource = TileResource.entries(index: UInt64(first / 256), width: bundle.count)
            files[resource.path] = EntryBundle.encode(entries: bundle)
        }
        return files
    }

    func send(_ request: ClientRequest) async throws(TransportError) -> ClientResponse {
        let lie = contents.withLock { contents in
            contents.asked.append(request.path)
            return contents.lies[request.path]
        }
        guard let content = lie ?? files[request.path] else { return ClientResponse(status: 404) }
        return ClientResponse(status: 200, body: content)
    }

    func shutdown() async {}
}

/// A directory of a test's own, gone with it.
final class Scratch {
    let path = NSTemporaryDirectory() + "holdfast-monitor-\(UUID().uuidString)"

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func read(_ name: String) -> [UInt8]? {
        FileManager.default.contents(atPath: "\(path)/\(name)").map { [UInt8]($0) }
    }

    func write(_ name: String, _ content: [UInt8]) throws {
        let url = URL(filePath: "\(path)/\(name)")
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(content).write(to: url)
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: "\(path)/\(name)") }

    /// Every file by its path, without those that begin with a dot.
    var files: [String: [UInt8]] {
        let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        var files: [String: [UInt8]] = [:]
        for name in names where !name.hasPrefix(".") { files[name] = read(name) }
        return files
    }
}
