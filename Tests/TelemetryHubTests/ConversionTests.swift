// SPDX-License-Identifier: Apache-2.0

import Collector
import CollectorKit
import OTLP
import Testing
import YAML

@testable import TelemetryHub

/// What becomes of configurations of the OpenTelemetry Collector, as its documentation and its users write them.
struct ConversionTests {
    /// One of them, and lines that must be said of it.
    struct Example: Sendable, CustomTestStringConvertible {
        let name: String
        let text: String
        let lines: [String]

        var testDescription: String { name }
    }

    static let examples = [
        Example(
            name: "the collector's own default",
            text: """
                extensions:
                  health_check:
                  pprof:
                    endpoint: 0.0.0.0:1777
                  zpages:
                    endpoint: 0.0.0.0:55679
                receivers:
                  otlp:
                    protocols:
                      grpc:
                        endpoint: 0.0.0.0:4317
                      http:
                        endpoint: 0.0.0.0:4318
                  prometheus:
                    config:
                      scrape_configs:
                        - job_name: otel-collector
                          scrape_interval: 10s
                  jaeger:
                    protocols: { grpc: { endpoint: 0.0.0.0:14250 } }
                  zipkin:
                processors:
                  batch:
                exporters:
                  debug:
                    verbosity: detailed
                service:
                  pipelines:
                    traces: { receivers: [otlp, jaeger, zipkin], processors: [batch], exporters: [debug] }
                    metrics: { receivers: [otlp, prometheus], processors: [batch], exporters: [debug] }
                    logs: { receivers: [otlp], processors: [batch], exporters: [debug] }
                  extensions: [health_check, pprof, zpages]
                """,
            lines: [
                "collector.yaml:3:3: dropped extension pprof: there is no profiler to attach",
                "collector.yaml:8:3: kept receiver otlp",
                "collector.yaml:14:3: dropped receiver prometheus: there is nothing like it here",
                "collector.yaml:23:3: replaced processor batch",
                "collector.yaml:25:3: replaced exporter debug: stdout writes",
                "collector.yaml:29:5: kept pipeline traces", "added tokens, pricing, sqlite and hub",
                "added api_keys: 0.0.0.0:4317",
            ]
        ),
        Example(
            name: "a gateway that forwards over gRPC",
            text: """
                receivers:
                  otlp:
                    protocols: { grpc: { endpoint: "localhost:4317", max_recv_msg_size_mib: 16 } }
                processors:
                  memory_limiter: { check_interval: 1s, limit_mib: 512, spike_limit_mib: 128 }
                  batch: { timeout: 5s, send_batch_size: 1024, send_batch_max_size: 2048 }
                  tail_sampling: { policies: [] }
                exporters:
                  otlp/backend:
                    endpoint: backend.example.com:4317
                    tls: { insecure: true }
                    headers: { x-key: "${env:KEY}" }
                    balancer_name: round_robin
                  otlphttp:
                    endpoint: https://other.example.com
                    sending_queue: { queue_size: 100, storage: file_storage }
                extensions:
                  file_storage: { directory: /var/lib/otelcol }
                connectors:
                  spanmetrics:
                service:
                  extensions: [file_storage]
                  telemetry: { logs: { level: warn }, metrics: { level: detailed } }
                  pipelines:
                    traces/in: { receivers: [otlp], processors: [memory_limiter, tail_sampling, batch], exporters: [otlp/backend, otlphttp, spanmetrics] }
                    metrics: { receivers: [spanmetrics], exporters: [otlphttp] }
                    profiles: { receivers: [otlp], exporters: [otlphttp] }
                """,
            lines: [
                "collector.yaml:5:3: replaced processor memory_limiter: service.memory_limit: 512MiB",
                "collector.yaml:7:3: dropped processor tail_sampling",
                "collector.yaml:9:3: replaced exporter otlp/backend: otlp_http sends the same over HTTP, to port 4318 in place of 4317",
                "collector.yaml:13:5: dropped exporters.otlp_http/backend.balancer_name",
                "collector.yaml:18:3: dropped extension file_storage",
                "collector.yaml:20:3: dropped connector spanmetrics: there is nothing like it here",
                "collector.yaml:26:5: dropped pipeline metrics: none of its receivers is here",
                "collector.yaml:27:5: dropped pipeline profiles: this signal is not known here",
            ]
        ),
        Example(
            name: "credentials of an exporter",
            text: """
                receivers: { otlp: { protocols: { http: } } }
                exporters:
                  otlphttp: { endpoint: "${env:ENDPOINT}", auth: { authenticator: oauth2client } }
                  otlphttp/2: { endpoint: "https://a.example", auth: { authenticator: sigv4auth } }
                extensions:
                  oauth2client: { client_id: a, client_secret: "${env:SECRET}", token_url: "https://login.example/token", grant_type: client_credentials }
                  sigv4auth: { region: eu-central-1 }
                service:
                  extensions: [oauth2client, sigv4auth]
                  pipelines: { logs: { receivers: [otlp], exporters: [otlphttp, otlphttp/2] } }
                """,
            lines: [
                "collector.yaml:6:3: kept extension oauth2client", "dropped extensions.oauth2client.grant_type",
                "collector.yaml:7:3: dropped extension sigv4auth", "dropped exporters.otlphttp/2.auth",
            ]
        ),
        Example(
            name: "values that mean nothing here",
            text: """
                receivers:
                  otlp:
                    protocols: { http: { endpoint: "127.0.0.1:4318", max_request_body_size: many, middlewares: [a] } }
                processors: { attributes: { actions: [ { key: a, action: nothing } ] }, transform: { trace_statements: [] } }
                exporters: { otlphttp: { endpoint: ftp://a }, file: { path: /tmp/otel.json, rotation: { max_megabytes: 10 } } }
                service:
                  pipelines: { traces: { receivers: [otlp], processors: [attributes, transform], exporters: [otlphttp, file] } }
                """,
            lines: [
                "dropped receivers.otlp.protocols.http.max_request_body_size",
                "dropped receivers.otlp.protocols.http.middlewares", "replaced exporter file: jsonl",
            ]
        ),
        Example(
            name: "anchors and merge keys",
            text: """
                x: &sender { endpoint: "https://a.example", compression: gzip }
                receivers: { otlp: }
                exporters:
                  otlphttp/a: { <<: *sender }
                  otlphttp/b: { <<: *sender, compression: none }
                service: { pipelines: { logs: { receivers: [otlp], exporters: [otlphttp/a, otlphttp/b] } } }
                """,
            lines: ["collector.yaml:1:1: dropped x: there is no such section"]
        ),
    ]

