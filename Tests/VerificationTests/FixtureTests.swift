import Foundation
import Governance
import Testing
import Tlog

@testable import Verification

/// The project's own vectors, which other implementations may use too.
private enum Fixtures {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "fixtures/verification")

    static func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appending(path: name)))
    }

    static func document(_ name: String) throws -> JSON { try JSON(parsing: bytes(name)) }

    static func cases(_ name: String, _ list: String = "cases") throws -> [JSON] {
        try #require(try document(name)[list]?.arrayValue)
    }
}

extension JSON {
    fileprivate func text(_ name: String) throws -> String { try #require(self[name]?.stringValue, "\(name)") }

    fileprivate func textBytes(_ name: String) throws -> [UInt8] { Array(try text(name).utf8) }

    fileprivate func hexBytes(_ name: String) throws -> [UInt8] { try #require(Hex.decode(try text(name))) }

    fileprivate func hexList(_ name: String) throws -> [[UInt8]] {
        try #require(self[name]?.arrayValue).map { try #require($0.stringValue.flatMap { Hex.decode($0) }) }
    }

    /// Holds a report to what the case says.
    fileprivate func check(_ report: VerificationReport) throws {
        let name = try text("name")
        let failed = try #require(self["failed"]?.arrayValue).compactMap(\.stringValue)
        let leftOut = try #require(self["leftOut"]?.arrayValue).compactMap(\.stringValue)
        #expect(report.verdict.rawValue == (try text("verdict")), "\(name)")
        #expect(report.failures == failed, "\(name)")
        #expect(report.leftOut.map(\.rawValue) == leftOut, "\(name)")
    }
}

@Suite("Vectors of the verifier")
struct FixtureTests {
    private func verifier(_ document: JSON, _ case_: JSON) throws -> Verifier {
        let trust = try #require(document["trust"])
        return Verifier(trust: try TrustFile(parsing: trust.textBytes(case_.text("trust"))))
    }

    @Test("trust files")
    func trustFiles() throws {
        for file in try Fixtures.cases("trust-file.json", "valid") {
            let trust = try TrustFile(parsing: file.textBytes("file"))
            let name = try file.text("name")
            #expect(trust.bytes == (try file.textBytes("printed")), "\(name)")
        }
        for file in try Fixtures.cases("trust-file.json", "invalid") {
            let name = try file.text("name")
            let error = #expect(throws: TrustFileError.self, "\(name)") {
                try TrustFile(parsing: file.textBytes("file"))
            }
            #expect(error?.reason == (try file.text("reason")), "\(name)")
            #expect(error?.line.map { UInt64($0) } == file["line"]?.unsignedValue, "\(name)")
        }
    }

    @Test("statements with their proofs")
    func statements() throws {
        let document = try Fixtures.document("statement.json")
        for item in try Fixtures.cases("statement.json") {
            try item.check(
                verifier(document, item).statement(item.hexBytes("statement"), proof: item.textBytes("proof")))
        }
    }

    @Test("receipts")
    func receipts() throws {
        let document = try Fixtures.document("receipt.json")
        for item in try Fixtures.cases("receipt.json") {
            try item.check(
                verifier(document, item).receipt(item.hexBytes("receipt"), statement: item.hexBytes("statement")))
        }
    }

    @Test("a log that changed its keys")
    func rotation() throws {
        let document = try Fixtures.document("rotation.json")
        for item in try Fixtures.cases("rotation.json") {
            var successor: Successor?
            if item["successor"] != nil {
                successor = Successor(
                    checkpoint: try item.textBytes("successor"), proofs: [try item.textBytes("consistency")])
            }
            let verifier = Verifier(trust: try verifier(document, item).trust, successor: successor)
            if item["checkpoint"] != nil {
                try item.check(verifier.checkpoint(item.textBytes("checkpoint")))
            } else if item["receipt"] != nil {
                try item.check(verifier.receipt(item.hexBytes("receipt"), statement: item.hexBytes("statement")))
            } else {
                try item.check(verifier.statement(item.hexBytes("statement"), proof: item.textBytes("proof")))
            }
        }
    }

    @Test("checkpoints and consistency")
    func checkpoints() throws {
        let document = try Fixtures.document("checkpoint.json")
        for item in try Fixtures.cases("checkpoint.json") {
            let verifier = try verifier(document, item)
            if item["checkpoint"] != nil {
                try item.check(verifier.checkpoint(item.textBytes("checkpoint")))
            } else {
                try item.check(
                    verifier.consistency(
                        old: item.textBytes("old"), new: item.textBytes("new"), proof: item.textBytes("proof")))
            }
        }
    }

    @Test("state proofs")
    func states() throws {
        let document = try Fixtures.document("state.json")
        for item in try Fixtures.cases("state.json") {
            let question = StateQuestion(
                key: try item["key"]?.stringValue.map { try StateKey(text: $0) },
                expectation: try expectation(item["expect"]?.stringValue),
                leastSize: item["atLeastSize"]?.unsignedValue,
                isWithoutStateQuorum: item["withoutStateQuorum"]?.boolValue ?? false)
            try item.check(verifier(document, item).state(item.hexBytes("proof"), question))
        }
    }

    private func expectation(_ text: String?) throws -> StateQuestion.Expectation? {
        switch text {
        case nil: nil
        case "present": .present
        case "absent": .absent
        case let text?: .value(try JSON(parsing: Array(text.utf8)))
        }
    }

    @Test("evidence bundles")
    func bundles() throws {
        let document = try Fixtures.document("bundle.json")
        for item in try Fixtures.cases("bundle.json") {
            let about = try item["about"]?.stringValue.map { try StateKey(text: $0) }
            try item.check(verifier(document, item).bundle(item.hexBytes("bundle"), about: about))
        }
        let trust = try TrustFile(parsing: Fixtures.bytes("example/run-1.trust"))
        let report = Verifier(trust: trust).bundle(try Fixtures.bytes("example/run-1.evidence"))
        #expect(report.verdict == .verified, "\(report.text())")
    }

    @Test("streams with their state")
    func streams() throws {
        let document = try Fixtures.document("stream.json")
        for item in try Fixtures.cases("stream.json") {
            let files = try item.hexList("statements").enumerated().map {
                StreamFile(name: "\($0.offset).cose", bytes: $0.element)
            }
            let verifier = Verifier(trust: try verifier(document, item).trust, stateProofs: try item.hexList("signers"))
            try item.check(verifier.stream(files, state: item.hexBytes("state")))
        }
    }

    @Test("statements of issuers enrolled later")
    func enrolments() throws {
        let document = try Fixtures.document("enrolment.json")
        for item in try Fixtures.cases("enrolment.json") {
            let verifier = Verifier(trust: try verifier(document, item).trust, stateProofs: try item.hexList("signers"))
            try item.check(verifier.statement(item.hexBytes("statement"), proof: item.textBytes("proof")))
        }
    }

    @Test("whole logs", arguments: ["files", "rules"])
    func logs(list: String) async throws {
        let trust = try TrustFile(parsing: Fixtures.document("log.json").textBytes("trust"))
        for item in try Fixtures.cases("log.json", list) {
            var files: [String: [UInt8]] = [:]
            for member in try #require(item["files"]?.objectValue) {
                let hex = try #require(member.value.stringValue)
                files[member.name] = Hex.decode(hex)
            }
            try item.check(try await Verifier(trust: trust).log(in: MemorySource(files: files)))
        }
    }

