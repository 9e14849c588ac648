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
        let http = config.protocols.http
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
            ]
        )
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
        #expect(config.protocols.http.endpoint == Endpoint(host: "0.0.0.0", port: 4_319))
        #expect(config.protocols.http.maxRequestBodySize.bytes == 1 << 20)
        #expect(config.protocols.http.cors.allowedOrigins == ["https://*.example.com"])
        let bench = try await Bench { $0 = config.protocols.http }
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
        #expect(config.protocols.http.maxRequestBodySize.bytes == bytes)
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
        #expect(Set(OTLPConfig.documentation.keys) == Set(keys))
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
