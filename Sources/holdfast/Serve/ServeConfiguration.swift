import Configuration
import Foundation
import SystemPackage
import Yams

/// The settings of `holdfast serve`, from flags, environment, file and defaults, in that order of precedence.
struct ServeConfiguration {
    private let reader: ConfigReader
    /// Flags and environment only: their paths are relative to where the command runs.
    private let outer: ConfigReader
    /// The file alone: its paths are relative to it.
    private let content: ConfigReader?
    private let fileDirectory: String
    /// What the paths among the defaults are relative to.
    private let directory: String

    /// - Parameters:
    ///   - flags: what was given on the command line.
    ///   - environment: the environment's variables.
    ///   - file: the configuration file, if there is one.
    ///   - directory: the log's directory, which the defaults are relative to.
    init(
        flags: [ServeSetting: ServeSetting.Value], environment: [String: String], file: String?, directory: String
    ) async throws {
        let command = InMemoryProvider(name: "flags", values: Self.values(flags))
        let variables = EnvironmentVariablesProvider(environmentVariables: environment).prefixKeys(with: "holdfast")
        let defaults = Dictionary(uniqueKeysWithValues: ServeSetting.allCases.map { ($0, $0.value) })
        let fallback = InMemoryProvider(name: "defaults", values: Self.values(defaults))
        outer = ConfigReader(providers: [command, variables])
        self.directory = directory
        guard let file, try Self.hasSettings(file) else {
            reader = ConfigReader(providers: [command, variables, fallback])
            content = nil
            fileDirectory = directory
            return
        }
        do {
            let provider = try await FileProvider<YAMLSnapshot>(filePath: FilePath(file))
            content = ConfigReader(provider: provider)
            reader = ConfigReader(providers: [command, variables, provider, fallback])
        } catch {
            throw Failure(.usage, "The configuration file \(file) can't be read: \(error)")
        }
        fileDirectory = URL(filePath: file).deletingLastPathComponent().path(percentEncoded: false)
    }

    private static func values(
        _ settings: [ServeSetting: ServeSetting.Value]
    ) -> [AbsoluteConfigKey: ConfigValue] {
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        for (setting, value) in settings {
            let content: ConfigContent =
                switch value {
                case .text(let text): .string(text)
                case .number(let number): .int(number)
                case .flag(let flag): .bool(flag)
                case .list(let list): .stringArray(list)
                }
            values[AbsoluteConfigKey([setting.rawValue], context: [:])] = ConfigValue(content, isSecret: false)
        }
        return values
    }

    /// A key that nobody reads would be a setting that silently does not hold.
    ///
    /// - Returns: whether there is any setting in it.
    private static func hasSettings(_ file: String) throws -> Bool {
        let text: String
        do {
            text = try String(contentsOf: URL(filePath: file), encoding: .utf8)
        } catch {
            throw FileBytes.unreadable(file)
        }
        let node: Yams.Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch {
            throw Failure(.usage, "The configuration file \(file) is not YAML: \(error)")
        }
        guard let node else { return false }
        guard let mapping = node.mapping else {
            throw Failure(.usage, "The configuration file \(file) is not a list of 'name: value' lines")
        }
        for (key, value) in mapping {
            let name = key.string ?? "?"
            guard ServeSetting(rawValue: name) != nil else {
                throw Failure(
                    .usage, "The configuration file \(file) has an unknown setting: \(Terminal.visible(name))",
                    hint: "holdfast serve --help lists all; holdfast.yaml in a log's directory explains each.")
            }
            guard value.mapping == nil else {
                throw Failure(.usage, "The configuration file \(file) has names below \(name); it has one level only")
            }
        }
        return true
    }

    // MARK: Reading

    func text(_ setting: ServeSetting) throws -> String {
        try read(setting, "a text") { try reader.requiredString(forKey: $0) }
    }

    func number(_ setting: ServeSetting, _ range: ClosedRange<Int>) throws -> Int {
        let number = try read(setting, "a number") { try reader.requiredInt(forKey: $0) }
        guard range.contains(number) else {
            throw Failure(
                .usage,
                "The setting \(setting.rawValue) is \(number); it takes \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func flag(_ setting: ServeSetting) throws -> Bool {
        try read(setting, "true or false") { try reader.requiredBool(forKey: $0) }
    }

    func list(_ setting: ServeSetting) throws -> [String] {
        let list = try read(setting, "a list") { try reader.requiredStringArray(forKey: $0) }
        return list.map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }

    /// An absolute path; nil where the setting is empty.
    func path(_ setting: ServeSetting) throws -> String? {
        let said = try text(setting)
        guard !said.isEmpty else { return nil }
        guard !said.hasPrefix("/") else { return said }
        let key = ConfigKey([setting.rawValue])
        let start =
            if outer.string(forKey: key) != nil {
                FileManager.default.currentDirectoryPath
            } else if content?.string(forKey: key) != nil {
                fileDirectory
            } else {
                directory
            }
        return URL(filePath: said, relativeTo: URL(filePath: start, directoryHint: .isDirectory)).standardizedFileURL
            .path(percentEncoded: false)
    }

    func requiredPath(_ setting: ServeSetting) throws -> String {
        guard let path = try path(setting) else {
            throw Failure(.usage, "The setting \(setting.rawValue) is empty; it takes a path")
        }
        return path
    }

    private func read<R>(_ setting: ServeSetting, _ kind: String, _ body: (ConfigKey) throws -> R) throws -> R {
        do {
            return try body(ConfigKey([setting.rawValue]))
        } catch {
            throw Failure(
                .usage, "The setting \(setting.rawValue) does not hold \(kind)",
                hint: "It is read from --\(setting.rawValue), \(setting.environment) and the configuration file.")
        }
    }
}