    @Test("the example directory verifies in every way")
    func example() async throws {
        let trust = try TrustFile(parsing: Fixtures.bytes("example/log.trust"))
        let verifier = Verifier(trust: trust)
        let event = try Fixtures.bytes("example/event.cose")
        let reports = [
            verifier.statement(event, proof: try Fixtures.bytes("example/event.tlog-proof")),
            verifier.transparentStatement(try Fixtures.bytes("example/event.transparent")),
            verifier.receipt(try Fixtures.bytes("example/event.receipt"), statement: event),
            verifier.checkpoint(try Fixtures.bytes("example/log/checkpoint")),
            verifier.consistency(
                old: try Fixtures.bytes("example/old.checkpoint"), new: try Fixtures.bytes("example/new.checkpoint"),
                proof: try Fixtures.bytes("example/consistency.json")),
        ]
        for report in reports { #expect(report.verdict == .verified, "\(report.text())") }
    }

    @Test("the committed files are what make-fixtures writes today")
    func regenerate() throws {
        let root = Fixtures.folder.deletingLastPathComponent().deletingLastPathComponent()
        let programs =
            ProcessInfo.processInfo.environment["HOLDFAST_BIN"].map { URL(filePath: $0) }
            ?? root.appending(path: ".build/debug")
        let output = FileManager.default.temporaryDirectory.appending(path: "fixtures-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: output) }
        let process = try Process.run(programs.appending(path: "make-fixtures"), arguments: [output.path()])
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let written = output.appending(path: "verification")
        let names = try FileManager.default.subpathsOfDirectory(atPath: written.path()).sorted()
        #expect(try FileManager.default.subpathsOfDirectory(atPath: Fixtures.folder.path()).sorted() == names)
        for name in names {
            // A folder has no content.
            guard let bytes = try? Data(contentsOf: written.appending(path: name)) else { continue }
            #expect(try bytes == Data(contentsOf: Fixtures.folder.appending(path: name)), "\(name)")
        }
    }
}
