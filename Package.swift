// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// The verifier is one static binary. Foundation's static archives name these libraries only when the whole
/// build is static; naming them here lets one build serve both the static verifier and the dynamic server.
let staticExecutable: [LinkerSetting] = [
    .unsafeFlags([
        "-static-executable", "-l_FoundationCShims", "-l_FoundationCollections", "-lswiftSynchronization",
    ]),
    .unsafeFlags(["-Xlinker", "-s"], .when(configuration: .release)),
]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let asyncHTTPClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let configuration: Target.Dependency = .product(name: "Configuration", package: "swift-configuration")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let hummingbirdTesting: Target.Dependency = .product(name: "HummingbirdTesting", package: "hummingbird")
let hummingbirdTLS: Target.Dependency = .product(name: "HummingbirdTLS", package: "hummingbird")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")
let systemPackage: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let serviceLifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")

let package = Package(
    name: "holdfast",
    products: [
        .executable(name: "holdfast", targets: ["holdfast"]),
        .executable(name: "holdfast-verify", targets: ["holdfast-verify"]),
        // For programs of others: submit, verify, evaluate.
        .library(name: "HoldfastClient", targets: ["HoldfastClient"]),
        // What the benchmarks in tools/bench measure without a server: a package of its own, so that nobody else
        // resolves what it depends on, and SwiftPM lets one package use only the products of another.
        .library(name: "Tlog", targets: ["Tlog"]),
        .library(name: "COSE", targets: ["COSE"]),
        .library(name: "Governance", targets: ["Governance"]),
        .library(name: "LogStore", targets: ["LogStore"]),
        .library(name: "StoredState", targets: ["StoredState"]),
        .library(name: "LMDBLogStore", targets: ["LMDBLogStore"]),
        .library(name: "LogEngine", targets: ["LogEngine"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(
            url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: [.defaults, "YAML"]),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // The libraries of the system (Debian: libsodium-dev, liblmdb-dev).
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"])]),
        // Calls of libc: one whose answer Swift can't read safely, one that its module for libc lacks.
        .systemLibrary(name: "CProcess"),
        // SHA-256 with the processor's instructions for it.
        .target(name: "CSHA256"),

        // Formats and rules: value types and pure functions.
        .target(name: "Tlog", dependencies: ["CSodium", "CSHA256", crypto], swiftSettings: strict),
        .target(name: "COSE", dependencies: ["Tlog"], swiftSettings: strict),
        .target(name: "Governance", dependencies: ["Tlog", "COSE"], swiftSettings: strict),
        .target(name: "Verification", dependencies: ["Tlog", "COSE", "Governance"], swiftSettings: strict),

        // Storage.
        .target(name: "LMDB", dependencies: ["CLMDB"], swiftSettings: strict),
        .target(name: "LogStore", dependencies: ["Tlog"], swiftSettings: strict),
        .target(name: "LMDBLogStore", dependencies: ["Tlog", "LogStore", "LMDB"], swiftSettings: strict),

        .target(
            name: "StoredState", dependencies: ["Tlog", "COSE", "Governance", "LogStore"], swiftSettings: strict),

        // The log and those who talk to it.
        .target(
            name: "LogEngine", dependencies: ["Tlog", "COSE", "Governance", "LogStore", "StoredState", logging],
            swiftSettings: strict),
        .target(
            name: "HTTPServing",
            dependencies: [
                hummingbird, hummingbirdCore, hummingbirdTLS, httpTypes, logging, nioCore, nioHTTP1, nioSSL,
                serviceLifecycle,
            ],
            swiftSettings: strict),
        .target(
            name: "LogServer",
            dependencies: [
                "Tlog", "COSE", "Governance", "LogStore", "LogEngine", "HTTPServing", hummingbird, httpTypes, logging,
                nioCore, nioHTTP1, nioSSL, serviceLifecycle,
            ],
            swiftSettings: strict),
        .target(name: "Witness", dependencies: ["Tlog"], swiftSettings: strict),
        .target(
            name: "WitnessServer",
            dependencies: [
                "Tlog", "Witness", "LMDB", "HTTPServing", hummingbird, httpTypes, logging, nioCore, serviceLifecycle,
                unixSignals,
            ],
            swiftSettings: strict),
        .target(
            name: "LogClient",
            dependencies: [
                "Tlog", "COSE", "Governance", "Verification", asyncHTTPClient, httpTypes, logging, nioCore, nioHTTP1,
                nioPosix, nioSSL, systemPackage,
            ],
            swiftSettings: strict),
        .target(
            name: "Monitor",
            dependencies: [
                "Tlog", "COSE", "Governance", "Verification", "LogClient", "LogStore", "StoredState", logging,
            ],
            swiftSettings: strict),
        .target(
            name: "Gate",
            dependencies: [
                "Tlog", "COSE", "Governance", "Verification", "LogClient", "LogStore", "StoredState", "Monitor",
                "CProcess", logging, subprocess, systemPackage,
            ],
            swiftSettings: strict),
        .target(
            name: "GateServer",
            dependencies: [
                "Tlog", "Governance", "Gate", "HTTPServing", hummingbird, httpTypes, logging, nioCore, nioSSL,
                serviceLifecycle,
            ],
            swiftSettings: strict),
        .target(
            name: "MirrorServer",
            dependencies: [
                "Tlog", "LogClient", "Monitor", "HTTPServing", hummingbird, httpTypes, logging, nioCore,
                serviceLifecycle,
            ],
            swiftSettings: strict),

        .target(
            name: "HoldfastClient", dependencies: ["Tlog", "COSE", "Governance", "Verification", "LogClient"],
            swiftSettings: strict),

        // The two programs.
        .executableTarget(
            name: "holdfast",
            dependencies: [
                "Tlog", "COSE", "Governance", "Verification", "LogStore", "LMDBLogStore", "LogEngine", "HTTPServing",
                "LogServer", "LogClient", "Monitor", "Gate", "GateServer", "MirrorServer", "Witness", "WitnessServer",
                "CProcess", argumentParser, configuration, logging, serviceLifecycle, systemPackage, unixSignals, yams,
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "holdfast-verify",
            dependencies: ["Tlog", "COSE", "Governance", "Verification", argumentParser, systemPackage],
            swiftSettings: strict, linkerSettings: staticExecutable),

        // How programs of others use HoldfastClient.
        .executableTarget(
            name: "example-agent", dependencies: ["HoldfastClient"], path: "examples/agent", swiftSettings: strict),

        // Writes fixtures/, byte for byte the same each time.
        .executableTarget(
            name: "make-fixtures", dependencies: ["Tlog", "COSE", "Governance", "Verification"],
            path: "tools/make-fixtures", swiftSettings: strict),

        // Random logs with what the fold makes of them, for tools/fold to fold again.
        .executableTarget(
            name: "fold-sequences", dependencies: ["Tlog", "COSE", "Governance"], path: "tools/fold-sequences",
            swiftSettings: strict),

        .testTarget(name: "TlogTests", dependencies: ["Tlog", "CSodium"], swiftSettings: strict),
        .testTarget(name: "COSETests", dependencies: ["COSE", "Tlog"], swiftSettings: strict),
        .testTarget(name: "GovernanceTests", dependencies: ["Governance", "COSE", "Tlog"], swiftSettings: strict),
        .testTarget(
            name: "VerificationTests", dependencies: ["Verification", "Governance", "COSE", "Tlog"],
            swiftSettings: strict),
        .testTarget(name: "LMDBTests", dependencies: ["LMDB"], swiftSettings: strict),
        .testTarget(
            name: "LogStoreTests", dependencies: ["LogStore", "LMDBLogStore", "LMDB", "Tlog"], swiftSettings: strict),
        .testTarget(
            name: "LogEngineTests",
            dependencies: [
                "LogEngine", "StoredState", "LogStore", "LMDBLogStore", "Governance", "COSE", "Tlog", logging,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "LogServerTests",
            dependencies: [
                "LogServer", "HTTPServing", "LogEngine", "LogStore", "Governance", "COSE", "Tlog", hummingbird,
                hummingbirdTesting, httpTypes, logging, nioCore, nioEmbedded, nioPosix, nioSSL, serviceLifecycle,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "LogClientTests",
            dependencies: [
                "LogClient", "holdfast", "Verification", "Governance", "COSE", "Tlog", argumentParser, logging,
                nioCore, nioPosix, systemPackage,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "WitnessTests",
            dependencies: [
                "Witness", "WitnessServer", "HTTPServing", "LMDB", "Tlog", hummingbird, hummingbirdTesting, httpTypes,
                logging, nioCore,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "MonitorTests",
            dependencies: [
                "Monitor", "LogClient", "LogStore", "Verification", "Governance", "COSE", "Tlog", logging,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "GateTests",
            dependencies: [
                "Gate", "GateServer", "HoldfastClient", "holdfast", "Monitor", "LogClient", "LogStore", "Verification",
                "Governance", "COSE", "Tlog", logging, systemPackage,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "HoldfastClientTests",
            dependencies: ["HoldfastClient", "LogClient", "Verification", "Governance", "COSE", "Tlog"],
            swiftSettings: strict),
        .testTarget(name: "ArchitectureTests", swiftSettings: strict),
    ]
)

// The build of tools/mutants: what has switches, with them, and the tests of it.
if Context.environment["HOLDFAST_MUTANTS_BUILD"] != nil {
    let targets = [
        "CSodium", "CLMDB", "CSHA256", "Tlog", "COSE", "Governance", "LMDB", "LogStore", "LMDBLogStore", "StoredState",
        "LogEngine", "Verification", "LogClient", "Monitor", "CProcess", "Gate", "GovernanceTests", "VerificationTests",
        "LogEngineTests", "LogStoreTests", "MonitorTests", "GateTests",
    ]
    // What needs the server of the gate, the clients' library, or the program, has no switches.
    for target in package.targets where target.name == "GateTests" {
        target.exclude = [
            "AccessAPITests.swift", "ClientOfGateTests.swift", "PeerRequestTests.swift", "Exec/CellTests.swift",
        ]
        target.dependencies.removeAll { dependency in
            guard case .byNameItem(let name, _) = dependency else { return false }
            return ["GateServer", "HoldfastClient", "holdfast"].contains(name)
        }
    }
    package.targets.removeAll { !targets.contains($0.name) }
    package.products.removeAll { !targets.contains($0.name) }
    for target in package.targets where target.type != .system {
        target.swiftSettings?.append(.define("HOLDFAST_MUTANTS"))
    }
}
