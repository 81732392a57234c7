import Foundation
import Testing

/// The import table of the design: what each target of ours may import. Nothing else is allowed.
private let allowedImports: [String: Set<String>] = [
    "Tlog": ["CSodium", "CSHA256", "Crypto"],
    "COSE": ["Tlog"],
    "Governance": ["Tlog", "COSE"],
    "Verification": ["Tlog", "COSE", "Governance"],
    "LMDB": ["CLMDB", "Glibc", "Synchronization"],
    "LogStore": ["Tlog", "Synchronization"],
    "LMDBLogStore": ["Tlog", "LogStore", "LMDB", "Glibc", "Foundation", "Dispatch", "Synchronization"],
    "StoredState": ["Tlog", "COSE", "Governance", "LogStore"],
    "LogEngine": [
        "Tlog", "COSE", "Governance", "LogStore", "StoredState", "Logging", "Foundation", "Dispatch", "Glibc",
        "Synchronization",
    ],
    "HTTPServing": [
        "Hummingbird", "HummingbirdCore", "HummingbirdTLS", "HTTPTypes", "Logging", "NIOCore", "NIOHTTP1", "NIOSSL",
        "ServiceLifecycle", "Synchronization", "Foundation",
    ],
    "LogServer": [
        "Tlog", "COSE", "Governance", "LogStore", "LogEngine", "HTTPServing", "Hummingbird", "HTTPTypes", "Logging",
        "NIOCore", "NIOHTTP1", "NIOSSL", "ServiceLifecycle", "Synchronization", "Foundation",
    ],
    "Witness": ["Tlog"],
    "WitnessServer": [
        "Tlog", "Witness", "LMDB", "HTTPServing", "Hummingbird", "HTTPTypes", "Logging", "NIOCore", "ServiceLifecycle",
        "UnixSignals", "Foundation", "Dispatch", "Synchronization",
    ],
    "LogClient": [
        "Tlog", "COSE", "Governance", "Verification", "AsyncHTTPClient", "HTTPTypes", "Logging", "NIOCore",
        "NIOHTTP1", "NIOPosix", "NIOSSL", "NIOFoundationCompat", "Foundation", "Synchronization", "SystemPackage",
        "Glibc",
    ],
    "Monitor": [
        "Tlog", "COSE", "Governance", "Verification", "LogClient", "LogStore", "StoredState", "Logging", "Foundation",
        "Synchronization",
    ],
    "Gate": [
        "Tlog", "COSE", "Governance", "Verification", "LogClient", "LogStore", "StoredState", "Monitor", "Logging",
        "CProcess", "Foundation", "Glibc", "Dispatch", "Subprocess", "Synchronization", "SystemPackage",
    ],
    "HoldfastClient": ["Tlog", "COSE", "Governance", "Verification", "LogClient", "Foundation"],
    "GateServer": [
        "Tlog", "Governance", "Gate", "HTTPServing", "Hummingbird", "HTTPTypes", "Logging", "NIOCore", "NIOSSL",
        "ServiceLifecycle", "Synchronization", "Foundation",
    ],
    "MirrorServer": [
        "Tlog", "LogClient", "Monitor", "HTTPServing", "Hummingbird", "HTTPTypes", "Logging", "NIOCore",
        "ServiceLifecycle",
    ],
    "holdfast": [
        "Tlog", "COSE", "Governance", "Verification", "LogStore", "LMDBLogStore", "LogEngine", "HTTPServing",
        "LogServer",
        "LogClient", "Monitor", "Gate", "GateServer", "MirrorServer", "Witness", "WitnessServer", "ArgumentParser",
        "Configuration",
        "Logging",
        "ServiceLifecycle",
        "CProcess", "Foundation", "Glibc", "Synchronization", "Dispatch", "SystemPackage", "UnixSignals", "Yams",
    ],
    "holdfast-verify": [
        "Tlog", "COSE", "Governance", "Verification", "ArgumentParser", "SystemPackage", "FoundationEssentials",
        "Glibc",
    ],
]

/// Only here may an expression be marked `unsafe`: the storage wrapper and the crypto files.
private let unsafeIsAllowed = ["Sources/LMDB/", "Sources/Tlog/Crypto/"]

private struct SourceFile {
    let path: String
    let lines: [Substring]
    var target: String { String(path.split(separator: "/")[1]) }

    /// The modules that this file imports; what only a build with switches for mutants imports is left out.
    var imports: [String] {
        var isForMutants = false
        return lines.compactMap { line in
            if line.hasPrefix("#") {
                isForMutants = line == "#if HOLDFAST_MUTANTS" && ["Governance", "Verification"].contains(target)
            }
            if isForMutants { return nil }
            var words = line.split(separator: " ").map(String.init)
            while let first = words.first,
                ["public", "package", "internal", "private", "@preconcurrency"].contains(first)
            {
                words.removeFirst()
            }
            guard words.first == "import", words.count >= 2 else { return nil }
            let kinds = ["struct", "class", "enum", "func", "protocol", "typealias"]
            let module = kinds.contains(words[1]) ? words[2] : words[1]
            return module.split(separator: ".").first.map(String.init)
        }
    }
}

private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

private func swiftFiles(below folder: String) throws -> [SourceFile] {
    let base = root.appending(path: folder)
    guard let walk = FileManager.default.enumerator(atPath: base.path()) else { return [] }
    return try walk.compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }.sorted().map { name in
        let text = try String(contentsOf: base.appending(path: name), encoding: .utf8)
        return SourceFile(
            path: "\(folder)/\(name)", lines: text.split(separator: "\n", omittingEmptySubsequences: false))
    }
}

@Suite("Architecture")
struct ArchitectureTests {
    @Test("every target is in the import table, and the table names no target that does not exist")
    func tableIsComplete() throws {
        let targets = Set(try swiftFiles(below: "Sources").map(\.target))
        #expect(targets == Set(allowedImports.keys))
    }

    @Test("a target imports only what the table allows")
    func importsFollowTheTable() throws {
        for file in try swiftFiles(below: "Sources") {
            let allowed = try #require(allowedImports[file.target], "\(file.path): target not in the table")
            for module in file.imports {
                #expect(allowed.contains(module), "\(file.path) imports \(module)")
            }
        }
    }

    @Test("`unsafe` stands only in the storage wrapper and the crypto files")
    func unsafeIsFenced() throws {
        for file in try swiftFiles(below: "Sources")
        where !unsafeIsAllowed.contains(where: { file.path.hasPrefix($0) }) {
            for (number, line) in file.lines.enumerated() {
                let code = line.split(separator: "//", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
                let words = code.split(whereSeparator: { !$0.isLetter && $0 != "_" })
                #expect(!words.contains("unsafe"), "\(file.path):\(number + 1) is unsafe")
            }
        }
    }

    @Test("a file has one job: under 450 lines")
    func filesAreShort() throws {
        for file in try swiftFiles(below: "Sources") {
            #expect(file.lines.count <= 450, "\(file.path) has \(file.lines.count) lines")
        }
    }

    @Test("names say what a thing is: no Manager, Helper or Utils")
    func namesAreNouns() throws {
        for file in try swiftFiles(below: "Sources") {
            let name = file.path.split(separator: "/").last ?? ""
            for word in ["Manager", "Helper", "Util"] {
                #expect(!name.contains(word), "\(file.path)")
            }
        }
    }
}
