import Foundation
import Tlog

/// What the machine can do, whatever program runs on it.
enum Limits {
    static func measure(seconds: Double, directory: String) throws -> [String: Double] {
        var report = slice(seconds: seconds)
        report["VRepeated"] = verifications(of: Array(SignedMessage.different.prefix(64)), seconds: seconds / 2)
        report["sha256PerSecond"] = hashes(seconds: seconds / 2)
        report["nodesPerSecond"] = nodes(seconds: seconds / 2)
        report["syncMicroseconds"] = try sync(directory: directory, count: 200) * 1e6
        return report
    }

    /// V alone, for beside a round of a part.
    static func slice(seconds: Double) -> [String: Double] {
        let messages = SignedMessage.different
        let stopwatch = Stopwatch()
        let v = verifications(of: messages, seconds: seconds)
        // Processor time, which a neighbour on the machine does not change as it changes V.
        return ["V": v, "verificationMicroseconds": stopwatch.processor / (v * stopwatch.seconds) * 1e6]
    }

    /// Ed25519 verifications a second of 1 KiB messages by libsodium, on all cores: V.
    static func verifications(seconds: Double) -> Double {
        verifications(of: SignedMessage.different, seconds: seconds)
    }

    private static func verifications(of messages: [SignedMessage], seconds: Double) -> Double {
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let counts = Counts(cores)
        let stopwatch = Stopwatch()
        DispatchQueue.concurrentPerform(iterations: cores) { core in
            // Each core begins somewhere else.
            var next = messages.count / cores * core
            var count = 0
            while stopwatch.seconds < seconds {
                for _ in 0..<64 {
                    let message = messages[next]
                    precondition(message.key.isValid(signature: message.signature, for: message.bytes))
                    next = (next + 1) % messages.count
                }
                count += 64
            }
            counts.set(core, count)
        }
        return Double(counts.total) / stopwatch.seconds
    }

    /// SHA-256 of 1 KiB leaves a second, on one core.
    static func hashes(seconds: Double) -> Double {
        let leaf = [UInt8](repeating: 7, count: 1024)
        let stopwatch = Stopwatch()
        var count = 0
        var sum: UInt8 = 0
        while stopwatch.seconds < seconds {
            for _ in 0..<256 { sum ^= Hash.leaf(leaf)[0] }
            count += 256
        }
        precondition(sum == 0)
        return Double(count) / stopwatch.seconds
    }

    /// Inner nodes a second, on one core.
    static func nodes(seconds: Double) -> Double {
        let stopwatch = Stopwatch()
        var count = 0
        var node = Hash.zero
        while stopwatch.seconds < seconds {
            for _ in 0..<256 { node = Hash.node(node, .zero) }
            count += 256
        }
        precondition(node != .zero)
        return Double(count) / stopwatch.seconds
    }

    /// Seconds that writing 4 KiB and `fdatasync` take, the median.
    static func sync(directory: String, count: Int) throws -> Double {
        let path = directory + "/sync-test"
        let file = unsafe open(path, O_CREAT | O_RDWR | O_TRUNC, 0o600)
        guard file >= 0 else { throw CocoaError(.fileWriteUnknown) }
        defer {
            close(file)
            try? FileManager.default.removeItem(atPath: path)
        }
        let page = [UInt8](repeating: 1, count: 4096)
        var times: [Double] = []
        for _ in 0..<count {
            let stopwatch = Stopwatch()
            _ = unsafe pwrite(file, page, page.count, 0)
            fdatasync(file)
            times.append(stopwatch.seconds)
        }
        return times.median
    }
}

/// 1 KiB, and what says that an issuer signed it.
private struct SignedMessage: Sendable {
    let key: Ed25519.PublicKey
    let bytes: [UInt8]
    let signature: [UInt8]

    /// As a log meets them: of 64 issuers, and no two alike. Of some dozens over and over a processor learns which way each
    /// branch of a verification goes, and verifies 3 % more.
    static let different: [SignedMessage] = {
        let keys = (0..<Workload.issuerCount).map { _ in Ed25519.SigningKey.generate() }
        return (0..<4096).map { number in
            let key = keys[number % keys.count]
            var bytes = [UInt8](repeating: 0, count: 1024)
            for place in 0..<8 { bytes[place] = UInt8(truncatingIfNeeded: number >> (8 * place)) }
            return SignedMessage(key: key.publicKey, bytes: bytes, signature: key.sign(bytes))
        }
    }()
}

/// One number a thread.
private final class Counts: @unchecked Sendable {
    private let lock = NSLock()
    private var numbers: [Int]

    init(_ count: Int) { numbers = Array(repeating: 0, count: count) }

    func set(_ position: Int, _ value: Int) { lock.withLock { numbers[position] = value } }

    var total: Int { lock.withLock { numbers.reduce(0, +) } }
}
