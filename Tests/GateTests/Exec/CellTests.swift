import Foundation
import Gate
import Synchronization
import SystemPackage
import Testing
import Tlog

/// The real cell: `unshare`, the program `holdfast`, commands of the system.
@Suite("A command's cell", .timeLimit(.minutes(1)))
struct CellTests {
    /// The program stands beside the tests.
    private static var program: String {
        get throws {
            try #require(
                [Bundle.main.bundleURL, Bundle.main.executableURL?.deletingLastPathComponent()].compactMap { $0 }
                    .map { $0.appending(path: "holdfast").path }
                    .first { FileManager.default.isExecutableFile(atPath: $0) })
        }
    }

    /// What came out, and orders for the cell.
    private final class Seen: Sendable {
        private let bytes = Mutex<[CommandStream: [UInt8]]>([:])
        let orders: AsyncStream<CellOrder>
        let order: AsyncStream<CellOrder>.Continuation
        /// Orders to give when something was written to standard output.
        private let reply: [CellOrder]

        init(reply: [CellOrder] = []) {
            (orders, order) = AsyncStream.makeStream()
            self.reply = reply
        }

        func note(_ stream: CommandStream, _ new: [UInt8]) {
            bytes.withLock { $0[stream, default: []] += new }
            if stream == .standardOutput { for order in reply { self.order.yield(order) } }
        }

        func text(_ stream: CommandStream) -> String {
            String(decoding: bytes.withLock { $0[stream] ?? [] }, as: UTF8.self)
        }
        func count(_ stream: CommandStream) -> Int { bytes.withLock { $0[stream]?.count ?? 0 } }
    }

    private func run(
        _ command: [String], seen: Seen = Seen(), leash: Duration = .seconds(60), input: String? = nil
    ) async throws -> (ending: CellEnding, seen: Seen) {
        let space = try await CellSpace.available()
        let file = FileManager.default.temporaryDirectory.appending(path: "holdfast-input-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        try Data((input ?? "").utf8).write(to: URL(filePath: file))
        let descriptor = try FileDescriptor.open(FilePath(file), .readOnly)
        defer { try? descriptor.close() }
        let cell = Cell(program: try Self.program, command: command, space: space, leash: leash, input: descriptor)
        let ending = try await cell.run(orders: seen.orders) { seen.note($0, $1) }
        return (ending, seen)
    }

    private func bash(_ script: String) -> [String] { ["bash", "-c", script] }

    @Test("standard input, output and error are passed on, and so is the status", arguments: [0, 1, 3, 77, 255])
    func passedOn(status: Int32) async throws {
        let (ending, seen) = try await run(
            bash("cat; echo complaint >&2; exit \(status)"), input: "question\n")
        #expect(ending == .exited(status))
        #expect(seen.text(.standardOutput) == "question\n")
        #expect(seen.text(.standardError) == "complaint\n")
    }

    @Test("a signal that ends the command is 128 and its number; no such command is 127, one that can't run 126")
    func statuses() async throws {
        #expect(try await run(bash("kill -SEGV $$")).ending == .exited(139))
        #expect(try await run(["no-such-command-of-holdfast"]).ending == .exited(127))
        #expect(try await run(["/etc/passwd"]).ending == .exited(126))
    }

    @Test("much output on both streams does not block, and none is lost")
    func muchOutput() async throws {
        let size = 4_000_000
        let (ending, seen) = try await run(bash("head -c \(size) /dev/zero & head -c \(size) /dev/zero >&2; wait"))
        #expect(ending == .exited(0))
        #expect(seen.count(.standardOutput) == size)
        #expect(seen.count(.standardError) == size)
    }

    @Test("a signal for the gate goes to the command; TERM goes to everything in the cell")
    func signals() async throws {
        let hangup = try await run(
            bash("trap 'exit 9' HUP; echo up; while :; do sleep 0.05; done"), seen: Seen(reply: [.signal(1)]))
        #expect(hangup.ending == .exited(9))
        let script = """
            trap : TERM
            bash -c 'trap "echo child; exit" TERM; echo up; while :; do sleep 0.05; done' & child=$!
            while kill -0 $child 2>/dev/null; do wait $child; done; exit 8
            """
        let term = try await run(bash(script), seen: Seen(reply: [.terminate]))
        #expect(term.ending == .exited(8))
        #expect(term.seen.text(.standardOutput) == "up\nchild\n")
    }

    @Test("what double-forks, makes sessions of its own and ignores TERM is gone when the cell is")
    func escape() async throws {
        let pipe = FileManager.default.temporaryDirectory.appending(path: "holdfast-pipe-\(UUID())").path
        let mkfifo = try Process.run(URL(filePath: "/usr/bin/mkfifo"), arguments: [pipe])
        mkfifo.waitUntilExit()
        defer { try? FileManager.default.removeItem(atPath: pipe) }
        let seen = Seen()
        let order = seen.order
        // It holds the pipe's end that writes: the reading end sees the end of the file when the last of them is gone.
        // A thread of its own: opening a pipe waits for who writes to it, and tasks have few threads.
        let (gone, ended) = AsyncThrowingStream.makeStream(of: String.self)
        Thread.detachNewThread {
            do {
                let end = try FileHandle(forReadingFrom: URL(filePath: pipe))
                let first = try end.read(upToCount: 3) ?? Data()
                order.yield(.terminate)
                order.yield(.kill)
                ended.yield(String(decoding: first + (try end.readToEnd() ?? Data()), as: UTF8.self))
                ended.finish()
            } catch {
                ended.finish(throwing: error)
            }
        }
        let script = """
            ( setsid setsid bash -c 'trap "" TERM HUP INT; echo up >&9; while :; do sleep 0.05; done' & ) 9>\(pipe)
            trap '' TERM; while :; do sleep 0.05; done
            """
        let (ending, _) = try await run(bash(script), seen: seen)
        // A reader that nobody ever wrote to is let go.
        try FileDescriptor.open(FilePath(pipe), .readWrite, options: [.nonBlocking]).close()
        #expect(ending == .killed)
        #expect(try await gone.first { _ in true } == "up\n")
    }

    @Test("what the command leaves behind ends with it, and orphans are reaped while it runs")
    func leftovers() async throws {
        // Each orphan is a process group of its own, which is there until the orphan is reaped.
        let script = """
            orphans=$(for i in 1 2 3 4 5 6 7 8 9 10; do ( setsid bash -c 'echo $$' & ); done)
            ( setsid sleep 1000 & )
            for i in $(seq 500); do
              left=0; for p in $orphans; do kill -0 -- -$p 2>/dev/null && left=1; done
              [ "$left" = 0 ] && { echo reaped $(echo $orphans | wc -w); exit 0; }
              sleep 0.01
            done
            """
        let (ending, seen) = try await run(bash(script))
        #expect(ending == .exited(0))
        #expect(seen.text(.standardOutput) == "reaped 10\n")
    }

    @Test("a gate that says nothing for the length of the leash is one that is not there")
    func leash() async throws {
        let (ending, seen) = try await run(["sleep", "1000"], leash: .milliseconds(300))
        #expect(ending == .unheard && ending.status == 137)
        #expect(try await run(bash("kill -KILL $$"), leash: .seconds(60)).ending == .exited(137), "its own doing")
        #expect(seen.text(.standardError).contains("no word from the gate"))
    }

    @Test("a supervisor that is cancelled leaves nothing that runs")
    func cancelled() async throws {
        let seen = Seen()
        let (started, start) = AsyncStream<Void>.makeStream()
        let space = try await CellSpace.available()
        let cell = Cell(
            program: try Self.program, command: bash("echo up; exec sleep 1000"), space: space, leash: .seconds(60))
        let running = Task {
            try await cell.run(orders: seen.orders) { _, _ in start.yield() }
        }
        for await _ in started { break }
        running.cancel()
        _ = await running.result
    }
}
