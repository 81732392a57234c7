import ArgumentParser
import COSE
import Governance
import LogClient
import Tlog

struct TreeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tree", abstract: "Show the log's newest tree head, verified: size, root, time.")

    @OptionGroup var log: LogOptions

    @Flag(help: "Print the signed checkpoint itself.")
    var checkpoint = false

    func validate() throws {
        if checkpoint, log.json { throw ValidationError("--checkpoint and --json exclude each other.") }
    }

    func run() async throws {
        try await log.withClient { client in
            var view = try await client.view()
            if checkpoint { return Terminal.output.write(bytes: view.head.signed.bytes) }
            // The last entry of a published tree is the seal of its last batch.
            let last = view.size == 0 ? [] : try await view.entries(view.size - 1..<view.size)
            let origin = view.head.checkpoint.origin
            let statement = last.first.flatMap { try? SignedStatement(decoding: $0) }
            let seal = statement.flatMap { try? Seal($0, origin: origin) }
            show(view.head, seal)
        }
    }

    private func show(_ head: VerifiedCheckpoint, _ seal: Seal?) {
        let tree = head.treeHead
        if log.json {
            var members = [
                JSONMember("origin", .string(head.checkpoint.origin.text)), JSONMember("size", JSON(tree.size)),
                JSONMember("root", .string(tree.root.hex)), JSONMember("verified", .bool(true)),
                JSONMember(
                    "witnesses", .array(head.cosignatures.map { .string($0.witness.description) })),
            ]
            if let seal {
                members.append(JSONMember("time", JSON(seal.time)))
                members.append(JSONMember("stateRoot", .string(seal.stateRoot.hex)))
            }
            return Terminal.output.line(JSON.object(members).text())
        }
        let terminal = Terminal.output
        terminal.line("origin      \(Terminal.visible(head.checkpoint.origin.text))")
        terminal.line("size        \(tree.size)")
        terminal.line("root        \(tree.root)")
        if let seal {
            terminal.line("sealed at   \(Moment.text(seal.time))")
            terminal.line("state root  \(seal.stateRoot)")
        }
        let names = head.cosignatures.map { Terminal.visible($0.witness.description) }
        let witnesses = names.isEmpty ? "none: the trust file asks for none" : names.joined(separator: ", ")
        terminal.line("witnesses   \(witnesses)")
        terminal.line(terminal.styled("verified", .green) + "    signed by the log that the trust file names")
    }
}
