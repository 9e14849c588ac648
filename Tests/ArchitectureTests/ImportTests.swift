// SPDX-License-Identifier: Apache-2.0

import Testing

/// The arrows between rooms: which module may import which, as the design draws them.
struct ImportTests {
    private static let rooms = [
        "Files", "JSON", "YAML", "OTLP", "Usage", "CollectorKit", "CollectorTesting", "HubAPI", "SendingQueue",
        "HTTPServer", "Collector", "Onboarding", "TelemetryHub",
    ]

    private static let arrows: [String: Set<String>] = [
        "Sources/Files": [],
        "Sources/JSON": [],
        "Sources/YAML": ["CLibYAML"],
        "Sources/OTLP": [],
        "Sources/Usage": ["JSON"],
        "Sources/CollectorKit": ["Files", "YAML", "OTLP", "Usage", "CZlib", "CZstd"],
        "Sources/HubAPI": ["CollectorKit", "JSON", "OTLP", "Usage"],
        "Sources/Onboarding": ["Files", "JSON", "Usage"],
        "Sources/HTTPServer": ["CollectorKit", "JSON", "OTLP", "Usage"],
        "Sources/Collector": ["CollectorKit", "HTTPServer", "JSON", "YAML", "OTLP", "Usage"],
        "Sources/SendingQueue": ["CollectorKit", "Files", "YAML", "OTLP", "Usage"],
        "Sources/CollectorTesting": ["CollectorKit", "YAML", "OTLP", "Usage"],
        "Sources/hammurabi": ["TelemetryHub"],
        "Plugins": [
            "CollectorKit", "Files", "HubAPI", "JSON", "SendingQueue", "OTLP", "Usage", "CEmbedded", "CZstd",
        ],
    ]

    /// A library and the only places that may know it.
    private static let libraries: [String: [String]] = [
        "CLibYAML": ["Sources/YAML/"],
        "CMalloc": ["Sources/TelemetryHub/"],
        "CZlib": ["Sources/CollectorKit/HTTP/"],
        "CZstd": ["Sources/CollectorKit/HTTP/", "Plugins/Receivers/AgentSessions/", "Plugins/Exporters/SQLite/"],
        "GRDB": ["Plugins/Exporters/SQLite/"],
        "GRDBSQLite": ["Plugins/Exporters/SQLite/", "Plugins/Receivers/AgentSessions/"],
        "NIOHTTP1": [
            "Sources/HTTPServer/", "Plugins/Exporters/OTLPHTTP/", "Sources/TelemetryHub/CollectorClient",
        ],
        "NIOCore": [
            "Sources/HTTPServer/", "Plugins/Exporters/OTLPHTTP/", "Sources/TelemetryHub/CollectorClient",
        ],
        "NIOPosix": ["Sources/HTTPServer/", "Plugins/Exporters/OTLPHTTP/"],
        "ArgumentParser": ["Sources/TelemetryHub/"],
        "ServiceLifecycle": ["Sources/Collector/Runtime/"],
        "AsyncHTTPClient": ["Plugins/Exporters/OTLPHTTP/", "Sources/TelemetryHub/CollectorClient"],
        "Crypto": ["Sources/CollectorKit/", "Plugins/Extensions/APIKeys/"],
        "NIOSSL": [
            "Sources/HTTPServer/", "Plugins/Exporters/OTLPHTTP/", "Sources/TelemetryHub/CollectorClient",
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
        let ours = Set(Self.rooms + ["CLibYAML", "CZlib", "CZstd", "CMalloc", "CEmbedded", "hammurabi"] + Self.plugins)
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

    /// Only `Files` renames, flushes and locks; stores that flush while batches come in pass the call in.
    @Test func `files are replaced, flushed and locked in one room`() {
        let exceptions = [
            // The queue and the store of lines flush the file that they append to; the database's folder is probed for room.
            "Sources/SendingQueue/DiskFile.swift", "Plugins/Exporters/JSONL/StorageCalls.swift",
            "Sources/SendingQueue/DiskStorage.swift", "Plugins/Exporters/SQLite/",
            // It forgets its number in the file of its lock.
            "Plugins/Exporters/JSONL/StoreLock.swift",
        ]
        for file in tree.files where !file.path.hasPrefix("Tests/") && !file.path.hasPrefix("Sources/Files/") {
            for line in file.lines
            where !line.contains("func ") && line.contains(/\b(fsync|flock|mkstemp)\(|[^.\w]rename\(/) {
                #expect(exceptions.contains { file.path.hasPrefix($0) }, "\(file.path): \(line)")
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
        "FilterProcessor", "AttributesProcessor", "ResourceProcessor", "JSONLExporter", "SQLiteExporter",
        "StdoutExporter", "HubExtension",
        "OTLPHTTPExporter", "EventsReceiver", "APIKeysExtension", "HealthCheckExtension",
    ]
}
