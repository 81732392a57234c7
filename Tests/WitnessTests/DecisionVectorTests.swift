import Foundation
import HTTPTypes
import Testing
import Tlog

@testable import Witness
@testable import WitnessServer

/// `fixtures/witness/decision.json`: every row of the status table, with expectations that were written by hand.
@Suite("Witness vectors")
struct DecisionVectorTests {
    private struct Document: Decodable {
        let logs: String
        let cases: [Case]
    }

    struct Case: Decodable {
        let name: String
        let recorded: String?
        let body: String
        let status: Int
        let reason: String?
        let kept: String?
        let conflictSize: UInt64?
        let misbehaviour: String?
    }

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    @Test("every vector is decided as it says, for the reason that it names")
    func vectors() throws {
        let file = Self.root.appending(path: "fixtures/witness/decision.json")
        let document = try JSONDecoder().decode(Document.self, from: Data(contentsOf: file))
        let logs = try KnownLogs(parsing: Array(document.logs.utf8))
        for vector in document.cases { try check(vector, logs) }
        #expect(Set(document.cases.map(\.status)) == [200, 400, 403, 404, 409, 422])
    }

    private func check(_ vector: Case, _ logs: KnownLogs) throws {
        let recorded = try vector.recorded.map { try SignedCheckpoint(parsing: Array($0.utf8)) }
        let request: AuthenticatedRequest
        do {
            request = try AuthenticatedRequest(parsing: Array(vector.body.utf8), knownLogs: logs)
        } catch {
            return expect(error, vector)
        }
        switch WitnessDecision(request, recorded: recorded) {
        case .cosign(let cosignable):
            #expect(vector.status == 200, "\(vector.name): cosigned")
            #expect(String(decoding: cosignable.checkpoint.bytes, as: UTF8.self) == vector.kept, "\(vector.name)")
        case .refuse(let refusal, let misbehaviour):
            expect(refusal, vector)
            let kind =
                switch misbehaviour {
                case .fork: "fork"
                case .emptyTreeRoot: "empty-tree-root"
                case nil: nil as String?
                }
            #expect(kind == vector.misbehaviour, "\(vector.name)")
        }
    }

    private func expect(_ refusal: Refusal, _ vector: Case) {
        let answer = AddCheckpointAnswer(refusal)
        #expect(answer.status.code == vector.status, "\(vector.name): \(refusal)")
        #expect(refusal.reason == vector.reason, "\(vector.name)")
        if let size = vector.conflictSize {
            #expect(answer.body == Array("\(size)\n".utf8), "\(vector.name)")
            #expect(answer.contentType == "text/x.tlog.size", "\(vector.name)")
        }
    }

    @Test("the committed file is what make-fixtures writes today")
    func regenerate() throws {
        let programs =
            ProcessInfo.processInfo.environment["HOLDFAST_BIN"].map { URL(filePath: $0) }
            ?? Self.root.appending(path: ".build/debug")
        let output = FileManager.default.temporaryDirectory.appending(path: "witness-fixtures-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: output) }
        let process = try Process.run(programs.appending(path: "make-fixtures"), arguments: [output.path()])
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(
            try Data(contentsOf: output.appending(path: "witness/decision.json"))
                == Data(contentsOf: Self.root.appending(path: "fixtures/witness/decision.json")))
    }
}
