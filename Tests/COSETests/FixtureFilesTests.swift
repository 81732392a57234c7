import Foundation
import Testing

@Suite("Vector files")
struct FixtureFilesTests {
    @Test("the committed files are what make-fixtures writes today")
    func regenerate() throws {
        let root = Fixture.folder.deletingLastPathComponent().deletingLastPathComponent()
        let programs =
            ProcessInfo.processInfo.environment["HOLDFAST_BIN"].map { URL(filePath: $0) }
            ?? root.appending(path: ".build/debug")
        let output = FileManager.default.temporaryDirectory.appending(path: "cose-fixtures-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: output) }
        let process = try Process.run(programs.appending(path: "make-fixtures"), arguments: [output.path()])
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let written = output.appending(path: "cose")
        let names = try FileManager.default.contentsOfDirectory(atPath: written.path()).sorted()
        let committed = try FileManager.default.contentsOfDirectory(atPath: Fixture.folder.path())
        #expect(committed.filter { $0.hasSuffix(".json") }.sorted() == names)
        for name in names {
            #expect(
                try Data(contentsOf: written.appending(path: name))
                    == Data(contentsOf: Fixture.folder.appending(path: name)), "\(name)")
        }
    }
}
