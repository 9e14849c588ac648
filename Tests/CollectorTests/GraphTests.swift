// SPDX-License-Identifier: Apache-2.0

import Collector
import CollectorKit
import FoundationEssentials
import HubExtension
import OTLP
import OTLPHTTPExporter
import OTLPReceiver
import RawHTTP
import Testing
import YAML

struct GraphTests {
    @Test func `the default configuration has nothing wrong with it`() throws {
        let text = try String(contentsOf: Package.root.appending(path: "config.yaml"), encoding: .utf8)
        let loaded = LoadedConfig(text)
        #expect(loaded.diagnostics.rendered() == "")
        let graph = try #require(loaded.graph)
        #expect(graph.pipelines.map(\.title) == ["traces", "logs", "metrics"])
        #expect(graph.used(.receiver).map(\.id.description) == ["agent_sessions", "events", "otlp"])
        #expect(graph.used(.processor).map(\.id.description) == ["pricing", "redaction", "retention", "tokens"])
        #expect(graph.used(.exporter).map(\.id.description) == ["sqlite"])
        #expect(graph.extensions.map(\.description) == ["hub"])
        #expect(
            graph.pipelines.allSatisfy {
                $0.processors.map(\.description) == ["tokens", "pricing", "retention", "redaction"]
            }
        )
        #expect(graph.telemetry.logs.level == .info)
    }

    @Test(arguments: [
        "receivers: { otlp: }",
        "receivers: { otlp: { protocols: } }",
        "receivers:\n  otlp:\n    protocols:\n      http:",
        "receivers:\n  otlp:\n    protocols:\n      http: {}",
        "receivers:\n  otlp:\n    protocols:\n      http:\n        endpoint:",
    ])
    func `a component with nothing after a colon has its defaults`(snippet: String) throws {
        let loaded = LoadedConfig(
            snippet
                + "\nexporters: { sqlite: }\nservice: { pipelines: { logs: { receivers: [otlp], exporters: [sqlite] } } }"
        )
        #expect(loaded.diagnostics.rendered() == "")
        let receiver = try #require(loaded.graph?.used(.receiver).first)
        #expect((receiver.config as? OTLPConfig)?.protocols.http?.endpoint == .otlpHTTP)
    }

    @Test(arguments: [
        ("endpoint: ${env:UNSET}", ["unset-variable"]),
        ("traces_endpoint: ${env:UNSET}\n    timeout: soon", ["unset-variable", "invalid-duration"]),
        ("endpoint: a\n    compression: ${env:UNSET}", ["endpoint", "unset-variable"]),
        ("headers: { a: \"${env:UNSET}\" }", ["endpoint", "unset-variable"]),
    ])
    func `a value that could not be replaced is one error`(keys: String, codes: [String]) {
        let loaded = LoadedConfig(
            """
            receivers: { otlp: }
            exporters:
              otlp_http:
                \(keys)
            service: { pipelines: { logs: { receivers: [otlp], exporters: [otlp_http] } } }
            """,
            registry: Registry([.otlp, .otlpHTTP()])
        )
        #expect(loaded.diagnostics.items.filter { $0.severity == .error }.map(\.code) == codes)
    }

    /// The sections of a configuration, and where its hub listens as far as a status line sees.
    @Test(arguments: [
        (
            #"extensions: { hub: { endpoint: "127.0.0.1:7" }, health_check: }, service: { extensions: [health_check, hub] }"#,
            7
        ),
        // What is wrong elsewhere is another command's subject.
        (
            #"receivers: [1], extensions: { hub: { endpoint: "127.0.0.1:7" }, what: }, service: { extensions: [hub], pipelines: 7 }"#,
            7
        ),
        (#"extensions: { hub: { endpoint: "127.0.0.1:7" } }, service: { extensions: [] }"#, nil),
        (#"extensions: { hub: { endpoint: nowhere } }, service: { extensions: [hub] }"#, nil),
        ("extensions: { hub: }", nil), ("service: { extensions: [hub] }", nil), ("service: 7, extensions: [hub]", nil),
    ])
    func `the hub of a configuration can be read alone`(sections: String, port: Int?) throws {
        let root = try #require(LoadedConfig("{ \(sections) }").root)
        let graph = GraphBuilder.extensions(ofType: "hub", in: root, registry: .builtIn, home: nil)
        #expect(graph.map { $0.extensions.map(\.description) } == port.map { _ in ["hub"] })
        #expect((graph?.used(.extension).first?.config as? HubConfig)?.endpoint.port == port)
    }

    @Test func `pipelines and components may have names`() throws {
        let loaded = LoadedConfig(
            """
            receivers:
              otlp/one: { protocols: { http: { endpoint: "127.0.0.1:1" } } }
              otlp/two: { protocols: { http: { endpoint: "127.0.0.1:2" } } }
            exporters: { sqlite: , stdout/debug: }
            service:
              pipelines:
                logs/a: { receivers: [otlp/one], exporters: [sqlite] }
                logs/b: { receivers: [otlp/two, otlp/one], exporters: [sqlite, stdout/debug] }
            """
        )
        #expect(loaded.diagnostics.rendered() == "")
        let graph = try #require(loaded.graph)
        #expect(graph.pipelines.map(\.title) == ["logs/a", "logs/b"])
        #expect(graph.pipelines.map(\.signal) == [.logs, .logs])
        #expect(graph.pipelines[1].receivers.map(\.description) == ["otlp/two", "otlp/one"])
        #expect(graph.used(.exporter).map(\.id.description) == ["sqlite", "stdout/debug"])
    }

    @Test func `components that write the same endpoint share it without a word`() {
        let loaded = LoadedConfig(
            """
            receivers: { otlp: { protocols: { http: { endpoint: "localhost:9" } } } }
            exporters: { sqlite: }
            extensions: { hub: { endpoint: "localhost:9" } }
            service: { extensions: [hub], pipelines: { logs: { receivers: [otlp], exporters: [sqlite] } } }
            """
        )
        #expect(loaded.diagnostics.rendered() == "")
    }

    @Test func `any number of components may ask for a free port`() {
        let loaded = LoadedConfig(
            """
            receivers: { otlp: { protocols: { http: { endpoint: "localhost:0" } } } }
            exporters: { sqlite: }
            extensions: { hub: { endpoint: "127.0.0.1:0" } }
            service: { extensions: [hub], pipelines: { logs: { receivers: [otlp], exporters: [sqlite] } } }
            """
        )
        #expect(loaded.diagnostics.rendered() == "")
    }

    @Test func `values of the configuration reach their components`() throws {
        let loaded = LoadedConfig(
            """
            receivers: { otlp: { protocols: { http: { max_request_body_size: 2MiB } } } }
            exporters: { sqlite: }
            extensions: { hub: { retention: 7d, timezone: Europe/Berlin, budget: { monthly: 12.5 } } }
            service:
              extensions: [hub]
              pipelines: { logs: { receivers: [otlp], exporters: [sqlite] } }
              telemetry: { logs: { level: error } }
            """
        )
        let graph = try #require(loaded.graph)
        let hub = try #require(graph.used(.extension).first?.config as? HubConfig)
        #expect(hub.timezone == "Europe/Berlin")
        #expect(hub.budget.monthly == 12.5)
        #expect(hub.retention.nanoseconds == 7 * 86_400 * 1_000_000_000)
        let otlp = try #require(graph.used(.receiver).first?.config as? OTLPConfig)
        #expect(otlp.protocols.http?.maxRequestBodySize.bytes == 2 << 20)
        #expect(graph.telemetry.logs.level == .error)
    }

    @Test func `help for a component of the OpenTelemetry Collector names what does the same, or what does not`() {
        let loaded = LoadedConfig(
            """
            receivers:
              otlp:
              filelog: { include: [/var/log/*.log] }
            processors:
              batch: { timeout: 1s }
              memory_limiter: { limit_mib: 512 }
              transform:
              tail_sampling:
            exporters:
              sqlite:
            connectors:
              spanmetrics:
            extensions:
              basicauth/x:
              zpages:
            service:
              extensions: [basicauth/x, zpages]
              pipelines:
                traces:
                  receivers: [otlp, filelog]
                  processors: [memory_limiter, batch, transform, tail_sampling]
                  exporters: [sqlite, spanmetrics]
                metrics: { receivers: [spanmetrics], exporters: [sqlite] }
            """
        )
        let unknown = loaded.diagnostics.items.filter { $0.code == "unknown-component" }
        #expect(unknown.count == 5)
        #expect(unknown.count { $0.help?.hasPrefix("there is nothing like it here: ") == true } == 4)
        // A component that is not needed here does not prevent the start.
        let needless = loaded.diagnostics.items.filter { $0.code == "needless-component" }
        #expect(needless.count == 3 && needless.allSatisfy { $0.severity == .warning })
        // A connector that is refused is not reported among exporters and receivers as well.
        #expect(unknown.count { $0.message == "no connector of type \"spanmetrics\"" } == 1)
        #expect(loaded.codes.count == 8)
    }

    @Test func `a component that cannot handle a signal is refused`() {
        let registry = Registry([.otlp, .logsOnly])
        let loaded = LoadedConfig(
            "receivers: { otlp: }\nexporters: { logs_only: }\nservice: { pipelines: { traces: { receivers: [otlp], exporters: [logs_only] } } }",
            registry: registry
        )
        #expect(loaded.codes == ["signal"])
        #expect(loaded.diagnostics.items.first?.message == "the exporter \"logs_only\" cannot handle traces")
        #expect(loaded.diagnostics.items.first?.help == "it handles logs")
    }

    @Test func `an alias is another name for a type`() throws {
        let registry = Registry([.otlp, .logsOnly])
        let loaded = LoadedConfig(
            "receivers: { otlp: }\nexporters: { only_logs: }\nservice: { pipelines: { logs: { receivers: [otlp], exporters: [only_logs] } } }",
            registry: registry
        )
        #expect(loaded.diagnostics.rendered() == "")
        #expect(registry.types(.exporter) == ["logs_only", "only_logs"])
        #expect(registry.all(.exporter).map(\.type) == ["logs_only"])
    }

    @Test func `secrets stay out of what is said`() {
        let loaded = LoadedConfig(
            "receivers: { otlp: { api_key: sk-very-secret } }\nexporters: { sqlite: }\n"
                + "service: { pipelines: { logs: { receivers: [otlp], exporters: [sqlite] } } }"
        )
        #expect(loaded.codes == ["unknown-key"])
        #expect(!loaded.diagnostics.rendered().contains("secret"))
    }
}

extension ComponentFactory {
    /// An exporter for one signal.
    fileprivate static let logsOnly = exporter(
        "logs_only",
        ProbeConfig.self,
        aliases: ["only_logs"],
        signals: [.logs],
        summary: "takes logs"
    ) { config, _ in Probe(name: "logs_only", config: config, journal: Journal()) }
}
