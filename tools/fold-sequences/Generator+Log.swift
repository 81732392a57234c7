import COSE
import Governance
import Tlog

/// What happens to the log itself.
extension Generator {
    mutating func logItself() throws {
        if once(in: 25) {
            let number = number(3)
            for _ in 0..<4 { later { try $0.freeze(number) } }
        } else {
            try rotate()
        }
    }

    private mutating func freeze(_ number: Int) throws {
        let successor = once(in: 10) ? Cast.origin : "log.example.org/next\(number)"
        try attempt(LogFreeze(successor: successor, genesis: .zero), by: authority())
    }

    private mutating func rotate() throws {
        let now = log.policy.logKeys
        var keys = (now.checkpoint, now.receipt, now.statement)
        if once(in: 2) { keys.0 = rotationKey() }
        if once(in: 2) { keys.1 = rotationKey() }
        if once(in: 2) { keys.2 = rotationKey() }
        let data = LogRotate(
            logKeys: LogPublicKeys(checkpoint: keys.0, receipt: keys.1, statement: keys.2),
            previous: once(in: 12) ? hash() : log.policy.digest)
        for _ in 0..<4 {
            later { generator in
                let isStale = data.previous != generator.log.policy.digest
                if !isStale || generator.once(in: 5) { try generator.attempt(data, by: generator.authority()) }
            }
        }
    }

    /// Mostly one of a few, so that keys that were the log's come up again.
    private mutating func rotationKey() -> Ed25519.PublicKey {
        once(in: 5) ? freshKey() : Cast.keys[240 + number(14)]
    }

    /// Refusals of some keys, now and then with a fault.
    mutating func refusals() throws {
        let newest = try log.record(.refusals, RefusalsRecord.self)
        var rows: [LogRefusals.Row] = []
        for _ in 0..<1 + number(4) {
            let actor = once(in: 12) ? anybody() : once(in: 4) ? authority() : pick(actors)
            rows.append(LogRefusals.Row(keyID: actor.keyID, reason: pick(["contained", "expired"]), count: 1))
        }
        var seq = newest.map { $0.seq + 1 } ?? 0
        if once(in: 10) { seq += 1 }
        let prev = once(in: 10) ? hash() : newest?.entry ?? .zero
        let time = once(in: 10) ? log.now + 1 : log.now
        log.attempt(
            LogRefusals(time: time, counts: rows, others: UInt64(number(3)), seq: seq, prev: seq == 0 ? nil : prev))
    }
}
