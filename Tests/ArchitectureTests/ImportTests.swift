// SPDX-License-Identifier: Apache-2.0

import Testing

/// The dependencies between modules: which module may import which, as in the design.
struct ImportTests {
    private static let rooms = [
        "Files", "JSON", "YAML", "OTLP", "Usage", "CollectorKit", "CollectorTesting", "HubAPI", "SendingQueue",
        "HTTPServer", "PluginProcesses", "Collector", "Onboarding", "TelemetryHub", "UsageDatabase",
        "SQLiteUsage", "ClientTLS",
    ]

    private static let arrows: [String: Set<String>] = [
        "Sources/Files": [],
        "Sources/JSON": [],
        "Sources/YAML": ["CLibYAML"],
        "Sources/OTLP": ["JSON"],
        "Sources/Usage": ["JSON"],
        "Sources/CollectorKit": ["Files", "YAML", "OTLP", "Usage", "CZlib", "CZstd"],
        "Sources/HubAPI": ["CollectorKit", "JSON", "OTLP", "Usage"],
        "Sources/Onboarding": ["Files", "JSON", "Usage"],
        "Sources/HTTPServer": ["CollectorKit", "JSON", "OTLP", "Usage"],
        "Sources/Collector": ["CollectorKit", "HTTPServer", "JSON", "PluginProcesses", "YAML", "OTLP", "Usage"],
        "Sources/SendingQueue": ["CollectorKit", "Files", "YAML", "OTLP", "Usage"],
        "Sources/PluginProcesses": [
            "CChildProcess", "CollectorKit", "Files", "JSON", "SendingQueue", "YAML", "OTLP", "Usage",
        ],
        "Sources/CollectorTesting": ["CollectorKit", "YAML", "OTLP", "Usage"],
        "Sources/UsageDatabase": ["CZstd", "CollectorKit", "OTLP", "Usage"],
        "Sources/ClientTLS": ["CollectorKit"],
        "Sources/SQLiteUsage": [
            "CEmbedded", "CSQLiteLog", "CollectorKit", "Files", "OTLP", "Usage", "UsageDatabase",
        ],
        "Sources/hammurabi": ["TelemetryHub"],
        "Plugins": [
            "ClientTLS", "CollectorKit", "Files", "HubAPI", "JSON", "SendingQueue", "OTLP", "SQLiteUsage", "Usage",
            "UsageDatabase",
            "CEmbedded",
            "CZstd",
        ],
    ]

    /// A library and the only modules that may import it.
    private static let libraries: [String: [String]] = [
        "CChildProcess": ["Sources/PluginProcesses/"],
        "CLibYAML": ["Sources/YAML/"],
        "CMalloc": ["Sources/TelemetryHub/"],
        "CSQLiteLog": ["Sources/SQLiteUsage/"],
        "CZlib": ["Sources/CollectorKit/HTTP/"],
        "CZstd": ["Sources/CollectorKit/HTTP/", "Plugins/Receivers/AgentSessions/", "Sources/UsageDatabase/"],
        "GRDB": ["Sources/SQLiteUsage/", "Plugins/Exporters/SQLite/", "Plugins/Exporters/JSONL/"],
        "GRDBSQLite": ["Sources/SQLiteUsage/", "Plugins/Receivers/AgentSessions/"],
        "NIOHTTP1": [
            "Sources/HTTPServer/", "Plugins/Exporters/ClickHouse/", "Plugins/Exporters/OTLPHTTP/",
            "Plugins/Extensions/Hub/Alerts/",
            "Plugins/Extensions/OAuth2Client/",
            "Sources/TelemetryHub/CollectorClient",
        ],
        "NIOCore": [
            "Sources/HTTPServer/", "Plugins/Exporters/ClickHouse/", "Plugins/Exporters/OTLPHTTP/",
            "Plugins/Extensions/Hub/Alerts/",
            "Plugins/Extensions/OAuth2Client/",
            "Sources/TelemetryHub/CollectorClient",
        ],
        "NIOHPACK": ["Sources/HTTPServer/"],
        "NIOPosix": ["Sources/HTTPServer/", "Plugins/Exporters/OTLPHTTP/"],
        "ArgumentParser": ["Sources/TelemetryHub/"],
        "ServiceLifecycle": ["Sources/Collector/Runtime/"],
        "AsyncHTTPClient": [
            "Plugins/Exporters/ClickHouse/", "Plugins/Exporters/OTLPHTTP/", "Plugins/Extensions/Hub/Alerts/",
            "Plugins/Extensions/OAuth2Client/",
            "Sources/TelemetryHub/CollectorClient",
        ],
        "Crypto": ["Sources/CollectorKit/", "Plugins/Extensions/APIKeys/"],
        "NIOSSL": [
            "Sources/ClientTLS/", "Sources/HTTPServer/", "Plugins/Exporters/ClickHouse/", "Plugins/Exporters/OTLPHTTP/",
            "Plugins/Extensions/OAuth2Client/",
            "Sources/TelemetryHub/CollectorClient",
        ],
        "NIOTLS": ["Sources/HTTPServer/"],
        "TOMLKit": ["Sources/Onboarding/"],
    ]

