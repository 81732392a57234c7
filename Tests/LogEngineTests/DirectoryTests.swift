import Foundation
import LMDBLogStore
import LogEngine
import LogStore
import Testing
import Tlog

/// A log in a directory with its anchor beside it, as it is served: what operators do to directories.
@Suite("Data directories", .timeLimit(.minutes(1)))
struct DirectoryTests {
    private let scratch: Scratch
    private let domain: TestDomain

    init() throws {
        scratch = try Scratch()
        domain = try TestDomain()
        let anchor = try FileAnchor(path: scratch.file("anchor"))
        let store = try LMDBLogStore(directory: scratch.file("log"))
        try domain.create(store, anchor)
        store.close()
        anchor.close()
    }

    private func open(_ directory: String = "log", options: EngineOptions = EngineOptions()) throws -> Log {
        let store = try LMDBLogStore(directory: scratch.file(directory))
        do {
            let anchor = try FileAnchor(path: scratch.file("anchor"))
            do { return try domain.open(store, anchor, options: options) } catch {
                anchor.close()
                throw error
            }
        } catch {
            store.close()
            throw error
        }
    }

    private func copyLog(to name: String) throws {
        try FileManager.default.copyItem(atPath: scratch.file("log"), toPath: scratch.file(name))
    }

    @Test("a restart goes on where the log ended")
    func restart() async throws {
        for number in 0..<3 {
            let log = try open()
            let registration = try await log.submit(try domain.evidence(number)).get()
            #expect(registration.index == UInt64(2 + 2 * number))
            await log.shutdown()
        }
    }

    @Test("an old copy of the directory is refused, and the newest goes on")
    func oldCopyRestored() async throws {
        try copyLog(to: "old")
        let log = try open()
        _ = try await log.submit(try domain.evidence(1)).get()
        await log.shutdown()
        do {
            _ = try open("old")
            Issue.record("the old copy was opened")
        } catch LogError.storeBehindAnchor(let store, let anchor) {
            #expect(store.size == 2 && anchor.size == 4)
        }
        let again = try open()
        _ = try await again.submit(try domain.evidence(2)).get()
        await again.shutdown()
    }

    @Test("a directory, or its copy, is not served twice at the same time")
    func startedTwice() async throws {
        try copyLog(to: "copy")
        let log = try open()
        let twice = #expect(throws: StoreError.self) { _ = try open() }
        #expect(twice?.code == .locked)
        #expect(throws: AnchorError.locked(path: scratch.file("anchor"))) { _ = try open("copy") }
        _ = try await log.submit(try domain.evidence(1)).get()
        await log.shutdown()
    }

    @Test("a lost anchor is not made up for without being asked to")
    func anchorLost() async throws {
        try FileManager.default.removeItem(atPath: scratch.file("anchor"))
        #expect(throws: LogError.self) { _ = try open() }
        #expect(throws: LogError.self) { _ = try open() }
        var options = EngineOptions()
        options.reAnchor = true
        await (try open(options: options)).shutdown()
        await (try open()).shutdown()
    }

    @Test("a batch that was committed and never anchored is kept: the next start signs it")
    func killedBeforeAnchor() async throws {
        let before = try Data(contentsOf: URL(fileURLWithPath: scratch.file("anchor")))
        let log = try open()
        let statement = try domain.evidence(1)
        _ = try await log.submit(statement).get()
        await log.shutdown()
        try before.write(to: URL(fileURLWithPath: scratch.file("anchor")))
        let again = try open()
        #expect(again.published.size == 4)
        #expect(try await again.submit(statement).get().duplicate)
        await again.shutdown()
    }
}
