// SPDX-License-Identifier: Apache-2.0

import APIKeysExtension
import AgentSessionsReceiver
import AttributesProcessor
import Collector
import CollectorKit
import EventsReceiver
import FilterProcessor
import FoundationEssentials
import HealthCheckExtension
import HubExtension
import JSONLExporter
import Logging
import OTLP
import OTLPReceiver
import PricingProcessor
import RedactionProcessor
import RetentionProcessor
import SQLiteExporter
import StdoutExporter
import Synchronization
import Testing
import TokensProcessor
import Usage
import YAML

extension Registry {
    /// The built-in components.
    static let builtIn = Registry([
        .agentSessions(), .events, .otlp, .tokens, .pricing, .retention, .redaction, .filter, .attributes, .jsonl,
        .sqlite, .stdout, .hub(), .apiKeys, .healthCheck(),
    ])
}

extension Environment {
    /// A machine with only these files.
    static func machine(_ files: [String: String] = [:], _ environment: [String: String] = ["HOME": "/home/ada"])
        -> Environment
    {
        Environment(
            variables: environment,
            readFile: { path in
                guard let text = files[path] else { throw NoSuchFile() }
                return Array(text.utf8)
            },
            fileExists: { files[$0] != nil }
        )
    }
}

/// The error of reading a missing file.
struct NoSuchFile: Error, CustomStringConvertible {
    let description = "there is no such file"
}

/// A configuration read as the program reads it.
struct LoadedConfig {
    let root: Node?
    let graph: PipelineGraph?
    let diagnostics: Diagnostics

    init(
        _ source: ConfigSource,
        on machine: Environment,
        registry: Registry = .builtIn
    ) {
        var diagnostics = Diagnostics()
        root = source.load(machine, diagnostics: &diagnostics)
        graph = root.map {
            GraphBuilder.build($0, registry: registry, home: machine.userHome, diagnostics: &diagnostics)
        }
        self.diagnostics = diagnostics
    }

    init(_ text: String, registry: Registry = .builtIn) {
        let machine = Environment.machine(["config.yaml": text])
        self.init(ConfigSource(builtIn: ""), on: machine, registry: registry)
    }

    /// The codes of the diagnostics, in the order of the file.
    var codes: [String] { diagnostics.items.map(\.code) }
}

extension Logger {
    static let silent = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }
}

/// The folder of the package, relative to this file.
enum Package {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
}
