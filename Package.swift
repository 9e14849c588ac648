// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

/// A component: one folder under Plugins, one target, one line in BuiltInPlugins.swift, and its README in components.c.
func plugin(_ name: String, _ path: String, _ more: [Target.Dependency] = []) -> Target {
    .target(
        name: name,
        dependencies: ["CollectorKit", "Files", "JSON", "Usage", "OTLP"] + more,
        path: "Plugins/\(path)",
        exclude: ["README.md"]
    )
}

/// The tests of a component.
func pluginTests(_ name: String, more: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    let common: [Target.Dependency] = [
        .byName(name: name), "CollectorKit", "CollectorTesting", "Files", "OTLP", "Usage", "YAML",
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Logging", package: "swift-log"),
    ]
    return .testTarget(name: "\(name)Tests", dependencies: common + more, exclude: exclude)
}

let plugins: [Target.Dependency] = [
    "AgentSessionsReceiver", "OTLPReceiver", "TokensProcessor", "PricingProcessor", "RetentionProcessor",
    "RedactionProcessor",
    "FilterProcessor",
    "AttributesProcessor", "ResourceProcessor", "ClickHouseExporter", "JSONLExporter", "PostgreSQLExporter",
    "SQLiteExporter",
    "StdoutExporter", "OTLPHTTPExporter", "EventsReceiver",
    "HubExtension", "APIKeysExtension", "HealthCheckExtension", "BasicAuthExtension", "BearerTokenAuthExtension",
    "OAuth2ClientExtension", "UsageMetricsConnector",
]

