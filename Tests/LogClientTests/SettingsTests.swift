import ArgumentParser
import Foundation
import Testing

@testable import holdfast

@Suite("Settings of the server")
struct SettingsTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    private let directory = NSTemporaryDirectory() + "holdfast-settings-\(UUID().uuidString)"

    private func configuration(
        flags: [ServeSetting: ServeSetting.Value] = [:], environment: [String: String] = [:], file: String? = nil
    ) async throws -> ServeConfiguration {
        var path: String?
        if let file {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            path = directory + "/holdfast.yaml"
            try file.write(toFile: directory + "/holdfast.yaml", atomically: true, encoding: .utf8)
        }
        return try await ServeConfiguration(
            flags: flags, environment: environment, file: path, directory: "/srv/log")
    }

    @Test("help, example file and settings name the same options")
    func threeLists() throws {
        let names = Set(ServeSetting.allCases.map(\.rawValue))
        // In the help every long option begins a line.
        let help = ServeCommand.helpMessage(columns: 1000).split(separator: "\n").compactMap { line -> String? in
            let text = line.trimmingCharacters(in: .whitespaces)
            guard text.hasPrefix("--") else { return nil }
            return String(text.dropFirst(2).prefix { $0.isLetter || $0.isNumber || $0 == "-" })
        }
        #expect(Set(help).subtracting(["config", "example-config", "re-anchor", "version"]) == names)
        let file = Self.root.appending(path: "fixtures/holdfast.example.yaml")
        let example = try String(contentsOf: file, encoding: .utf8)
        let keys = example.split(separator: "\n").compactMap { line -> String? in
            guard line.hasPrefix("#"), !line.hasPrefix("# "), line.contains(": ") else { return nil }
            return String(line.dropFirst().prefix { $0 != ":" })
        }
        #expect(keys == ServeSetting.allCases.map(\.rawValue))
        #expect(
            example == ExampleConfiguration.text(), "holdfast serve --example-config > fixtures/holdfast.example.yaml")
    }

    @Test("the documentation names every option with its environment variable")
    func documented() throws {
        let text = try String(contentsOf: Self.root.appending(path: "spec/configuration.md"), encoding: .utf8)
        for setting in ServeSetting.allCases {
            #expect(text.contains("| `\(setting.rawValue)` |"), "\(setting.rawValue)")
        }
    }

    @Test("the example file says the defaults: uncommented it changes nothing")
    func exampleIsDefault() async throws {
        let lines = ExampleConfiguration.text().split(separator: "\n", omittingEmptySubsequences: false)
        let active = lines.map { line in
            line.hasPrefix("#") && !line.hasPrefix("# ") && line.contains(": ") ? line.dropFirst() : line
        }
        let settings = try await configuration(file: active.joined(separator: "\n"))
        for setting in ServeSetting.allCases {
            switch setting.value {
            case .text(let text): #expect(try settings.text(setting) == text)
            case .number(let number): #expect(try settings.number(setting, 0...Int.max) == number)
            case .flag(let flag): #expect(try settings.flag(setting) == flag)
            case .list(let list): #expect(try settings.list(setting) == list)
            }
        }
    }

    @Test("every flag reaches its setting")
    func flags() throws {
        for setting in ServeSetting.allCases {
            var arguments = ["--\(setting.rawValue)"]
            let expected: ServeSetting.Value
            switch setting.value {
            case .text: (arguments, expected) = (arguments + ["x"], .text("x"))
            case .number: (arguments, expected) = (arguments + ["7"], .number(7))
            case .flag: expected = .flag(true)
            case .list: (arguments, expected) = (arguments + ["x"], .list(["x"]))
            }
            let command = try #require(try ServeCommand.parse(arguments) as ServeCommand?)
            #expect(command.flags.given == [setting: expected], "\(setting.rawValue)")
        }
        #expect(try ServeCommand.parse([]).flags.given == [:])
    }

    @Test("flags count before the environment, that before the file, that before the defaults")
    func precedence() async throws {
        let file = "port: 3\n"
        let environment = ["HOLDFAST_PORT": "2"]
        let flags: [ServeSetting: ServeSetting.Value] = [.port: .number(1)]
        let range = 0...65_535
        #expect(try await configuration(flags: flags, environment: environment, file: file).number(.port, range) == 1)
        #expect(try await configuration(environment: environment, file: file).number(.port, range) == 2)
        #expect(try await configuration(file: file).number(.port, range) == 3)
        #expect(try await configuration().number(.port, range) == 8787)
    }

    @Test("every setting is read from its environment variable")
    func environment() async throws {
        for setting in ServeSetting.allCases {
            switch setting.value {
            case .text:
                let settings = try await configuration(environment: [setting.environment: "some text"])
                #expect(try settings.text(setting) == "some text")
            case .number:
                let settings = try await configuration(environment: [setting.environment: "9"])
                #expect(try settings.number(setting, 0...Int.max) == 9)
            case .flag:
                let settings = try await configuration(environment: [setting.environment: "true"])
                #expect(try settings.flag(setting))
            case .list:
                let settings = try await configuration(environment: [setting.environment: "a, b"])
                #expect(try settings.list(setting) == ["a", "b"])
            }
        }
    }

    @Test("paths are relative to where they are said: the file, the command, or the log's directory")
    func paths() async throws {
        let here = FileManager.default.currentDirectoryPath
        #expect(try await configuration().path(.data) == "/srv/log/data")
        #expect(try await configuration(file: "data: d\n").path(.data) == directory + "/d")
        #expect(try await configuration(file: "data: ../d\n").path(.data)?.hasSuffix("/d") == true)
        #expect(try await configuration(file: "data: /abs/d\n").path(.data) == "/abs/d")
        #expect(try await configuration(flags: [.data: .text("d")], file: "data: e\n").path(.data) == here + "/d")
        #expect(try await configuration(environment: ["HOLDFAST_DATA": "d"]).path(.data) == here + "/d")
        #expect(try await configuration(file: "port: 1\n").path(.data) == "/srv/log/data")
        #expect(try await configuration().path(.tlsKey) == nil)
    }

    @Test(
        "a file that does not hold what it should is refused, in words",
        arguments: ["prot: 1", "- a", "a: [", "Port: 1", "port:\n  http: 1", "port: x", "port: 70000", "port: [1]"])
    func badFiles(_ text: String) async throws {
        await #expect(throws: Failure.self) {
            let settings = try await configuration(file: text)
            _ = try settings.number(.port, 0...65_535)
        }
    }

    @Test("an empty file is a file without settings")
    func emptyFile() async throws {
        #expect(try await configuration(file: "# nothing\n").number(.port, 0...65_535) == 8787)
    }
}

@Suite("Output")
struct OutputTests {
    @Test("text of others can't move the cursor or hide itself")
    func visible() {
        #expect(Terminal.visible("plain ünïcode 統") == "plain ünïcode 統")
        #expect(Terminal.visible("a\u{1b}[2Jb") == "a\\u{1b}[2Jb")
        #expect(Terminal.visible("a\u{202e}b\r\n") == "a\\u{202e}b\\u{d}\\u{a}")
    }

    @Test("times are UTC, to the millisecond, and never fail")
    func moments() {
        #expect(Moment.text(0) == "1970-01-01T00:00:00.000Z")
        #expect(Moment.text(1_795_221_035_165) == "2026-11-21T00:30:35.165Z")
        #expect(Moment.text(.max) == "\(UInt64.max) ms")
    }
}
