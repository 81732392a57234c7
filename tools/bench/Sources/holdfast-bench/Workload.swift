import COSE
import Foundation
import Governance
import LMDBLogStore
import LogEngine
import LogStore
import Logging
import Tlog

/// A log of 64 issuers, and statements for it.
struct Workload {
    static let issuerCount = 64
    static let statementBytes = 1024

    let origin: Origin
    let logKeys: LogKeys
    let issuers: [(name: String, key: Ed25519.SigningKey)]
    let genesis: SignedStatement

    init() throws {
        origin = try Origin("bench.example.com/log")
        logKeys = LogKeys(checkpoint: .generate(), receipt: .generate(), statement: .generate())
        issuers = (0..<Self.issuerCount).map { ("spiffe://bench.example.com/issuer/\($0)", .generate()) }
        let authority = Ed25519.SigningKey.generate()
        let unbounded = Rate(perSecond: 1 << 40, burst: 1 << 40)
        let policy = try Policy(
            origin: origin,
            logKeys: LogPublicKeys(
                checkpoint: logKeys.checkpoint.publicKey, receipt: logKeys.receipt.publicKey,
                statement: logKeys.statement.publicKey),
            authorities: [authority.publicKey], threshold: 1,
            issuers: issuers.map { EnrolledIssuer(issuer: $0.name, key: $0.key.publicKey, roles: [.runtime]) },
            contentTypes: ["*"], limits: PolicyLimits(maxStreamsPerIssuer: 1 << 40),
            rates: PolicyRates(perIssuer: unbounded, perAddress: unbounded), allowUnwitnessed: true)
        genesis = try Genesis.statement(
            policy: policy, authority: authority, issuer: "spiffe://bench.example.com/authority", time: Self.now())
    }

    /// Milliseconds since 1970.
    static func now() -> UInt64 { UInt64(Date().timeIntervalSince1970 * 1000) }

    func open(_ store: LMDBLogStore, anchor: any Anchor) throws -> Log {
        var logger = Logger(label: "bench")
        logger.logLevel = .error
        return try Log.open(store: store, keys: logKeys, anchor: anchor, logger: logger)
    }

    /// `count` statements of 1 KiB: one stream for each issuer, in submissions of `batch` statements of one stream.
    func submissions(count: Int, batch: Int, stream: String) -> [[[[UInt8]]]] {
        let each = (count / Self.issuerCount + batch - 1) / batch * batch
        let results = Chains(Self.issuerCount)
        DispatchQueue.concurrentPerform(iterations: Self.issuerCount) { number in
            var prev: Hash?
            var filling = 0
            var chain: [[UInt8]] = []
            for seq in 0..<UInt64(each) {
                var statement = sign(number, stream, seq, prev, filling)
                let missing = Self.statementBytes - statement.entryBytes.count
                if missing != 0, filling + missing >= 0 {
                    filling += missing
                    statement = sign(number, stream, seq, prev, filling)
                }
                prev = statement.leafHash
                chain.append(statement.entryBytes)
            }
            results.set(
                number,
                stride(from: 0, to: chain.count, by: batch).map { Array(chain[$0..<min($0 + batch, chain.count)]) })
        }
        return results.all
    }

    private func sign(
        _ issuer: Int, _ stream: String, _ seq: UInt64, _ prev: Hash?, _ filling: Int
    ) -> SignedStatement {
        do {
            let event = try Event(
                type: "bench.statement", stream: stream, seq: seq, prev: prev, time: Self.now(),
                data: ["filling": .bytes([UInt8](repeating: 0x5a, count: filling))])
            return try SignedStatement.sign(
                payload: event.encoded(), contentType: Event.contentType, issuer: issuers[issuer].name,
                subject: stream, key: issuers[issuer].key)
        } catch {
            fatalError("\(error)")
        }
    }

    /// What one round of `count` registers: of each issuer the same share, in its order.
    static func part(_ round: Int, of count: Int, _ submissions: [[[[UInt8]]]]) -> [[[[UInt8]]]] {
        submissions.map { Array($0[($0.count * round / count)..<($0.count * (round + 1) / count)]) }
    }

    /// Registers everything: a task for each issuer, which sends the next submission when it has the answer.
    ///
    /// - Returns: how many statements that were.
    @discardableResult
    func run(_ submissions: [[[[UInt8]]]], on log: Log) async throws -> Int {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for chain in submissions {
                group.addTask {
                    for submission in chain {
                        for result in await log.submit(submission) { _ = try result.get().receipt().encoded() }
                    }
                }
            }
            try await group.waitForAll()
        }
        return submissions.reduce(0) { $0 + $1.reduce(0) { $0 + $1.count } }
    }
}

private final class Chains: @unchecked Sendable {
    private let lock = NSLock()
    private var chains: [[[[UInt8]]]]

    init(_ count: Int) { chains = Array(repeating: [], count: count) }

    func set(_ position: Int, _ chain: [[[UInt8]]]) { lock.withLock { chains[position] = chain } }

    var all: [[[[UInt8]]]] { lock.withLock { chains } }
}
