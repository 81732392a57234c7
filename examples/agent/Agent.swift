import Foundation
import HoldfastClient

/// An agent that registers what it did, keeps the proof, and verifies it without the log.
///
///     example-agent URL TRUST-FILE KEY-FILE NAME DIRECTORY
@main
struct Agent {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 6 else {
            print("usage: example-agent URL TRUST-FILE KEY-FILE NAME DIRECTORY")
            exit(2)
        }
        let trust = [UInt8](try Data(contentsOf: URL(filePath: arguments[2])))
        let identity = try Identity(name: arguments[4], keyFile: arguments[3])
        let log = try HoldfastLog(url: arguments[1], trust: trust)
        do {
            try await work(log, trust, identity, directory: arguments[5])
            await log.close()
        } catch {
            await log.close()
            print("failed: \(error)")
            exit(1)
        }
    }

    static func work(_ log: HoldfastLog, _ trust: [UInt8], _ identity: Identity, directory: String) async throws {
        // Register: signed, durable, in the tree, under a verified head when this returns.
        let record = Record(
            type: "task.done", subject: "task/7", data: ["items": 12, "names": ["a", "b"], "dry-run": false])
        let registration = try await log.submit(record, by: identity, remembering: directory + "/state")
        print("registered as entry \(registration.index), id \(registration.id)")

        // Keep what proves it: a SCITT transparent statement.
        let file = URL(filePath: directory).appending(path: "task-7.transparent")
        try Data(registration.transparentStatement).write(to: file, options: .atomic)

        // Verify it later, with the trust file and nothing else.
        let verifier = try HoldfastVerifier(trust: trust)
        let result = verifier.transparentStatement([UInt8](try Data(contentsOf: file)))
        print(result.isVerified ? "verified offline" : "not verified: \(result.text)")

        // One bit changed, and it is not believed any more.
        var changed = registration.transparentStatement
        changed[changed.count / 2] ^= 1
        print("with one bit changed: \(verifier.transparentStatement(changed).isVerified ? "verified" : "refused")")

        // What a gate would say of this: the same checks, on the state that the log's entries give, without a gate.
        let state = try await log.governance()
        let evaluation = try state.evaluate(
            GateQuestion(
                subject: identity.name, action: "read", resource: "inbox/7", context: ["policy": .text(state.policy)]))
        print("a gate would \(evaluation.isPermitted ? "permit it" : "refuse it: \(evaluation.reason ?? "")")")

        // The same entry, proved again under the newest head.
        let again = try await log.registration(of: String(registration.index))
        print("proved again: \(again?.id == registration.id ? "the same entry" : "something else")")
    }
}
