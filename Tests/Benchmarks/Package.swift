// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

// Measures the core. It is a package of its own, so that building the program does not resolve it; the modules are linked from there.

import PackageDescription

let package = Package(
    name: "benchmarks",
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        .systemLibrary(name: "CLibYAML", pkgConfig: "yaml-0.1"),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib"),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd"),
        .target(name: "CEmbedded"),
        .target(name: "YAML", dependencies: ["CLibYAML"]),
        .target(name: "Files"),
        .target(name: "JSON"),
        .target(name: "OTLP", dependencies: ["JSON"]),
        .target(name: "Usage", dependencies: ["JSON"]),
        .target(
            name: "CollectorKit",
            dependencies: [
                "CZlib", "CZstd", "Files", "OTLP", "Usage", "YAML",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .target(name: "UsageDatabase", dependencies: ["CZstd", "CollectorKit", "OTLP", "Usage"]),
        .target(
            name: "SQLiteUsage",
            dependencies: [
                "CEmbedded", "CollectorKit", "Files", "OTLP", "Usage", "UsageDatabase",
                .product(name: "GRDB", package: "GRDB.swift"), .product(name: "GRDBSQLite", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .target(name: "TokensProcessor", dependencies: ["CollectorKit", "JSON", "Usage", "OTLP"]),
        .target(name: "PricingProcessor", dependencies: ["CollectorKit", "Files", "Usage", "OTLP", "CEmbedded"]),
        .target(name: "RedactionProcessor", dependencies: ["CollectorKit", "JSON", "Usage", "OTLP"]),
        .target(
            name: "JSONLExporter",
            dependencies: [
                "CollectorKit", "Files", "JSON", "OTLP", "SQLiteUsage", "Usage", "UsageDatabase",
                .product(name: "GRDB", package: "GRDB.swift"),
            ]
        ),
        .target(
            name: "SQLiteExporter",
            dependencies: [
                "CollectorKit", "SQLiteUsage", "Usage", .product(name: "GRDB", package: "GRDB.swift"),
            ]
        ),
        .target(name: "Allocations"),
        .executableTarget(
            name: "benchmarks",
            dependencies: [
                "Allocations", "CollectorKit", "OTLP", "Usage", "TokensProcessor", "PricingProcessor",
                "RedactionProcessor",
                "JSONLExporter",
                "SQLiteExporter", .product(name: "Logging", package: "swift-log"),
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)

let features = [
    "ExistentialAny", "InternalImportsByDefault", "MemberImportVisibility", "InferIsolatedConformances",
    "ImmutableWeakCaptures", "NonisolatedNonsendingByDefault",
]
for target in package.targets where target.type != .system && !["CEmbedded", "Allocations"].contains(target.name) {
    target.swiftSettings = features.map { .enableUpcomingFeature($0) }
}
