// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Testing
import YAML

@testable import OTLPReceiver

@Suite struct ConfigTests {
    @Test(arguments: ["", "protocols:", "protocols:\n  http:\n"])
    func `nothing means the defaults`(text: String) {
        let (config, problems) = decode(text)
        #expect(problems.isEmpty)
        let http = config.protocols.http ?? OTLPConfig.HTTP()
        #expect("\(http.endpoint)" == "127.0.0.1:4318")
        #expect(http.maxRequestBodySize.bytes == 64 << 20)
        #expect(
            [http.tracesURLPath, http.logsURLPath, http.metricsURLPath] == ["/v1/traces", "/v1/logs", "/v1/metrics"]
        )
        #expect(http.cors.allowedOrigins.isEmpty)
        #expect(http.compressionAlgorithms == ["", "gzip", "deflate", "zstd"])
        #expect(http.connectionTerms == ConnectionTerms())
        #expect(
            config.resources == [
                ConfigResource(.endpoint(.otlpHTTP), at: ["protocols", "http", "endpoint"]),
                ConfigResource(.path("/v1/traces", of: .otlpHTTP), at: ["protocols", "http", "traces_url_path"]),
                ConfigResource(.path("/v1/logs", of: .otlpHTTP), at: ["protocols", "http", "logs_url_path"]),
                ConfigResource(.path("/v1/metrics", of: .otlpHTTP), at: ["protocols", "http", "metrics_url_path"]),
            ] + (text.contains("http") ? [] : calls)
        )
        #expect((config.protocols.grpc == nil) == text.contains("http"))
    }

    /// What a receiver of calls uses.
    private var calls: [ConfigResource] {
        [ConfigResource(.endpoint(.otlpGRPC), at: ["protocols", "grpc", "endpoint"])]
            + ["trace.v1.Trace", "logs.v1.Logs", "metrics.v1.Metrics"].map {
                ConfigResource(
                    .path("/opentelemetry.proto.collector.\($0)Service/Export", of: .otlpGRPC),
                    at: ["protocols", "grpc", "endpoint"]
                )
            }
    }

    @Test(arguments: [
        ("protocols: {grpc: }", false, true), ("protocols: {grpc: {endpoint: \"127.0.0.1:0\"}}", false, true),
        ("protocols: {http: , grpc: }", true, true), ("protocols: {}", true, true), ("protocols: {htp: }", true, true),
    ])
    func `the protocols that are written are the ones that come in`(text: String, http: Bool, grpc: Bool) {
        let protocols = decode(text).config.protocols
        #expect((protocols.http != nil) == http)
        #expect((protocols.grpc != nil) == grpc)
    }

    @Test func `a snippet with the keys of gRPC is understood`() async throws {
        let (config, problems) = decode(
            """
            protocols:
              grpc:
                endpoint: localhost:4317
                transport: tcp4
                max_recv_msg_size_mib: 16
                max_concurrent_streams: 16
                include_metadata: true
                keepalive:
                  server_parameters:
                    max_connection_idle: 11s
                    max_connection_age: 12s
                    max_connection_age_grace: 13s
                    time: 30s
                    timeout: 5s
                  enforcement_policy:
                    min_time: 10s
                    permit_without_stream: true
            """
        )
        #expect(problems.isEmpty)
        let grpc = try #require(config.protocols.grpc)
        var findings = ConfigFindings()
        config.validate(&findings)
        #expect(findings.items.isEmpty)
        #expect(grpc.address == Endpoint(host: "127.0.0.1", port: 4_317))
        #expect(grpc.largestMessage == 16 << 20)
        var terms = ConnectionTerms()
        (terms.idleTime, terms.connectionAge, terms.connectionGrace) = (.seconds(11), .seconds(12), .seconds(13))
        (terms.pingInterval, terms.pingTimeout, terms.streams) = (.seconds(30), .seconds(5), 16)
        #expect(grpc.connectionTerms == terms)
        #expect(
            decode("protocols: {grpc: {max_recv_msg_size_mib: 0}}").config.protocols.grpc?.largestMessage == 64 << 20
        )
    }

    @Test(arguments: [
        ("max_recv_msg_size_mib: 5000", "out-of-range max_recv_msg_size_mib"),
        ("max_concurrent_streams: 100000", "out-of-range max_concurrent_streams"),
        ("transport: unix", "transport transport"),
        ("allowed_hosts: [\"http://a\"]", "host allowed_hosts.0"),
        ("keepalive: {server_parameters: {time: 5us}}", "out-of-range keepalive.server_parameters.time"),
        ("write_buffer_size: 512", "no-effect write_buffer_size"),
        ("tls: {cert_file: a.crt}", "tls tls"),
    ])
    func `values of gRPC that do not work are found`(line: String, finding: String) {
        let (config, problems) = decode("protocols: {grpc: {\(line)}}")
        #expect(problems.isEmpty)
        var findings = ConfigFindings()
        config.validate(&findings)
        let found = findings.items.map { "\($0.code) \($0.path.dropFirst(2).joined(separator: "."))" }
        #expect(found == [finding])
    }

    @Test func `protocols on one address share their tls`() {
        let (config, _) = decode(
            "protocols: {http: {endpoint: \"127.0.0.1:1\", tls: {cert_file: a, key_file: b}}, grpc: {endpoint: \"127.0.0.1:1\"}}"
        )
        var findings = ConfigFindings()
        config.validate(&findings)
        #expect(findings.items.map(\.code) == ["tls-conflict"])
    }

    @Test func `a snippet of the OpenTelemetry Collector is understood`() async throws {
        let (config, problems) = decode(
            """
            protocols:
              http:
                endpoint: 0.0.0.0:4319
                max_request_body_size: 1MiB
                traces_url_path: /in/traces
                cors:
                  allowed_origins: [https://*.example.com]
            """
        )
        #expect(problems.isEmpty)
        #expect(config.protocols.http?.endpoint == Endpoint(host: "0.0.0.0", port: 4_319))
        #expect(config.protocols.http?.maxRequestBodySize.bytes == 1 << 20)
        #expect(config.protocols.http?.cors.allowedOrigins == ["https://*.example.com"])
        let bench = try await Bench { $0 = config.protocols.http ?? $0 }
        #expect(bench.ownPaths == ["/in/traces", "/v1/logs", "/v1/metrics"])
    }

    @Test(arguments: [
        ("traces_url_path: \"\"", "url-path protocols.http.traces_url_path"),
        ("traces_url_path: v1/logs/", "url-path protocols.http.logs_url_path"),
        ("logs_url_path: /a b", "url-path protocols.http.logs_url_path"),
        ("logs_url_path: /a/{id}", "url-path protocols.http.logs_url_path"),
        ("metrics_url_path: /v1/logs", "url-path protocols.http.metrics_url_path"),
        ("max_request_body_size: 2GiB", "out-of-range protocols.http.max_request_body_size"),
        ("cors: {allowed_origins: [\"*\", a.example]}", "origin protocols.http.cors.allowed_origins.1"),
        (
            "cors: {allowed_origins: [\"*\"], allowed_headers: [A B]}", "header protocols.http.cors.allowed_headers.0"
        ),
        ("transport: unix", "transport protocols.http.transport"),
        ("transport: tcp6", "transport protocols.http.endpoint"),
        ("{transport: tcp4, endpoint: \"[::1]:4318\"}", "transport protocols.http.endpoint"),
        ("compression_algorithms: [gzip, brotli]", "coding protocols.http.compression_algorithms.1"),
        ("compression_algorithms: []", "coding protocols.http.compression_algorithms"),
        ("read_timeout: 5us", "out-of-range protocols.http.read_timeout"),
        ("keepalive: {idle_timeout: 2d}", "out-of-range protocols.http.keepalive.idle_timeout"),
        ("response_headers: {\"a b\": c}", "header protocols.http.response_headers.a b"),
        ("response_headers: {Content-Type: text/plain}", "header protocols.http.response_headers.Content-Type"),
        ("response_headers: {a: \"b\\nc\"}", "header protocols.http.response_headers.a"),
    ])
    func `values that do not work are found`(line: String, finding: String) {
        let (config, problems) = decode("protocols:\n  http:\n    \(line)\n")
        #expect(problems.isEmpty)
        var findings = ConfigFindings()
        config.validate(&findings)
        #expect(findings.items.map { "\($0.code) \($0.path.joined(separator: "."))" } == [finding])
        #expect(findings.items.allSatisfy { !$0.isWarning })
    }

    @Test(arguments: [
        ("compression_algorithms: [\"\", snappy]", "coding protocols.http.compression_algorithms.1"),
        ("cors: {max_age: 10}", "origin protocols.http.cors"),
    ])
    func `values that have no effect are pointed out`(line: String, finding: String) {
        let (config, problems) = decode("protocols:\n  http:\n    \(line)\n")
        #expect(problems.isEmpty)
        var findings = ConfigFindings()
        config.validate(&findings)
        #expect(findings.items.map { "\($0.code) \($0.path.joined(separator: "."))" } == [finding])
        #expect(findings.items.allSatisfy { $0.isWarning })
    }

    @Test(arguments: [("0", 64 << 20), ("-1", 64 << 20), ("0B", 64 << 20), ("20971520", 20 << 20), ("1KiB", 1 << 10)])
    func `a body has the default limit when none is given`(text: String, bytes: Int64) {
        let (config, problems) = decode("protocols: {http: {max_request_body_size: \(text)}}")
        #expect(problems.isEmpty)
        #expect(config.protocols.http?.maxRequestBodySize.bytes == bytes)
    }

    @Test func `a secret is never shown`() {
        let (config, _) = decode("protocols: {http: {response_headers: {X-Key: sesame}}}")
        #expect(!"\(config)".contains("sesame"))
    }

    @Test func `an unknown key and a bad endpoint are errors`() {
        #expect(decode("protocols:\n  http:\n    endpoint: nowhere\n    tracesUrlPath: /a\n").problems.count == 2)
    }

    @Test func `every key is documented`() {
        let keys =
            [
                "endpoint", "transport", "max_request_body_size", "max_request_records", "min_body_rate",
                "compression_algorithms", "traces_url_path",
                "logs_url_path", "metrics_url_path", "include_metadata", "response_headers", "read_header_timeout",
                "read_timeout", "write_timeout", "idle_timeout", "keep_alives_enabled", "keepalive",
                "keepalive.enabled",
                "keepalive.idle_timeout", "cors", "cors.allowed_origins", "cors.allowed_headers",
                "cors.exposed_headers",
                "cors.max_age", "tls", "tls.cert_file", "tls.key_file", "tls.client_ca_file", "tls.min_version",
                "tls.max_version",
                "auth", "auth.authenticator", "allowed_hosts",
            ].map { "protocols.http.\($0)" } + ["protocols", "protocols.http"]
        let documented = OTLPConfig.documentation.keys.filter { !$0.hasPrefix("protocols.grpc") }
        #expect(Set(documented) == Set(keys))
    }

    private func decode(_ text: String) -> (config: OTLPConfig, problems: [String]) {
        var diagnostics = Diagnostics()
        let node = Node(parsing: SourceFile(name: "config.yaml", text: text), diagnostics: &diagnostics)
        let config = node.map {
            ConfigDecoder().decode(OTLPConfig.self, from: $0, over: OTLPConfig(), diagnostics: &diagnostics)
        }
        return (config ?? OTLPConfig(), diagnostics.items.map(\.message))
    }
}
