import Foundation
import Governance
import LMDBLogStore
import LogEngine
import LogStore
import Testing
import Tlog

/// Many submitters at once, on a real store.
@Suite("Concurrency", .timeLimit(.minutes(2)))
struct ConcurrencyTests {
    private struct Answered {
        let statement: [UInt8]
        let registration: Registration
    }

    /// Each of the streams is written by its own task, some one by one, some in pieces.
    private func load(_ log: Log, _ domain: TestDomain, streams: Int, each: Int) async throws -> [[Answered]] {
        try await withThrowingTaskGroup(of: [Answered].self) { group in
            for number in 0..<streams {
                group.addTask {
                    var author = domain.author("stream \(number)")
                    var answers: [Answered] = []
                    while answers.count < each {
                        let piece = min(number % 7 == 0 ? 1 : number % 40 + 1, each - answers.count)
                        let statements = try author.next(piece)
                        for (statement, result) in zip(statements, await log.submit(statements)) {
                            answers.append(Answered(statement: statement, registration: try result.get()))
                        }
                    }
                    return answers
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    @Test("submitters side by side: every stream is whole and in order, every answer proves itself, the fold agrees")
    func manySubmitters() async throws {
        let scratch = try Scratch()
        let domain = try TestDomain()
        let anchor = try FileAnchor(path: scratch.file("anchor"))
        let log = try domain.log(store: try LMDBLogStore(directory: scratch.file("log")), anchor: anchor)
        let streams = try await load(log, domain, streams: 48, each: 60)

        let all = streams.joined()
        #expect(all.count == 48 * 60)
        #expect(Set(all.map(\.registration.index)).count == all.count)
        #expect(all.allSatisfy { !$0.registration.duplicate })
        for stream in streams {
            let indices = stream.map(\.registration.index)
            #expect(indices == indices.sorted())
        }
        for answer in all { try domain.verify(answer.registration, of: answer.statement) }
        try log.read { snapshot, head in
            for answer in all {
                let kept = try snapshot.entry(answer.registration.index)
                #expect(kept == answer.statement)
            }
            #expect(head.size == log.published.size)
        }
        #expect(try replay(log).size == log.published.size)
        let numbers = log.metrics
        #expect(numbers.accepted == UInt64(all.count))
        #expect(numbers.batchSize.count == numbers.batches)
        #expect(numbers.treeSize == 2 + UInt64(all.count) + numbers.batches)
        await log.shutdown()
    }

    @Test("heads published while others submit each continue the one before them")
    func headsContinue() async throws {
        let domain = try TestDomain()
        let log = try domain.log()
        let watcher = Task {
            var heads = [log.published.treeHead]
            while !Task.isCancelled {
                let head = log.published.treeHead
                if head != heads[heads.count - 1] { heads.append(head) }
                await Task.yield()
            }
            return heads
        }
        _ = try await load(log, domain, streams: 8, each: 40)
        watcher.cancel()
        var heads = await watcher.value
        heads.append(log.published.treeHead)
        try log.read { snapshot, _ in
            for (old, new) in zip(heads, heads.dropFirst()) {
                #expect(old.size <= new.size)
                let plan = try ProofPlan.consistency(from: old.size, to: new.size)
                var tiles: [TileCoordinate: [UInt8]] = [:]
                for tile in plan.tiles { tiles[tile.coordinate] = try snapshot.content(of: tile) }
                try ConsistencyProof(oldSize: old.size, newSize: new.size, path: try plan.hashes(in: tiles))
                    .verify(oldRoot: old.root, newRoot: new.root)
            }
        }
        await log.shutdown()
    }

    @Test("a shutdown under load answers everything it accepted, and what it answered is there at the next start")
    func shutdownUnderLoad() async throws {
        let scratch = try Scratch()
        let domain = try TestDomain()
        let log = try domain.log(
            store: try LMDBLogStore(directory: scratch.file("log")),
            anchor: try FileAnchor(path: scratch.file("anchor")))
        let results = await withTaskGroup(of: [(UInt64, [UInt8])].self) { group in
            for submitter in 0..<16 {
                group.addTask {
                    var kept: [(UInt64, [UInt8])] = []
                    for number in 0..<1000 {
                        guard let statement = try? domain.evidence(submitter * 1000 + number) else { break }
                        switch await log.submit(statement) {
                        case .success(let registration): kept.append((registration.index, statement))
                        case .failure(let rejection):
                            #expect(rejection.code == .stopped)
                            return kept
                        }
                    }
                    return kept
                }
            }
            group.addTask {
                try? await Task.sleep(for: .milliseconds(100))
                await log.shutdown()
                return []
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        #expect(log.status == .stopped(.shutdown))
        #expect(throws: StoreError.self) { try log.read { _, _ in } }

        let again = try domain.open(
            try LMDBLogStore(directory: scratch.file("log")), try FileAnchor(path: scratch.file("anchor")))
        try again.read { snapshot, _ in
            for (index, statement) in results {
                let kept = try snapshot.entry(index)
                #expect(kept == statement)
            }
        }
        #expect(try replay(again).size == again.published.size)
        await again.shutdown()
    }

    @Test("a log that nobody shuts down ends with its last reference")
    func letGo() async throws {
        let domain = try TestDomain()
        let store = TestStore()
        do {
            let log = try domain.log(store: store)
            _ = try await log.submit(try domain.evidence(1)).get()
        }
        try await eventually { store.closed == 1 }
    }

    @Test("the system knows the writer's thread by its name, as `top -H` shows it")
    func writerByName() async throws {
        let log = try TestDomain().log()
        try await eventually {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").contains { thread in
                // One that has ended in the meantime has no name any more.
                (try? String(contentsOfFile: "/proc/self/task/\(thread)/comm", encoding: .utf8)) == "holdfast-writer\n"
            }
        }
        await log.shutdown()
    }
}
