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
            variables: [
                "KEY": "k", "SECRET": "s", "ENDPOINT": "https://hub.example.com", "MY_POD_IP": "10.0.0.7",
                "B": "b.example", "C": "zstd", "E": "e.example:4318", "T": "token", "TIMEOUT": "5s", "U": "ada",
                "URL": "https://login.example/token",
            ],
            readFile: { _ in Array("from a file".utf8) },
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

    /// A conversion, its lines and the result as it is read.
    private static func converted(_ text: String) throws -> (conversion: Conversion, lines: [String], result: Node) {
        var diagnostics = Diagnostics()
        let node = try #require(
            Node(parsing: SourceFile(name: "collector.yaml", text: text), diagnostics: &diagnostics)
        )
        let conversion = Conversion(node, registry: BuiltInPlugins.registry)
        let result = try #require(
            Node(parsing: SourceFile(name: "config.yaml", text: conversion.text), diagnostics: &diagnostics)
        )
        #expect(!conversion.diagnostics.hasErrors, "\(conversion.diagnostics.rendered())\n\(conversion.text)")
        let loaded = load(conversion.text)
        #expect(!loaded.hasErrors, "\(loaded.rendered())\n\(conversion.text)")
        return (conversion, conversion.remarks.map(\.line), result)
    }

    private static func expect(_ text: String, becomes expected: String) throws -> [String] {
        let (conversion, lines, result) = try converted(text)
        var diagnostics = Diagnostics()
        let wanted = try #require(
            Node(parsing: SourceFile(name: "expected.yaml", text: expected), diagnostics: &diagnostics)
        )
        #expect(result.hasSameContent(as: wanted), "\(lines.joined(separator: "\n"))\n---\n\(conversion.text)")
        return lines
    }

    @Test func `credentials become ours whole`() throws {
        let example = try #require(Self.examples.first { $0.name.contains("credentials") })
        _ = try Self.expect(
            example.text,
            becomes: """
                receivers: { otlp: { protocols: { http: } } }
                processors: { tokens: , pricing: }
                exporters:
                  otlphttp: { endpoint: "${env:ENDPOINT}", auth: { authenticator: oauth2client } }
                  otlphttp/2: { endpoint: "https://a.example" }
                  sqlite:
                extensions:
                  oauth2client: { client_id: a, client_secret: "${env:SECRET}", token_url: "https://login.example/token" }
                  hub:
                service:
                  extensions: [oauth2client, hub]
                  pipelines:
                    logs: { receivers: [otlp], processors: [tokens, pricing], exporters: [otlphttp, otlphttp/2, sqlite] }
                """
        )
    }

    @Test func `what refers to the environment or a file is kept word for word, and an unknown address counts as open`()
        throws
    {
        let lines = try Self.expect(
            """
            receivers: { otlp: { protocols: { http: { endpoint: "${env:MY_POD_IP}:4318" } } } }
            processors: { resource: { attributes: [ { key: env, action: upsert, value: "${env:X:-dev}" } ] } }
            exporters:
              otlphttp:
                endpoint: https://${env:B}/otlp
                timeout: ${env:TIMEOUT}
                compression: ${env:C}
                auth: { authenticator: bearertokenauth }
              otlp: { endpoint: "${env:B}:4317", tls: { insecure: true }, auth: { authenticator: oauth2client } }
              otlp/2: { endpoint: "${env:E}", auth: { authenticator: basicauth } }
            extensions:
              bearertokenauth: { token: "${env:T}" }
              oauth2client: { client_id: a, client_secret: "${file:/run/secret}", token_url: "${env:URL}" }
              basicauth: { client_auth: { username: "${env:U}", password: "${env:P:-none}" } }
            service:
              extensions: [bearertokenauth, oauth2client, basicauth]
              pipelines: { traces: { receivers: [otlp], processors: [resource], exporters: [otlphttp, otlp, otlp/2] } }
            """,
            becomes: """
                receivers: { otlp: { protocols: { http: { endpoint: "${env:MY_POD_IP}:4318" } } } }
                processors:
                  resource: { attributes: [ { key: env, action: upsert, value: "${env:X:-dev}" } ] }
                  tokens:
                  pricing:
                exporters:
                  otlphttp:
                    endpoint: https://${env:B}/otlp
                    timeout: ${env:TIMEOUT}
                    compression: ${env:C}
                    auth: { authenticator: bearertokenauth }
                  otlp_http:
                    endpoint: "http://${env:B}:4318"
                    tls: { insecure: true }
                    auth: { authenticator: oauth2client }
                  otlp_http/2: { endpoint: "https://${env:E}", auth: { authenticator: basicauth } }
                  sqlite:
                extensions:
                  bearertokenauth: { token: "${env:T}" }
                  oauth2client: { client_id: a, client_secret: "${file:/run/secret}", token_url: "${env:URL}" }
                  basicauth: { client_auth: { username: "${env:U}", password: "${env:P:-none}" } }
                  hub: { endpoint: "${env:MY_POD_IP}:4318" }
                  api_keys:
                service:
                  extensions: [bearertokenauth, oauth2client, basicauth, hub, api_keys]
                  pipelines:
                    traces:
                      receivers: [otlp]
                      processors: [resource, tokens, pricing]
                      exporters: [otlphttp, otlp_http, otlp_http/2, sqlite]
                """
        )
        #expect(!lines.contains { $0.contains("dropped") }, "\(lines)")
        #expect(lines.contains { $0.hasPrefix("added api_keys: ${env:MY_POD_IP}:4318 would be open") }, "\(lines)")
    }

    @Test func `what is wrong beside a reference is dropped still`() throws {
        let (conversion, lines, _) = try Self.converted(
            """
            receivers: { otlp: }
            exporters:
              otlphttp: { endpoint: "https://${env:B}", timeout: soon, sending_queue: { queue_size: "${yaml:1}" } }
            service: { pipelines: { logs: { receivers: [otlp], exporters: [otlphttp] } } }
            """
        )
        #expect(lines.contains { $0.contains("dropped exporters.otlphttp.timeout") }, "\(lines)")
        #expect(lines.contains { $0.contains("dropped exporters.otlphttp.sending_queue.queue_size") }, "\(lines)")
        #expect(conversion.text.contains("https://${env:B}"))
    }

    @Test func `a text in quotes stays one, so that a reference has the type that it had`() throws {
        let (conversion, _, _) = try Self.converted(
            """
            receivers: { otlp: }
            processors:
              resource:
                attributes:
                  - { key: text, action: upsert, value: "${env:B}" }
                  - key: typed
                    action: upsert
                    value: ${env:B}
                  - { key: number, action: upsert, value: "0012" }
            exporters: { otlphttp: { endpoint: "https://a.example" } }
            service: { pipelines: { logs: { receivers: [otlp], processors: [resource], exporters: [otlphttp] } } }
            """
        )
        #expect(conversion.text.contains("value: \"${env:B}\"\n"))
        #expect(conversion.text.contains("value: ${env:B}\n"))
        #expect(conversion.text.contains("value: \"0012\"\n"))
    }

    @Test func `an exporter to a backend on the same machine is no loop`() throws {
        let lines = try Self.expect(
            """
            receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:4318" } } } }
            exporters:
              otlp: { endpoint: "localhost:4317", tls: { insecure: true } }
              otlp/far: { endpoint: "jaeger:4317", tls: { insecure: true } }
            service: { pipelines: { traces: { receivers: [otlp], exporters: [otlp, otlp/far] } } }
            """,
            becomes: """
                receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:4318" } } } }
                processors: { tokens: , pricing: }
                exporters:
                  otlp_http: { endpoint: "http://localhost:4317", tls: { insecure: true } }
                  otlp_http/far: { endpoint: "http://jaeger:4318", tls: { insecure: true } }
                  sqlite:
                extensions: { hub: { endpoint: "127.0.0.1:4318" } }
                service:
                  pipelines:
                    traces:
                      receivers: [otlp]
                      processors: [tokens, pricing]
                      exporters: [otlp_http, otlp_http/far, sqlite]
                  extensions: [hub]
                """
        )
        #expect(
            lines.contains {
                $0.contains("replaced exporter otlp: otlp_http sends the same over HTTP, still to port 4317")
                    && $0.contains("write the port")
            },
            "\(lines)"
        )
        #expect(lines.contains { $0.contains("replaced exporter otlp/far") && $0.hasSuffix("in place of 4317") })
    }

    @Test func `calls are found and priced beside a file, and every key has a line`() throws {
        let lines = try Self.expect(
            """
            receivers: { otlp: }
            processors:
              memory_limiter: { check_interval: 1s, limit_mib: "${env:LIMIT:-512}" }
              batch: { timeout: 1s, metadata_keys: [tenant] }
            exporters:
              file: { path: /tmp/otel.json, rotation: { max_megabytes: 10, max_backups: 3 }, format: proto, compression: zstd }
            service:
              pipelines:
                traces: { receivers: [otlp], processors: [memory_limiter, batch], exporters: [file] }
                logs: { receivers: [otlp], exporters: [file], queue: big }
            """,
            becomes: """
                receivers: { otlp: }
                processors: { tokens: , pricing: }
                exporters: { jsonl: { path: /tmp/otel.json, rotation: { max_megabytes: 10 } } }
                extensions: { hub: { store: jsonl } }
                service:
                  memory_limit: "${env:LIMIT:-512}MiB"
                  pipelines:
                    traces: { receivers: [otlp], processors: [tokens, pricing], exporters: [jsonl] }
                    logs: { receivers: [otlp], processors: [tokens, pricing], exporters: [jsonl] }
                  extensions: [hub]
                """
        )
        let wanted = [
            "dropped processor memory_limiter check_interval", "dropped processor batch metadata_keys",
            "dropped processor batch timeout: no exporter", "dropped exporters.jsonl.rotation.max_backups",
            "dropped exporter file format", "dropped exporter file compression", "dropped pipeline logs queue",
            "added tokens, pricing and hub: they find and price calls, which jsonl keeps",
        ]
        for line in wanted { #expect(lines.contains { $0.contains(line) }, "\(line)\n\(lines)") }
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
