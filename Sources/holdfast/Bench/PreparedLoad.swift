import COSE
import Foundation
import Governance
import LogClient
import Tlog

/// Statements that are signed before the clock starts: a stream of its own for each connection, so that every
/// statement continues its stream in whatever order the connections get on.
struct PreparedLoad: Sendable {
    let signers: [Signer]
    let connections: Int
    /// Statements a connection.
    let depth: Int
    /// Statements a request.
    let batch: Int
    /// Bytes of one encoded statement.
    let size: Int
    /// The `Host` field.
    let host: String

    /// An enrolled issuer, with its key.
    struct Signer: Sendable {
        let issuer: String
        let key: Ed25519.SigningKey
    }

    /// Signs everything, on all cores.
    ///
    /// - Parameter progress: called with the number of statements signed so far.
    func scripts(_ progress: (Int) -> Void) async throws -> [LoadScript] {
        let run = UInt64.random(in: .min ... .max)
        return try await withThrowingTaskGroup(of: (Int, LoadScript).self) { group in
            for connection in 0..<connections {
                group.addTask { (connection, try script(connection, stream: "bench-\(run)-\(connection)")) }
            }
            var scripts: [(Int, LoadScript)] = []
            for try await script in group {
                scripts.append(script)
                progress(scripts.count * depth)
            }
            return scripts.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private func script(_ connection: Int, stream: String) throws -> LoadScript {
        let signer = signers[connection % signers.count]
        var requests: [LoadRequest] = []
        var waiting: [[UInt8]] = []
        var prev: Hash?
        var filling = 0
        for seq in 0..<UInt64(depth) {
            var statement = try sign(signer, stream, seq, prev, filling: filling)
            // What the fields around the filling take is known from the first ones; it grows with the digits of seq.
            let missing = size - statement.entryBytes.count
            if missing != 0, filling + missing >= 0 {
                filling += missing
                statement = try sign(signer, stream, seq, prev, filling: filling)
            }
            prev = statement.leafHash
            waiting.append(statement.entryBytes)
            if waiting.count == batch || seq + 1 == UInt64(depth) {
                requests.append(.registration(of: waiting, host: host))
                waiting = []
            }
        }
        return LoadScript(requests: requests, repeats: false)
    }

    private func sign(
        _ signer: Signer, _ stream: String, _ seq: UInt64, _ prev: Hash?, filling: Int
    ) throws -> SignedStatement {
        let event = try Event(
            type: "bench.statement", stream: stream, seq: seq, prev: prev, time: Moment.now(),
            data: ["filling": .bytes([UInt8](repeating: 0x5a, count: filling))])
        return try SignedStatement.sign(
            payload: event.encoded(), contentType: Event.contentType, issuer: signer.issuer, subject: stream,
            key: signer.key)
    }
}

extension PreparedLoad {
    /// The keys in a log's directory that its genesis enrols.
    static func signers(in layout: LogLayout, enrolled: [EnrolledIssuer]) throws -> [Signer] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: layout.keys)) ?? []
        let issuers = Dictionary(enrolled.map { ($0.key, $0.issuer) }) { first, _ in first }
        var signers: [Signer] = []
        for name in names.sorted() where name.hasSuffix(".key") {
            let path = "\(layout.keys)/\(name)"
            // A public key file needs no permissions, so keys of others' are not even opened.
            guard let publicKey = try? KeyFile.readPublic(path + ".pub"), let issuer = issuers[publicKey] else {
                continue
            }
            signers.append(Signer(issuer: issuer, key: try KeyFile.read(path)))
        }
        return signers
    }
}
