public import COSE
internal import Synchronization
internal import Tlog

/// What a command has written so far: how much, and its digests.
public final class OutputLedger: Sendable {
    private struct Column {
        var bytes: UInt64 = 0
        var hasher = SHA256Hasher()
        var digest: Hash { hasher.finalize() }
    }

    private let columns = Mutex<[CommandStream: Column]>([:])

    public init() {}

    public func note(_ bytes: [UInt8], of stream: CommandStream) {
        columns.withLock {
            $0[stream, default: Column()].bytes += UInt64(bytes.count)
            $0[stream, default: Column()].hasher.update(bytes)
        }
    }

    /// `spec/gate-exec.md`: `output`.
    public var cbor: CBOR {
        let columns = columns.withLock { $0 }
        var map = CBORMap()
        for stream in CommandStream.allCases {
            let column = columns[stream] ?? Column()
            map[.text(stream.rawValue)] = ["bytes": .unsigned(column.bytes), "sha256": .bytes(column.digest.bytes)]
        }
        return .map(map)
    }

    /// What `execution.finish` calls the output: the digest of everything written and of the exit status.
    public func result(_ ending: CellEnding?) -> CBOR {
        [
            "output": cbor, "status": ending.map { .unsigned(UInt64(clamping: $0.status)) } ?? .null,
        ]
    }
}