    @Test(arguments: examples)
    func `the result validates, and each line of the source is accounted for`(example: Example) throws {
        var diagnostics = Diagnostics()
        let node = try #require(
            Node(parsing: SourceFile(name: "collector.yaml", text: example.text), diagnostics: &diagnostics)
        )
        let conversion = Conversion(node, registry: BuiltInPlugins.registry)
        let said = conversion.remarks.map(\.line).joined(separator: "\n")
        #expect(!conversion.diagnostics.hasErrors, "\(conversion.diagnostics.rendered())\n\(said)\n\(conversion.text)")
        for line in example.lines { #expect(said.contains(line), "\(line)\n---\n\(said)\n---\n\(conversion.text)") }
        let loaded = Self.load(conversion.text)
        #expect(!loaded.hasErrors, "\(loaded.rendered())\n\(conversion.text)")
        // Each component and each pipeline has a line of its own.
        for kind in ComponentKind.allCases {
            for entry in node[kind.rawValue]?.mapping?.entries ?? [] {
                #expect(said.contains(" \(kind.singular) \(entry.key.text)"))
            }
        }
        for entry in node["service"]?["pipelines"]?.mapping?.entries ?? [] {
            #expect(said.contains(" pipeline \(entry.key.text)"))
        }
    }

    /// What is wrong with a text as a configuration, where the environment has what it refers to.
    private static func load(_ text: String) -> Diagnostics {
        let source = ConfigSource(builtIn: text)
        let machine = Environment(
            variables: ["KEY": "k", "SECRET": "s", "ENDPOINT": "https://hub.example.com"],
            readFile: { _ in [] },
            fileExists: { _ in false }
        )
        var diagnostics = Diagnostics()
        if let root = source.load(machine, diagnostics: &diagnostics) {
            _ = GraphBuilder.build(
                root,
                registry: BuiltInPlugins.registry,
                home: "/home/ada",
                diagnostics: &diagnostics
            )
        }
        return diagnostics
    }

    @Test func `batch and memory_limiter become what is here in their place`() throws {
        var diagnostics = Diagnostics()
        let gateway = try #require(Self.examples.first { $0.name.contains("gateway") })
        let node = try #require(
            Node(parsing: SourceFile(name: "collector.yaml", text: gateway.text), diagnostics: &diagnostics)
        )
        let text = Conversion(node, registry: BuiltInPlugins.registry).text
        let written = try #require(
            Node(parsing: SourceFile(name: "config.yaml", text: text), diagnostics: &diagnostics)
        )
        #expect(written["service"]?["memory_limit"]?.scalar?.text == "512MiB")
        let backend = written["exporters"]?["otlp_http/backend"]
        #expect(backend?["endpoint"]?.scalar?.text == "http://backend.example.com:4318")
        #expect(backend?["headers"]?["x-key"]?.scalar?.text == "${env:KEY}")
        let batch = backend?["sending_queue"]?["batch"]
        #expect(batch?["flush_timeout"]?.scalar?.text == "5s")
        #expect(batch?["min_size"]?.scalar?.text == "1024")
        #expect(batch?["max_size"]?.scalar?.text == "2048")
        #expect(written["receivers"]?["otlp"]?["protocols"]?["grpc"]?["max_recv_msg_size_mib"]?.scalar?.text == "16")
        let pipeline = written["service"]?["pipelines"]?["traces/in"]
        let exporters = pipeline?["exporters"]?.sequence?.elements.compactMap { $0.scalar?.text }
        #expect(exporters == ["otlp_http/backend", "otlphttp", "sqlite"])
        let processors = pipeline?["processors"]?.sequence?.elements.compactMap { $0.scalar?.text }
        #expect(processors == ["tokens", "pricing"])
    }

    @Test func `a configuration that has a store already gets no other one`() throws {
        var diagnostics = Diagnostics()
        let node = try #require(
            Node(parsing: SourceFile(name: "config.yaml", text: ConfigOptions.builtIn), diagnostics: &diagnostics)
        )
        let conversion = Conversion(node, registry: BuiltInPlugins.registry)
        #expect(conversion.remarks.allSatisfy { $0.outcome == .kept }, "\(conversion.remarks.map(\.line))")
        #expect(!conversion.diagnostics.hasErrors)
    }
}