let package = Package(
    name: "hammurabi",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "hammurabi", targets: ["hammurabi"]),
        .library(name: "CollectorKit", targets: ["CollectorKit"]),
        .library(name: "CollectorTesting", targets: ["CollectorTesting"]),
        .library(name: "SendingQueue", targets: ["SendingQueue"]),
        .library(name: "TelemetryHub", targets: ["TelemetryHub"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .systemLibrary(
            name: "CLibYAML",
            pkgConfig: "yaml-0.1",
            providers: [.apt(["libyaml-dev"]), .brew(["libyaml"])]
        ),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"]), .brew(["zstd"])]),
        .systemLibrary(name: "CMalloc"),
        .target(name: "CEmbedded"),
        .target(name: "CChildProcess"),
        .target(name: "CSQLiteLog", dependencies: [.product(name: "GRDBSQLite", package: "GRDB.swift")]),

        .target(name: "YAML", dependencies: ["CLibYAML"]),
        .target(name: "Files"),
        .target(name: "JSON"),
        .target(name: "OTLP", dependencies: ["JSON"]),
        .target(name: "Usage", dependencies: ["JSON"]),
        .target(
            name: "HubAPI",
            dependencies: [
                "CollectorKit", "JSON", "OTLP", "Usage", .product(name: "HTTPTypes", package: "swift-http-types"),
            ]
        ),
        .target(
            name: "CollectorKit",
            dependencies: [
                "CZlib", "CZstd", "Files", "OTLP", "Usage", "YAML",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .target(
            name: "SendingQueue",
            dependencies: [
                "CollectorKit", "Files", "OTLP", "Usage", "YAML", .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .target(
            name: "PluginProcesses",
            dependencies: [
                "CChildProcess", "CollectorKit", "Files", "JSON", "OTLP", "SendingQueue", "Usage", "YAML",
                .product(name: "Logging", package: "swift-log"),
            ],
            exclude: ["README.md"]
        ),
        .target(
            name: "CollectorTesting",
            dependencies: ["CollectorKit", "OTLP", "Usage", "YAML", .product(name: "Logging", package: "swift-log")]
        ),
        .target(
            name: "HTTPServer",
            dependencies: [
                "CollectorKit", "JSON", "OTLP", "Usage",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]
        ),
        .target(
            name: "Collector",
            dependencies: [
                "CollectorKit", "HTTPServer", "JSON", "PluginProcesses", "Usage", "OTLP", "YAML",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]
        ),
        .target(name: "UsageDatabase", dependencies: ["CZstd", "CollectorKit", "OTLP", "Usage"]),
        .target(
            name: "SQLiteUsage",
            dependencies: [
                "CEmbedded", "CSQLiteLog", "CollectorKit", "Files", "OTLP", "Usage", "UsageDatabase",
                .product(name: "GRDB", package: "GRDB.swift"), .product(name: "GRDBSQLite", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),

        plugin(
            "AgentSessionsReceiver",
            "Receivers/AgentSessions",
            ["CZstd", .product(name: "GRDBSQLite", package: "GRDB.swift")]
        ),
        plugin("EventsReceiver", "Receivers/Events", [.product(name: "HTTPTypes", package: "swift-http-types")]),
        plugin("OTLPReceiver", "Receivers/OTLP", [.product(name: "HTTPTypes", package: "swift-http-types")]),
        plugin("TokensProcessor", "Processors/Tokens"),
        plugin("PricingProcessor", "Processors/Pricing", ["CEmbedded"]),
        plugin("RetentionProcessor", "Processors/Retention"),
        plugin("RedactionProcessor", "Processors/Redaction"),
        plugin("FilterProcessor", "Processors/Filter"),
        plugin("AttributesProcessor", "Processors/Attributes"),
        plugin("ResourceProcessor", "Processors/Resource"),
        plugin(
            "SQLiteExporter",
            "Exporters/SQLite",
            ["SQLiteUsage", .product(name: "GRDB", package: "GRDB.swift")]
        ),
        plugin("PostgreSQLExporter", "Exporters/PostgreSQL", ["SendingQueue", "UsageDatabase"]),
        plugin(
            "JSONLExporter",
            "Exporters/JSONL",
            ["SQLiteUsage", "UsageDatabase", .product(name: "GRDB", package: "GRDB.swift")]
        ),
        plugin(
            "ClickHouseExporter",
            "Exporters/ClickHouse",
            [
                "ClientTLS",
                "SendingQueue",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]
        ),
        plugin("StdoutExporter", "Exporters/Stdout"),
        plugin("UsageMetricsConnector", "Connectors/UsageMetrics"),
        plugin(
            "OTLPHTTPExporter",
            "Exporters/OTLPHTTP",
            [
                "ClientTLS",
                "SendingQueue",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]
        ),
        plugin(
            "HubExtension",
            "Extensions/Hub",
            [
                "CEmbedded", "HubAPI",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ]
        ),
        plugin("APIKeysExtension", "Extensions/APIKeys", [.product(name: "Crypto", package: "swift-crypto")]),
        plugin("BasicAuthExtension", "Extensions/BasicAuth"),
        plugin("BearerTokenAuthExtension", "Extensions/BearerTokenAuth"),
        plugin(
            "OAuth2ClientExtension",
            "Extensions/OAuth2Client",
            [
                "ClientTLS",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]
        ),
        .target(
            name: "ClientTLS",
            dependencies: ["CollectorKit", .product(name: "NIOSSL", package: "swift-nio-ssl")]
        ),
        plugin(
            "HealthCheckExtension",
            "Extensions/HealthCheck",
            ["HubAPI", .product(name: "HTTPTypes", package: "swift-http-types")]
        ),

        .target(
            name: "Onboarding",
            dependencies: ["Files", "JSON", "Usage", .product(name: "TOMLKit", package: "TOMLKit")],
            exclude: ["README.md"]
        ),

        .target(
            name: "TelemetryHub",
            dependencies: [
                "CEmbedded", "CMalloc", "Collector", "CollectorKit", "Files", "HubAPI", "JSON", "OTLP", "Onboarding",
                "PluginProcesses", "SendingQueue",
                "Usage",
                "YAML",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Logging", package: "swift-log"),
            ] + plugins,
            exclude: ["README.md"]
        ),
        .executableTarget(name: "hammurabi", dependencies: ["TelemetryHub", "CEmptyICUData"]),
        .target(name: "CEmptyICUData"),

        .testTarget(name: "ArchitectureTests"),
        .target(name: "FlushCounter", path: "Tests/FlushCounter"),
        .target(name: "ChildProcess", path: "Tests/ChildProcess"),
        .target(
            name: "PostgresServer",
            dependencies: ["ChildProcess", "CollectorTesting"],
            path: "Tests/PostgresServer"
        ),
        .target(
            name: "ClickHouseServer",
            dependencies: ["ChildProcess", "CollectorTesting"],
            path: "Tests/ClickHouseServer",
            exclude: ["clickhouse.py"]
        ),
        .target(
            name: "StoreFixtures",
            dependencies: ["CollectorKit", "CollectorTesting", "OTLP", "Usage"],
            path: "Tests/StoreFixtures"
        ),
        .target(
            name: "AgentFixtures",
            dependencies: [.product(name: "GRDBSQLite", package: "GRDB.swift")],
            path: "Tests/AgentFixtures"
        ),
        .testTarget(name: "JSONTests", dependencies: ["JSON"]),
        .testTarget(
            name: "HubAPITests",
            dependencies: [
                "CEmbedded", "HubAPI", "JSON", "Usage", .product(name: "HTTPTypes", package: "swift-http-types"),
            ]
        ),
        .testTarget(name: "FilesTests", dependencies: ["Files", "FlushCounter"]),
        .testTarget(name: "YAMLTests", dependencies: ["CollectorTesting", "YAML"]),
        .testTarget(name: "OTLPTests", dependencies: ["CollectorTesting", "OTLP"], exclude: ["Fixtures"]),
        .testTarget(
            name: "UsageTests",
            dependencies: ["CEmbedded", "CollectorTesting", "Usage"],
            exclude: ["Fixtures"]
        ),
        .testTarget(
            name: "CollectorKitTests",
            dependencies: plugins + [
                "CollectorKit", "CollectorTesting", "Files", "FlushCounter", "OTLP", "PostgresServer", "Usage", "YAML",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .testTarget(
            name: "SendingQueueTests",
            dependencies: [
                "CollectorKit", "CollectorTesting", "Files", "FlushCounter", "OTLP", "SendingQueue", "Usage", "YAML",
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .testTarget(
            name: "PluginProcessesTests",
            dependencies: [
                "ChildProcess", "Collector", "CollectorKit", "CollectorTesting", "JSON", "OTLP", "PluginProcesses",
                "TokensProcessor", "Usage", "YAML",
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .target(
            name: "RawHTTP",
            dependencies: [
                "CollectorTesting",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
            ],
            path: "Tests/RawHTTP"
        ),
        .testTarget(
            name: "HTTPServerTests",
            dependencies: [
                "CollectorKit", "CollectorTesting", "HTTPServer", "RawHTTP",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ]
        ),
        .testTarget(
            name: "CollectorTests",
            dependencies: plugins + [
                "Collector", "CollectorKit", "CollectorTesting", "HTTPServer", "OTLP", "RawHTTP", "Usage", "YAML",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            exclude: ["Fixtures"]
        ),
        .testTarget(
            name: "TelemetryHubTests",
            dependencies: [
                "APIKeysExtension", "AgentSessionsReceiver", "Collector", "CollectorKit", "HubAPI", "JSON", "OTLP",
                "Onboarding", "SinkServer", "StdoutExporter", "TelemetryHub", "Usage", "YAML",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]
        ),
        .target(
            name: "SinkServer",
            dependencies: [
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            path: "Tests/SinkServer"
        ),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "AgentFixtures", "ChildProcess", "ClickHouseServer", "CollectorKit", "CollectorTesting", "OTLP",
                "PostgresServer", "RawHTTP", "SinkServer", "hammurabi",
            ],
            exclude: ["Fixtures"]
        ),
        pluginTests(
            "AgentSessionsReceiver",
            more: [
                "AgentFixtures", "FlushCounter", "JSON", "TokensProcessor", "CZstd",
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            exclude: ["Fixtures"]
        ),
        pluginTests("EventsReceiver", more: ["TokensProcessor"]),
        pluginTests("OTLPReceiver", exclude: ["Fixtures"]),
        pluginTests("TokensProcessor", exclude: ["Fixtures"]),
        pluginTests("PricingProcessor"),
        .testTarget(
            name: "ProcessorTests",
            dependencies: [
                "AttributesProcessor", "CollectorKit", "CollectorTesting", "FilterProcessor", "FlushCounter", "OTLP",
                "RedactionProcessor", "ResourceProcessor",
                "RetentionProcessor", "TokensProcessor", "Usage",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ],
            exclude: ["Fixtures"]
        ),
        .testTarget(name: "UsageDatabaseTests", dependencies: ["UsageDatabase"]),
        pluginTests(
            "SQLiteExporter",
            more: [
                "FlushCounter", "SQLiteUsage", "StoreFixtures", "UsageDatabase",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ]
        ),
        pluginTests("PostgreSQLExporter", more: ["PostgresServer", "SendingQueue", "StoreFixtures", "UsageDatabase"]),
        pluginTests(
            "JSONLExporter",
            more: [
                "FlushCounter", "PricingProcessor", "SQLiteUsage", "StoreFixtures", "TokensProcessor",
                .product(name: "GRDB", package: "GRDB.swift"),
            ]
        ),
        pluginTests(
            "ClickHouseExporter",
            more: ["ClickHouseServer", "SQLiteExporter", "SendingQueue", "SinkServer", "StoreFixtures"]
        ),
        pluginTests("StdoutExporter"),
        pluginTests("UsageMetricsConnector"),
        pluginTests(
            "OTLPHTTPExporter",
            more: [
                "FlushCounter", "PricingProcessor", "RetentionProcessor", "SendingQueue", "SinkServer",
                "TokensProcessor",
            ],
            exclude: ["Fixtures"]
        ),
        pluginTests("HubExtension", more: ["EventsReceiver", "HubAPI", "JSON", "SinkServer"], exclude: ["Fixtures"]),
        pluginTests("APIKeysExtension", more: ["FlushCounter"]),
        pluginTests("HealthCheckExtension"),
        pluginTests(
            "OAuth2ClientExtension",
            more: [
                "BasicAuthExtension", "BearerTokenAuthExtension", "Collector", "OTLPHTTPExporter", "SendingQueue",
                "SinkServer",
            ]
        ),
        .testTarget(
            name: "OnboardingTests",
            dependencies: [
                "FlushCounter", "JSON", "Onboarding", "Usage", .product(name: "TOMLKit", package: "TOMLKit"),
            ],
            exclude: ["Fixtures"]
        ),
        .testTarget(
            name: "UITests",
            dependencies: ["ChildProcess", "hammurabi"],
            exclude: ["Fixtures", "Screenshots"]
        ),
    ],
    swiftLanguageModes: [.v6]
)

// The six features that become the default in the next language mode (one place, every Swift target), and no warnings.
// NonisolatedNonsendingByDefault changes the calling convention of async functions: it is on everywhere or nowhere.
let features = [
    "ExistentialAny", "InternalImportsByDefault", "MemberImportVisibility", "InferIsolatedConformances",
    "ImmutableWeakCaptures", "NonisolatedNonsendingByDefault",
]
for target in package.targets
where ![.system, .plugin].contains(target.type) && !["CEmbedded", "CChildProcess", "CSQLiteLog"].contains(target.name) {
    target.swiftSettings = features.map { .enableUpcomingFeature($0) } + [.treatAllWarnings(as: .error)]
}
