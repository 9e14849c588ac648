// SPDX-License-Identifier: Apache-2.0

import Collector
import CollectorKit
import OTLPReceiver
import Testing
import YAML

/// Snippets for `otlp` over HTTP in the OpenTelemetry Collector's documentation can be pasted and mean the same here.
struct CarriedOverSnippetTests {
    private static func loaded(_ http: String) -> LoadedConfig {
        LoadedConfig(
            """
            receivers:
              otlp:
                protocols:
                  http:
                    \(http.split(separator: "\n").joined(separator: "\n        "))
            exporters: { sqlite: }
            service: { pipelines: { logs: { receivers: [otlp], exporters: [sqlite] } } }
            """
        )
    }

    private static func config(_ loaded: LoadedConfig) -> OTLPConfig.HTTP? {
        let receiver = ComponentID("otlp").flatMap { loaded.graph?.component(.receiver, $0) }
        return (receiver?.config as? OTLPConfig)?.protocols.http
    }

    static let accepted: [(snippet: String, holds: @Sendable (OTLPConfig.HTTP) -> Bool)] = [
        ("endpoint: localhost:55681", { $0.endpoint.description == "localhost:55681" }),
        ("endpoint: \"127.0.0.1:4318\"", { $0.endpoint.port == 4318 }),
        ("endpoint: ${env:UNSET:-127.0.0.1}:${env:UNSET:-4319}", { $0.endpoint.port == 4319 }),
        ("max_request_body_size: 20971520", { $0.maxRequestBodySize.bytes == 20 << 20 }),
        (
            "traces_url_path: /a\nmetrics_url_path: /b\nlogs_url_path: /c",
            { [$0.tracesURLPath, $0.metricsURLPath, $0.logsURLPath] == ["/a", "/b", "/c"] }
        ),
        (
            "cors:\n  allowed_origins:\n    - http://test.com\n    # a comment\n    - https://*.example.com",
            { $0.cors.allowedOrigins == ["http://test.com", "https://*.example.com"] }
        ),
        ("cors: { allowed_origins: [\"*\"] }", { $0.cors.allowedOrigins == ["*"] }),
        (
            """
            include_metadata: true
            endpoint: localhost:55690
            compression_algorithms: ["", "gzip"]
            cors:
              allowed_origins:
                - https://foo.bar.com
                - https://*.test.com
              allowed_headers:
                - Example-Header
              exposed_headers: [X-Request-Id]
              max_age: 7200
            """,
            {
                $0.includeMetadata && $0.compressionAlgorithms == ["", "gzip"] && $0.cors.maxAge == 7_200
                    && $0.cors.allowedHeaders == ["Example-Header"] && $0.cors.exposedHeaders == ["X-Request-Id"]
            }
        ),
        (
            "read_timeout: 0s\nread_header_timeout: 1m\nwrite_timeout: 30s\nidle_timeout: 1m30s",
            {
                [$0.readTimeout, $0.readHeaderTimeout, $0.writeTimeout, $0.idleTimeout].map(\.description)
                    == ["0s", "1m", "30s", "1m30s"]
            }
        ),
        ("keep_alives_enabled: false\ntransport: tcp4", { !$0.keepAlivesEnabled && $0.transport == .tcp4 }),
        (
            "keepalive:\n  enabled: false\n  idle_timeout: 2m",
            { !$0.keepalive.enabled && $0.keepalive.idleTimeout.description == "2m" }
        ),
        (
            "response_headers:\n  \"Strict-Transport-Security\": max-age=63072000\n  X-Frame-Options: ${env:UNSET:-deny}",
            { $0.responseHeaders["X-Frame-Options"]?.value == "deny" && $0.responseHeaders.count == 2 }
        ),
        ("max_request_body_size: 0", { $0.maxRequestBodySize == .standard }),
        (
            "tls: { cert_file: server.crt, key_file: server.key, client_ca_file: ca.crt, min_version: 1.3 }",
            { $0.tls?.minVersion == .tls13 && $0.tls?.clientCAFile.path == "ca.crt" }
        ),
        ("logs_url_path: v1/logs", { $0.logsURLPath == "v1/logs" }),
    ]

    @Test(arguments: accepted.indices)
    func `a key that is offered means the same`(row: Int) throws {
        let row = Self.accepted[row]
        let loaded = Self.loaded(row.snippet)
        #expect(loaded.diagnostics.rendered() == "")
        #expect(row.holds(try #require(Self.config(loaded))))
    }

    static let refused = [
        ("tls: { cert_file: server.crt }", "tls"), ("auth: { authenticator: oidc }", "authenticator"),
        ("middlewares: [{ id: limiter }]", "unknown-key"),
        ("transport: unix", "transport"), ("compression_algorithms: [\"\", snappy]", "coding"),
    ]

    @Test(arguments: refused)
    func `a key or value that is not offered is named, with advice`(snippet: String, code: String) {
        let loaded = Self.loaded(snippet)
        #expect(loaded.codes == [code])
        #expect(loaded.diagnostics.items.allSatisfy { $0.help != nil && $0.mark?.line == 5 })
    }

    @Test func `every protocol may be left to its defaults`() {
        for protocols in ["", "protocols:", "protocols: { http: }", "protocols: { http: {} }"] {
            let loaded = LoadedConfig(
                """
                receivers: { otlp: { \(protocols) } }
                exporters: { sqlite: }
                service: { pipelines: { logs: { receivers: [otlp], exporters: [sqlite] } } }
                """
            )
            #expect(loaded.diagnostics.rendered() == "")
            #expect(Self.config(loaded)?.endpoint == .otlpHTTP)
        }
    }
}
