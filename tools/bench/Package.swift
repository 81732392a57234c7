// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "holdfast-benchmarks",
    dependencies: [
        .package(name: "holdfast", path: "../.."),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        .executableTarget(
            name: "holdfast-bench",
            dependencies: [
                .product(name: "Tlog", package: "holdfast"),
                .product(name: "COSE", package: "holdfast"),
                .product(name: "Governance", package: "holdfast"),
                .product(name: "LogStore", package: "holdfast"),
                .product(name: "StoredState", package: "holdfast"),
                .product(name: "LMDBLogStore", package: "holdfast"),
                .product(name: "LogEngine", package: "holdfast"),
                // The programs, so that one build makes everything that is measured.
                .product(name: "holdfast", package: "holdfast"),
                .product(name: "holdfast-verify", package: "holdfast"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict)
    ]
)