    private let tree: SourceTree

    init() throws {
        tree = try SourceTree()
    }

    @Test func `the tree was found`() {
        #expect(tree.files.count > 50)
    }

    @Test(arguments: arrows.keys.sorted())
    func `a room imports only what the design draws`(room: String) throws {
        let allowed = try #require(Self.arrows[room])
        let ours = Set(
            Self.rooms + Self.plugins + [
                "CLibYAML", "CZlib", "CZstd", "CMalloc", "CEmbedded", "CChildProcess", "CSQLiteLog", "hammurabi",
            ]
        )
        for file in tree.files(in: room) where !file.path.hasPrefix("Plugins/Examples/") {
            for module in file.imports where ours.contains(module) && !allowed.contains(module) {
                Issue.record("\(file.path) imports \(module)")
            }
        }
    }

    @Test(arguments: libraries.keys.sorted())
    func `a library is known in one room`(library: String) throws {
        let homes = try #require(Self.libraries[library])
        for file in tree.files where !file.path.hasPrefix("Tests/") && file.imports.contains(library) {
            #expect(homes.contains { file.path.hasPrefix($0) }, "\(file.path) imports \(library)")
        }
    }

    /// Only `Files` renames, flushes and locks files; stores that flush while batches arrive pass a closure.
    @Test func `files are replaced, flushed and locked in one room`() {
        let exceptions = [
            // The queue and the JSONL store flush the file that they append to; the folder of the database is checked for free space.
            "Sources/SendingQueue/DiskFile.swift", "Plugins/Exporters/JSONL/StorageCalls.swift",
            "Sources/SendingQueue/DiskStorage.swift", "Sources/SQLiteUsage/",
            // It writes its random number to its lock file.
            "Plugins/Exporters/JSONL/StoreLock.swift",
        ]
        for file in tree.files where !file.path.hasPrefix("Tests/") && !file.path.hasPrefix("Sources/Files/") {
            for line in file.lines
            where !line.contains("func ") && line.contains(/\b(fsync|flock|mkstemp)\(|[^.\w]rename\(/) {
                #expect(exceptions.contains { file.path.hasPrefix($0) }, "\(file.path): \(line)")
            }
        }
    }

    /// The room `JSON` reads, writes and escapes; elsewhere only Foundation's coders of documents are used.
    @Test func `JSON is parsed and escaped in one room`() {
        for file in tree.files where !file.path.hasPrefix("Tests/") && !file.path.hasPrefix("Sources/JSON/") {
            for line in file.lines {
                #expect(!line.contains("JSONSerialization"), "\(file.path): \(line)")
                // Half of a surrogate pair: escapes are in `JSONEscapes`.
                let isEscaper = line.lowercased().contains("0xd800") || line.lowercased().contains("0xdc00")
                #expect(!isEscaper, "\(file.path): \(line)")
            }
        }
    }

    @Test func `a forbidden arrow would be noticed`() {
        let file = SourceTree.File(
            path: "Sources/OTLP/X.swift",
            lines: ["public import struct Usage.Money", "@_exported public import YAML"]
        )
        #expect(file.imports == ["Usage", "YAML"])
    }

    private static let plugins = [
        "AgentSessionsReceiver", "OTLPReceiver", "TokensProcessor", "PricingProcessor", "RetentionProcessor",
        "RedactionProcessor",
        "FilterProcessor", "AttributesProcessor", "ResourceProcessor", "ClickHouseExporter", "JSONLExporter",
        "PostgreSQLExporter",
        "SQLiteExporter", "StdoutExporter", "HubExtension",
        "OTLPHTTPExporter", "EventsReceiver", "APIKeysExtension", "HealthCheckExtension",
        "BasicAuthExtension", "BearerTokenAuthExtension", "OAuth2ClientExtension", "UsageMetricsConnector",
    ]
}
